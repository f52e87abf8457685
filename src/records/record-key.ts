import { SluiceError } from '../errors.ts'
import type { Reject } from '../ports/destination.ts'
import { type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { encodeJson } from './encode-json.ts'
import { type Encoded, encodeValue } from './encode-value.ts'
import { fieldReader } from './field.ts'
import { rejectId } from './reject-id.ts'

/** Most characters of a record that a message quotes. */
const EXCERPT = 200

/** A record without a usable key. */
export interface KeyReject extends Reject {
  /** The key's field that is wrong. */
  readonly field: string
}

/** A record's key is missing, null or nested, and the stream is told to fail then (`onReject: 'fail'`). */
export class KeyInvalidError extends SluiceError {
  readonly code = 'KEY_INVALID'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly field: string
  constructor(stream: string, reject: KeyReject) {
    const text = encodeJson(reject.record)
    const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text
    super(
      `${stream}: ${reject.reason}, so the record can't be told from others: ${excerpt}. ` +
        `Name the right field in key, or set onReject: 'keep' to store such records in _sluice_rejects and go on`,
    )
    this.stream = stream
    this.field = reject.field
  }
}

/**
 * Parts the records that have a key from those that have none: each of its fields must be there and hold a string, a
 * number or a boolean. A string with NUL or half a surrogate pair is none either: not every table can hold it, and where it becomes U+FFFD
 * two keys would be one. The given array itself is returned where all are valid.
 */
export function validateKeys(
  records: readonly JsonRecord[],
  key: readonly string[],
): { readonly valid: readonly JsonRecord[]; readonly rejects: readonly KeyReject[] } {
  const fields = key.map((field) => ({ field, read: fieldReader(field) }))
  let valid: JsonRecord[] | undefined
  const rejects: KeyReject[] = []
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!
    let wrong: string | undefined
    for (const { field, read } of fields) {
      const value = read(record)
      if (typeof value === 'string' ? isStorable(value) : isScalar(value)) continue
      wrong = field
      break
    }
    if (wrong === undefined) valid?.push(record)
    else {
      valid ??= records.slice(0, index)
      const reason = reasonFor(record, wrong)
      rejects.push({ id: rejectId(record, reason), record, field: wrong, reason })
    }
  }
  return { valid: valid ?? records, rejects }
}

function isScalar(value: Value): boolean {
  return value !== null && (typeof value !== 'object' || value instanceof LongDecimal)
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** The string or number under which a record's key is known: equal for two records exactly when their keys are. */
export type RecordKey = (record: JsonRecord) => string | number

/**
 * Reads keys as the table's columns hold them after the load, so the column decides what is equal: 1 and "1" are one key
 * where the column has become text, and two spellings of one instant are one key of a timestamp column.
 */
export function recordKey(key: readonly string[], schema: TableSchema): RecordKey {
  const parts = key.map((field) => encodedField(field, schema))
  const [only] = parts
  if (only !== undefined && parts.length === 1) return (record) => encodedKey([only(record)])
  return (record) => encodedKey(parts.map((part) => part(record)))
}

/** The key made of a row's encoded key columns, in the order of the key's fields. */
export function encodedKey(parts: readonly Encoded[]): string | number {
  const [only] = parts
  if (parts.length === 1) return typeof only === 'number' ? only : String(only)
  let joined = ''
  for (const part of parts) {
    const text = String(part)
    joined += `${text.length}:${text}`
  }
  return joined
}

function encodedField(field: string, schema: TableSchema): (record: JsonRecord) => Encoded {
  const read = fieldReader(field)
  const column = schema.columns.find((candidate) => candidate.field === field)
  return column === undefined ? () => null : (record) => encodeValue(read(record), column.type, column.name)
}

function reasonFor(record: JsonRecord, field: string): string {
  const name = `key field ${JSON.stringify(field)}`
  if (!Object.hasOwn(record, field) || record[field] === undefined) return `${name} is missing`
  const value = record[field]
  if (value === null) return `${name} is null`
  if (typeof value === 'string')
    return `${name} holds ${value.includes('\0') ? 'NUL' : 'half a surrogate pair'}, which not every table can store, so that two keys could become one`
  return `${name} is ${Array.isArray(value) ? 'an array' : 'an object'}, not a string, a number or a boolean`
}
