import { ConfigError } from '../errors.ts'
import { writePath } from '../options/explain.ts'
import { isSecret } from '../options/secret.ts'

/** @throws ConfigError where a value contains itself (a YAML alias can do that), naming both places */
export function refuseCycle(value: unknown): void {
  const open = new Map<object, string>()
  const visit = (current: unknown, path: readonly PropertyKey[]): void => {
    if (typeof current !== 'object' || current === null || isSecret(current)) return
    const earlier = open.get(current)
    if (earlier !== undefined) {
      throw new ConfigError(
        writePath(path),
        `this is ${earlier || 'the whole config'} again: a config can't contain itself`,
      )
    }
    open.set(current, writePath(path))
    for (const [key, inner] of Object.entries(current)) {
      visit(inner, [...path, Array.isArray(current) ? Number(key) : key])
    }
    open.delete(current)
  }
  visit(value, [])
}
