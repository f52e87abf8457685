import type { JsonRecord, Value } from '../ports/json.ts'

/**
 * A function that reads one field of a record, `null` where it is absent. A record's own fields only: one called
 * `constructor` or `__proto__` must not be found on every object.
 */
export function fieldReader(field: string): (record: JsonRecord) => Value {
  if (field in Object.prototype)
    return (record) => (Object.hasOwn(record, field) ? (record[field] ?? null) : null)
  return (record) => record[field] ?? null
}
