import { parseKeepingLongNumbers } from '../../http/decode/long-numbers.ts'
import { LongDecimal, type Value } from '../../ports/json.ts'
import type { ColumnType } from '../../ports/schema.ts'
import { decimalDigits } from '../../records/decimal.ts'
import { encodeJson, isPlain } from '../../records/encode-json.ts'

// What JSON can say and jsonb refuses. NUL and half a surrogate pair become U+FFFD, as they do in a text column. jsonb keeps a number as
// `numeric`, digit by digit, within bounds; one beyond them becomes the text of its digits, and so does a value that is nested deeper
// than the server's parser goes.

/** PostgreSQL's numeric holds 131,072 digits before the point and 16,383 behind it. What is longer than this is looked at. */
const LONG_NUMBER = /\d{1000}|\d[eE][+-]?\d{3}/
const MOST_DIGITS = 16_000
/** The server's parser goes some thousand levels deep, by its `max_stack_depth`. */
const MOST_LEVELS = 1000

/** A value as JSON text that jsonb takes. */
export function jsonbText(value: Value): string {
  // Doubles stay within the bounds, and what is plain is not deep.
  if (isPlain(value)) return storable(JSON.stringify(value))
  const text = encodeJson(value)
  if (text.length > MOST_LEVELS && isDeep(value)) return storable(JSON.stringify(text))
  if (LONG_NUMBER.test(text)) return storable(encodeJson(withShortNumbers(value)))
  return storable(text)
}

/** A value as a column of the type holds it: what is read back of a row that it went into. */
export function asStored(value: Value, { kind }: ColumnType): Value {
  if (kind === 'json' && value !== null) return parseKeepingLongNumbers(jsonbText(value))
  return kind === 'text' && typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value
}

/** NUL and half a surrogate pair, as JSON.stringify escapes them: it escapes nothing else that begins like these. */
function storable(json: string): string {
  if (!json.includes('\\')) return json
  return json.replace(/\\\\|\\ud[0-9a-f]{3}|\\u0000/g, (found) => (found === '\\\\' ? found : '\ufffd'))
}

function isDeep(whole: Value): boolean {
  let level: Value[] = [whole]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true
    const next: Value[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null || value instanceof LongDecimal) continue
      for (const inner of Array.isArray(value) ? value : Object.values(value))
        if (typeof inner === 'object' && inner !== null) next.push(inner)
    }
    level = next
  }
  return false
}

/** At most `MOST_LEVELS` deep. */
function withShortNumbers(value: Value): Value {
  if (typeof value === 'bigint') return isLong(value.toString()) ? value.toString() : value
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof LongDecimal) return isLong(value.text) ? value.text : value
  if (Array.isArray(value)) return value.map(withShortNumbers)
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, withShortNumbers(inner)]))
}

function isLong(text: string): boolean {
  if (text.length > MOST_DIGITS) return true
  const exponent = Number(/[eE]([+-]?\d+)$/.exec(text)?.[1] ?? 0)
  return Math.abs(exponent) > 1000 && decimalDigits(text) === null
}
