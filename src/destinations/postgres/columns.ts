import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import type { Column, ColumnType } from '../../ports/schema.ts'
import { plainDecimal } from '../../records/decimal.ts'
import { encodeText } from '../../records/encode-text.ts'
import { ValueMisfitError } from '../../records/encode-value.ts'
import { fieldReader } from '../../records/field.ts'
import { jsonbText } from './json-text.ts'

/** The SQL type of a table's column, as PostgreSQL itself spells it. */
export function sqlType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'bigint':
      return 'bigint'
    case 'double':
      return 'double precision'
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`
    case 'date':
      return 'date'
    case 'timestamp':
      return 'timestamp with time zone'
    case 'text':
      return 'text'
    case 'json':
      return 'jsonb'
  }
}

/** NULL in COPY's text format. */
export const COPY_NULL = '\\N'

/** Writes a record's value of one column in COPY's text format. Throws a ValueMisfitError for what the column can't hold. */
export type EncodeCell = (record: JsonRecord) => string

/** The encoding of a column in COPY's text format (PostgreSQL, COPY, "Text Format"). */
export function cellEncoder({ field, name, type }: Column): EncodeCell {
  const read = fieldReader(field)
  const refuse = (value: Value): never => {
    throw new ValueMisfitError(name, type, value)
  }
  const cell = (encode: (value: Exclude<Value, null>) => string): EncodeCell => {
    return (record) => {
      const value = read(record)
      return value === null ? COPY_NULL : encode(value)
    }
  }
  switch (type.kind) {
    case 'boolean':
      return cell((value) => (value === true ? 't' : value === false ? 'f' : refuse(value)))
    case 'integer':
    case 'bigint':
      return cell((value) => {
        if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
        if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value.toString()
        return refuse(value)
      })
    case 'double':
      return cell((value) => {
        if (typeof value !== 'number') return refuse(value)
        return value === 0 && 1 / value < 0 ? '-0' : String(value)
      })
    // They were checked when they were observed (records/iso-time.ts), and the server reads them as they are.
    case 'date':
    case 'timestamp':
      return cell((value) => (typeof value === 'string' ? value : refuse(value)))
    case 'text':
      return cell((value) =>
        escapeCopy(typeof value === 'string' ? value : (encodeText(value) ?? refuse(value))),
      )
    case 'json':
      return cell((value) => escapeJson(jsonbText(value)))
    case 'decimal':
      return cell((value) => {
        const isNumber =
          typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal
        return (isNumber ? plainDecimal(String(value)) : null) ?? refuse(value)
      })
  }
}

const special = /[\\\n\r\t\0]/
const everySpecial = /[\\\n\r\t\0]/g
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  // No text of PostgreSQL's holds NUL.
  '\0': '\ufffd',
}

/** A text as COPY's text format writes it. */
export function escapeCopy(text: string): string {
  return special.test(text) ? text.replace(everySpecial, (found) => escapes[found]!) : text
}

/** The same for JSON, which escapes all control characters itself: a search for one character is quicker than one for any of five. */
function escapeJson(json: string): string {
  return json.includes('\\') ? escapeCopy(json) : json
}
