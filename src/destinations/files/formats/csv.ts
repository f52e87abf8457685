// CSV as RFC 4180 has it, but for the line feed alone at a line's end: a header, then a line for each row. A text is quoted and NULL is
// empty, so that the two can be told apart; everything else stands as it is. NUL, which no reader of CSV takes, is written as U+FFFD.
import type { Column } from '../../../ports/schema.ts'
import { LOAD_ID_COLUMN, ROW_COLUMN } from '../../../records/column-name.ts'
import { encodeValue } from '../../../records/encode-value.ts'
import { fieldReader } from '../../../records/field.ts'
import { storableJson } from '../../duckdb/json-text.ts'
import type { RowWriter } from './row-writer.ts'
import { type EncodeLine, numberText, TextRows } from './text-rows.ts'

export function csvWriter(compression: 'gzip' | 'none'): RowWriter {
  return {
    format: 'csv',
    compression,
    extension: compression === 'gzip' ? '.csv.gz' : '.csv',
    rows: () => new TextRows(lineEncoder),
    asStored: (value, { kind }) => (kind === 'text' && typeof value === 'string' ? withoutNul(value) : value),
    async write(rows, { path, loadId, schema: { columns }, numbers }) {
      const own = numbers === undefined ? [LOAD_ID_COLUMN] : [LOAD_ID_COLUMN, ROW_COLUMN]
      const head = `${[...own, ...columns.map(({ name }) => name)].map(quoted).join(',')}\n`
      const lead = quoted(loadId)
      const missing = Array.from({ length: columns.length + 1 }, (_, count) => ','.repeat(count))
      const finish = (line: string, width: number, row: number) =>
        `${lead}${numbers === undefined ? '' : `,${numbers === 'own' ? row : numbers[row]}`}${line}${missing[columns.length - width]}\n`
      const longestLine = await (rows as TextRows).write(path, compression === 'gzip', head, finish)
      return { longestLine }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Encodes a record's cells, each with a comma before it. */
function lineEncoder(columns: readonly Column[]): EncodeLine {
  const cells = columns.map(({ field, name, type }) => ({
    read: fieldReader(field),
    name,
    type,
    isText: type.kind === 'text' || type.kind === 'json',
  }))
  return (record) => {
    let line = ''
    for (const { read, name, type, isText } of cells) {
      const value = encodeValue(read(record), type, name)
      if (value === null) line += ','
      else if (isText)
        line += `,${quoted(type.kind === 'json' ? storableJson(value as string) : (value as string))}`
      else line += `,${numberText(value, type)}`
    }
    return line
  }
}

function quoted(text: string): string {
  return `"${withoutNul(text.replaceAll('"', '""'))}"`
}

function withoutNul(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}
