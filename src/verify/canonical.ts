import { parseKeepingLongNumbers } from '../http/decode/long-numbers.ts'
import { isObject, type Json, type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import type { Column, TableSchema } from '../ports/schema.ts'
import { plainDecimal } from '../records/decimal.ts'
import { encodeText } from '../records/encode-text.ts'
import { fieldReader } from '../records/field.ts'
import { isIsoDate, isIsoTimestamp, utcTimestamp } from '../records/iso-time.ts'

// A record of the API and its row say the same in different ways: a time has another zone, a decimal other zeros, a nested value its members
// in another order. Both are written in one form here, and compared as text.

/** Writes records of the API, and rows of their table, in the one form that they are compared in. */
export interface CanonicalForm {
  ofRecord(record: JsonRecord): CanonicalRow
  ofRow(row: Readonly<Record<string, Json>>): CanonicalRow
}

export interface CanonicalRow {
  /** The key's values; empty where there is no key. */
  readonly key: string
  readonly content: string
}

/**
 * The form for a table.
 * @param hidden the record's fields that make no column
 */
export function canonicalForm(
  { columns }: TableSchema,
  key: readonly string[],
  hidden: readonly string[],
): CanonicalForm {
  const readers = columns.map(({ field }) => fieldReader(field))
  const keyAt = key.map((field) => columns.findIndex((column) => column.field === field))
  const known = new Set([...columns.map(({ field }) => field), ...hidden])
  const rowOf = (values: readonly string[], unknown: readonly string[]): CanonicalRow => ({
    key: keyAt.length === 0 ? '' : JSON.stringify(keyAt.map((at) => values[at] ?? absent)),
    content: JSON.stringify([...values, ...unknown]),
  })
  return {
    ofRecord(record) {
      const values = columns.map((column, at) => canonicalValue(column, readers[at]!(record)))
      const unknown: string[] = []
      // A column that is not there holds no value.
      for (const field in record)
        if (!known.has(field) && record[field] !== null)
          unknown.push(`${field}: ${canonicalJson(record[field]!)}`)
      return rowOf(values, unknown.sort())
    },
    ofRow: (row) =>
      rowOf(
        columns.map((column) => canonicalValue(column, storedValue(column, row[column.name] ?? null))),
        [],
      ),
  }
}

const absent = '-'

/** What a row holds as the API would say it. */
function storedValue({ type }: Column, value: Json): Value {
  if (value === null) return null
  if (type.kind === 'json') return parseKeepingLongNumbers(String(value))
  if (type.kind === 'decimal') return new LongDecimal(String(value))
  if ((type.kind === 'integer' || type.kind === 'bigint') && typeof value === 'string') return BigInt(value)
  return value as Value
}

function canonicalValue({ type }: Column, value: Value): string {
  if (value === null) return absent
  switch (type.kind) {
    case 'text':
      return `"${storable(encodeText(value)!)}`
    case 'json':
      return canonicalJson(value)
    case 'date':
      return typeof value === 'string' && isIsoDate(value) ? value : foreign(value)
    case 'timestamp':
      // A column of times takes dates, too.
      if (typeof value === 'string' && isIsoDate(value)) return `${value}T00:00:00Z`
      return typeof value === 'string' && isIsoTimestamp(value) ? utcTimestamp(value) : foreign(value)
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : foreign(value)
    case 'integer':
    case 'bigint':
    case 'decimal':
      return isNumber(value) ? (plainDecimal(String(value)) ?? String(value)) : foreign(value)
    case 'double':
      // It holds what a double holds, of whatever was sent.
      return isNumber(value) ? String(Number(String(value))) : foreign(value)
  }
}

/** What the column can't hold differs from all that it holds. */
function foreign(value: Value): string {
  return `! ${canonicalJson(value)}`
}

function isNumber(value: Value): value is number | bigint | LongDecimal {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal
}

/** JSON with its members in order and its numbers in one spelling. */
function canonicalJson(value: Value): string {
  if (isNumber(value)) return plainDecimal(String(value)) ?? String(value)
  if (typeof value === 'string') return JSON.stringify(storable(value))
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join()}]`
  if (!isObject(value)) return String(value)
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(storable(name))}:${canonicalJson(value[name]!)}`)
  return `{${members.join()}}`
}

/** A text as any warehouse can hold it: some take no NUL, none half a character. */
function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd')
}
