import { createHash } from 'node:crypto'
import { type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import { encodeJson } from './encode-json.ts'

/** Deeper than this, fields keep the order in which they were sent: a record may be nested deeper than a call stack reaches. */
const SORTED_DEPTH = 100

/**
 * What a reject is known by: the same record, refused for the same reason, has the same id, whenever it is read and in whatever order
 * its fields come. SHA-256 of the record with its fields in order, and of the reason, in hexadecimal.
 */
export function rejectId(record: JsonRecord, reason: string): string {
  return createHash('sha256')
    .update(encodeJson(sorted(record, 0)))
    .update('\n')
    .update(reason)
    .digest('hex')
}

function sorted(value: Value, depth: number): Value {
  if (typeof value !== 'object' || value === null || value instanceof LongDecimal) return value
  if (depth > SORTED_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1))
  // Numeric names come first in any object, in their own order: the same for both.
  const fields = Object.keys(value).sort()
  return Object.fromEntries(fields.map((field) => [field, sorted(value[field]!, depth + 1)]))
}
