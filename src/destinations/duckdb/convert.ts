import type { ColumnType } from '../../ports/schema.ts'
import { sqlType } from './columns.ts'

/**
 * SQL that turns a column's values into those of a wider type: what they would be had the column been that wide from the
 * start (`widenEncoded` in records/encode-value.ts says the same in JavaScript).
 */
export function convert(column: string, from: ColumnType, to: ColumnType): string {
  if (to.kind === 'text') return textOf(column, from)
  if (to.kind === 'json') return jsonOf(column, from)
  return `CAST(${column} AS ${sqlType(to)})`
}

/**
 * Whether the conversion calls a function. DuckDB writes the expression of an ALTER into its log, and can't find functions
 * while it replays that: a file whose process died then would never open again (seen with 1.5). A cast is replayed well.
 */
export function callsFunction(from: ColumnType, to: ColumnType): boolean {
  if (to.kind === 'json') return true
  return (
    to.kind === 'text' && (from.kind === 'double' || from.kind === 'decimal' || from.kind === 'timestamp')
  )
}

function textOf(column: string, from: ColumnType): string {
  switch (from.kind) {
    case 'double':
      return doubleText(column)
    case 'decimal':
      return from.scale === 0 ? `CAST(${column} AS VARCHAR)` : decimalText(column)
    case 'timestamp':
      return timestampText(column)
    default:
      return `CAST(${column} AS VARCHAR)`
  }
}

function jsonOf(column: string, from: ColumnType): string {
  const isQuoted = from.kind === 'text' || from.kind === 'date' || from.kind === 'timestamp'
  const text = textOf(column, from)
  if (isQuoted) return `CAST(to_json(${text}) AS JSON)`
  // JSON writes -0 as 0, as JSON.stringify does.
  return from.kind === 'double'
    ? `CAST(CASE WHEN ${column} = 0 THEN '0' ELSE ${text} END AS JSON)`
    : `CAST(${text} AS JSON)`
}

/** Without the zeros that only fill the scale. DuckDB leaves out the 0 before the point where the type has no such digit. */
function decimalText(column: string): string {
  const text = `rtrim(rtrim(CAST(${column} AS VARCHAR), '0'), '.')`
  return `CASE WHEN ${column} = 0 THEN '0' ELSE regexp_replace(${text}, '^(-?)\\.', '\\10.') END`
}

/** In UTC, with `Z`, and no more digits of fraction than it needs. */
function timestampText(column: string): string {
  const text = `strftime(${column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f')`
  return `rtrim(rtrim(${text}, '0'), '.') || 'Z'`
}

/**
 * As JavaScript's `String` writes a number. DuckDB finds the same shortest digits, but writes `4.0` for 4, `1e+16` for
 * what JavaScript writes out up to 10^21, and `1e-05` down to 10^-6.
 */
function doubleText(column: string): string {
  const text = `CAST(${column} AS VARCHAR)`
  const sign = `CASE WHEN starts_with(${text}, '-') THEN '-' ELSE '' END`
  const exponent = `CAST(split_part(${text}, 'e', 2) AS INTEGER)`
  const mantissa = `ltrim(split_part(${text}, 'e', 1), '-')`
  const digits = `replace(${mantissa}, '.', '')`
  return `CASE
    WHEN ends_with(${text}, '.0') THEN left(${text}, -2)
    WHEN NOT contains(${text}, 'e') THEN ${text}
    WHEN ${exponent} >= 21 THEN ${text}
    WHEN ${exponent} >= 0 THEN ${sign} || rpad(${digits}, ${exponent} + 1, '0')
    WHEN ${exponent} >= -6 THEN ${sign} || '0.' || repeat('0', -${exponent} - 1) || ${digits}
    ELSE ${sign} || ${mantissa} || 'e' || ${exponent}
  END`
}
