import type { ColumnType } from '../../ports/schema.ts'
import { sqlType } from './columns.ts'

/**
 * SQL that turns a column's values into those of a wider type: what they would be had the column been that wide from the
 * start (`widenEncoded` in records/encode-value.ts says the same in JavaScript).
 */
export function convert(column: string, from: ColumnType, to: ColumnType): string {
  if (sqlType(from) === sqlType(to)) return column
  if (to.kind === 'text') return textOf(column, from)
  if (to.kind === 'json') return jsonOf(column, from)
  return `CAST(${column} AS ${sqlType(to)})`
}

function textOf(column: string, from: ColumnType): string {
  switch (from.kind) {
    case 'double':
      return doubleText(column)
    case 'decimal':
      // Without the zeros that only fill the scale.
      return `trim_scale(${column})::text`
    case 'timestamp':
      return timestampText(column)
    default:
      return `${column}::text`
  }
}

function jsonOf(column: string, from: ColumnType): string {
  switch (from.kind) {
    case 'decimal':
      return `to_jsonb(trim_scale(${column}))`
    case 'date':
    case 'timestamp':
      return `to_jsonb(${textOf(column, from)})`
    default:
      return `to_jsonb(${column})`
  }
}

/** In UTC, with `Z`, and no more digits of fraction than it needs. */
function timestampText(column: string): string {
  const text = `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`
  return `rtrim(rtrim(${text}, '0'), '.') || 'Z'`
}

/**
 * As JavaScript's `String` writes a number. PostgreSQL finds the same shortest digits (one more where they lie
 * exactly between two numbers, as those of 1.25e22 do), but writes an exponent from 10^15 and 10^-5 on,
 * with two digits at least, where JavaScript does from 10^21 and 10^-7 on. Its numeric writes all digits out.
 */
function doubleText(column: string): string {
  return `CASE
    WHEN ${column} = 0 THEN ${column}::text
    WHEN abs(${column}) >= 1e21 OR abs(${column}) < 1e-6 THEN regexp_replace(${column}::text, 'e([-+])0', 'e\\1')
    ELSE ${column}::text::numeric::text
  END`
}
