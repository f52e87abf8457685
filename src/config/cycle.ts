import { ConfigError } from '../errors.ts'
import { writePath } from '../options/explain.ts'
import { isSecret } from '../options/secret.ts'

/** No API's body needs as many; what validates a config calls itself once a level. */
const mostLevels = 200
/** An object that is named from many places is one value in each of them. */
const mostValues = 500_000

/**
 * @throws ConfigError where a value contains itself (a YAML alias can do that), naming both places, or where it is nested deeper or
 * larger than can be read
 */
export function refuseCycle(value: unknown): void {
  const open = new Map<object, readonly PropertyKey[]>()
  let values = 0
  const visit = (current: unknown, path: readonly PropertyKey[]): void => {
    if (++values > mostValues) {
      throw new ConfigError(
        writePath(path.slice(0, 8)),
        `the config holds more than ${mostValues} values up to here, which is too many to read`,
      )
    }
    if (typeof current !== 'object' || current === null || isSecret(current)) return
    const earlier = open.get(current)
    if (earlier !== undefined) {
      throw new ConfigError(
        writePath(path),
        `this is ${writePath(earlier) || 'the whole config'} again: a config can't contain itself`,
      )
    }
    if (path.length > mostLevels) {
      throw new ConfigError(
        writePath(path.slice(0, 8)),
        `this is nested more than ${mostLevels} levels deep, which is too deep for a config`,
      )
    }
    open.set(current, path)
    for (const [key, inner] of Object.entries(current)) {
      visit(inner, [...path, Array.isArray(current) ? Number(key) : key])
    }
    open.delete(current)
  }
  visit(value, [])
}
