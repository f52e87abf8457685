import { type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'

/** Reads one field of a record, at the top (`id`) or below (`user.id`); `undefined` where it isn't there. */
export function fieldReader(path: string): (record: JsonRecord) => Value | undefined {
  const segments = path.split('.')
  if (segments.length === 1) return (record) => record[path]
  return (record) => {
    let value: Value | undefined = record
    for (const segment of segments) {
      if (!isObject(value)) return undefined
      value = value[segment]
    }
    return value
  }
}

/** True for an object of the API, as opposed to an array, a scalar or a long number. */
export function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
