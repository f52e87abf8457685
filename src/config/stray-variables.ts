import { ConfigError } from '../errors.ts'
import { writePath } from '../options/explain.ts'
import { isSecret } from '../options/secret.ts'
import type { Pipeline } from './pipeline.ts'

/** `${NAME}` and `${env:NAME}` */
const reference = /\$\{(?:env:)?[A-Za-z_]\w*\}/

/**
 * Refuses references to variables in options that are not looked up: they would be sent as they stand. The options that are
 * looked up hold secrets by now. What else a request's body holds is left alone: it may be in a language that has such references itself.
 * @throws ConfigError that names the option and what to write
 */
export function refuseStrayVariables(pipeline: Pipeline): void {
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string') {
      const found = reference.exec(value)?.[0] ?? (value.includes('${') ? '`${`' : undefined)
      if (found === undefined) return
      throw new ConfigError(
        writePath(path),
        `${found} would be taken as it stands: variables are looked up in addresses, credentials, paths, \`headers\`, \`query\` and bodies alone. Anything else can be put together in a pipeline.ts`,
      )
    }
    if (typeof value !== 'object' || value === null || isSecret(value)) return
    for (const [key, inner] of Object.entries(value)) {
      const isStream = path.at(-2) === 'streams' || path.at(-1) === 'defaults'
      if (isStream && (key === 'body' || key === 'graphql')) continue
      visit(inner, [...path, Array.isArray(value) ? Number(key) : key])
    }
  }
  visit(pipeline, [])
}
