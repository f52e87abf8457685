import { longNumber, parseKeepingLongNumbers } from '../http/decode/long-numbers.ts'
import { isObject, type Json, type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import type { Column, ColumnType, TableSchema } from '../ports/schema.ts'
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
  /** The forms of the key's values, as a JSON list; empty where there is no key. */
  readonly key: string
  /** What `readContent` reads. */
  readonly content: string
}

/**
 * The form for a table.
 * @param hidden the record's fields that make no column
 * @param asStored what the destination holds of a value
 */
export function canonicalForm(
  { columns }: TableSchema,
  key: readonly string[],
  hidden: readonly string[],
  asStored: (value: Value, type: ColumnType) => Value = (value) => value,
): CanonicalForm {
  const readers = columns.map(({ field }) => fieldReader(field))
  const keyColumns = key.map((field) => {
    // Where there is no table yet, records still have keys.
    const column: Column = columns.find((one) => one.field === field) ?? { field, name: field, type: ANY }
    return { column, read: fieldReader(field) }
  })
  const keyOf = (values: readonly Value[]) =>
    key.length === 0 ? '' : JSON.stringify(keyColumns.map(({ column }, at) => keyForm(column, values[at]!)))
  const known = new Set([...columns.map(({ field }) => field), ...hidden])
  const contentOf = (values: readonly Value[], unknown: readonly (readonly string[])[] = []) =>
    JSON.stringify([...columns.map((column, at) => contentForm(column, values[at]!)), ...unknown])
  return {
    ofRecord(record) {
      // A column that is not there holds no value.
      const unknown = Object.keys(record)
        .filter((field) => !known.has(field) && record[field] !== null)
        .sort()
        .map((field) => [field, canonicalJson(record[field]!)])
      return {
        key: keyOf(keyColumns.map(({ column, read }) => asStored(read(record), column.type))),
        content: contentOf(
          columns.map(({ type }, at) => asStored(readers[at]!(record), type)),
          unknown,
        ),
      }
    },
    ofRow: (row) => {
      const stored = (column: Column) => storedValue(column, row[column.name] ?? null)
      return {
        key: keyOf(keyColumns.map(({ column }) => stored(column))),
        content: contentOf(columns.map(stored)),
      }
    },
  }
}

const ANY: ColumnType = { kind: 'json' }
/** The form of no value. */
export const absent = '-'

/** What a row's content is made of. */
export interface FormOfContent {
  /** By column. */
  readonly values: readonly string[]
  /** Fields that have no column. */
  readonly unknown: readonly (readonly [field: string, form: string])[]
}

export function readContent(content: string): FormOfContent {
  const parts = JSON.parse(content) as (string | [string, string])[]
  return {
    values: parts.filter((part) => typeof part === 'string'),
    unknown: parts.filter((part) => typeof part !== 'string'),
  }
}

/** What a row holds as the API would say it. */
function storedValue({ type }: Column, value: Json): Value {
  if (value === null) return null
  if (type.kind === 'json') return parseKeepingLongNumbers(String(value))
  if (type.kind === 'decimal') return new LongDecimal(String(value))
  if ((type.kind === 'integer' || type.kind === 'bigint') && typeof value === 'string') return BigInt(value)
  return value as Value
}

/** A key's values are told apart as the destination does: two spellings of a number or of an instant are two texts. */
function keyForm(column: Column, value: Value): string {
  const { kind } = column.type
  if (value === null || (kind !== 'text' && kind !== 'json')) return contentForm(column, value)
  return canonicalJson(kind === 'text' ? encodeText(value) : value)
}

function contentForm({ type }: Column, value: Value): string {
  if (value === null) return absent
  switch (type.kind) {
    case 'text':
      return spelledForm(encodeText(value)!)
    case 'json':
      return typeof value === 'string' ? spelledForm(value) : canonicalJson(value)
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

/**
 * A text that may be another value's spelling, in a column that was widened: its rows hold the texts of the numbers, booleans and
 * instants that it held before. A number's text is what `encodeText` writes: `1.10` is none.
 */
function spelledForm(text: string): string {
  if (text === 'true' || text === 'false') return text
  if (isIsoTimestamp(text)) return utcTimestamp(text)
  if (text === '-0') return '0'
  const isNumberText = /^-?\d/.test(text) && (String(Number(text)) === text || longNumber(text) !== undefined)
  return isNumberText ? (plainDecimal(text) ?? text) : canonicalJson(text)
}

/** What the column can't hold differs from all that it holds. */
function foreign(value: Value): string {
  return `! ${canonicalJson(value)}`
}

function isNumber(value: Value): value is number | bigint | LongDecimal {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal
}

/** JSON with its members in order and its numbers in one spelling. */
function canonicalJson(whole: Value): string {
  let text = ''
  // Without recursion: an API may nest deeper than a call stack reaches.
  const steps: (string | { readonly value: Value })[] = [{ value: whole }]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (typeof step === 'string') text += step
    else if (Array.isArray(step.value)) {
      text += '['
      steps.push(']')
      for (let at = step.value.length - 1; at >= 0; at--) {
        steps.push({ value: step.value[at] ?? null })
        if (at > 0) steps.push(',')
      }
    } else if (isObject(step.value)) {
      text += '{'
      steps.push('}')
      const members = step.value
      const names = Object.keys(members).filter((name) => members[name] !== undefined)
      for (const [at, name] of names.sort().reverse().entries())
        steps.push(
          { value: members[name]! },
          `${at < names.length - 1 ? ',' : ''}${JSON.stringify(storable(name))}:`,
        )
    } else text += canonicalScalar(step.value)
  }
  return text
}

function canonicalScalar(value: Value): string {
  if (isNumber(value)) return plainDecimal(String(value)) ?? String(value)
  return typeof value === 'string' ? JSON.stringify(storable(value)) : String(value)
}

/** A text as every warehouse holds it: in UTF-8, which has no half of a surrogate pair. */
function storable(text: string): string {
  return text.toWellFormed()
}
