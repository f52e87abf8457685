// JSON Lines: one object a line, its members named after the table's columns, in their order; what is null is left out. Every value is
// written as its column has it, numbers with all their digits (R4).
//
// Most readers of JSON put numbers into doubles. A number that one can't hold, in a decimal column or somewhere inside a nested value, is
// therefore written a second time, as text: the member `_sluice_digits` maps a column to its value's exact JSON. The statement that
// `sluice files --sql` prints reads that first.
import { LongDecimal, type Value } from '../../../ports/json.ts'
import type { Column, ColumnType } from '../../../ports/schema.ts'
import { DIGITS_COLUMN, LOAD_ID_COLUMN, ROW_COLUMN } from '../../../records/column-name.ts'
import { encodeJson } from '../../../records/encode-json.ts'
import { encodeValue } from '../../../records/encode-value.ts'
import { fieldReader } from '../../../records/field.ts'
import { storableJson } from '../../duckdb/json-text.ts'
import type { RowWriter } from './row-writer.ts'
import { type EncodeLine, numberText, TextRows } from './text-rows.ts'

export function jsonLinesWriter(compression: 'gzip' | 'none'): RowWriter {
  return {
    format: 'jsonl',
    compression,
    extension: compression === 'gzip' ? '.jsonl.gz' : '.jsonl',
    rows: () => new TextRows(lineEncoder),
    async write(rows, { path, loadId, numbers }) {
      const open = `{${JSON.stringify(LOAD_ID_COLUMN)}:${JSON.stringify(loadId)}`
      const finish =
        numbers === undefined
          ? (line: string) => `${open}${line}}\n`
          : (line: string, _columns: number, row: number) =>
              `${open},"${ROW_COLUMN}":${numbers === 'own' ? row : numbers[row]}${line}}\n`
      const longestLine = await (rows as TextRows).write(path, compression === 'gzip', '', finish)
      return { longestLine }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Encodes a record's members, each with a comma before it. */
function lineEncoder(columns: readonly Column[]): EncodeLine {
  const members = columns.map(({ field, name, type }) => ({
    read: fieldReader(field),
    lead: `,${JSON.stringify(name)}:`,
    name,
    type,
  }))
  return (record) => {
    let line = ''
    let digits = ''
    for (const { read, lead, name, type } of members) {
      const value = read(record)
      if (value === null || value === undefined) continue
      const text = memberText(value, type, name)
      line += lead + text
      if (losesDigits(value, type))
        // Once it is text within text, what `storableJson` looks for is no escape any more.
        digits += `${digits === '' ? '' : ','}${lead.slice(1)}${JSON.stringify(storableJson(text))}`
    }
    return storableJson(digits === '' ? line : `${line},"${DIGITS_COLUMN}":{${digits}}`)
  }
}

/** A value as JSON, in its column's form. */
function memberText(value: Value, type: ColumnType, column: string): string {
  if (type.kind === 'json') return encodeJson(value)
  const encoded = encodeValue(value, type, column)
  if (typeof encoded === 'string' && type.kind !== 'decimal') return JSON.stringify(encoded)
  return numberText(encoded, type)
}

/** Whether a reader that knows doubles only would read something else. */
function losesDigits(value: Value, type: ColumnType): boolean {
  if (type.kind === 'decimal') return value instanceof LongDecimal
  return type.kind === 'json' && typeof value === 'object' && hasLongDecimal(value)
}

function hasLongDecimal(whole: Value): boolean {
  const left: Value[] = [whole]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (value instanceof LongDecimal) return true
    if (typeof value !== 'object' || value === null) continue
    for (const member of Array.isArray(value) ? value : Object.values(value)) left.push(member)
  }
  return false
}
