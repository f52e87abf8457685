import { LongDecimal, type Value } from '../ports/json.ts'
import type { ColumnType } from '../ports/schema.ts'
import { columnTypes, decimalType, MAX_DECIMAL_DIGITS } from './column-type.ts'
import { decimalDigits } from './decimal.ts'
import { isIsoDate, isIsoTimestamp } from './iso-time.ts'

const MAX_INT64 = 9_223_372_036_854_775_807n
const MIN_INT64 = -9_223_372_036_854_775_808n
const MAX_DECIMAL = 10n ** BigInt(MAX_DECIMAL_DIGITS)

/** The narrowest type that holds the value, or `null` for `null`, which says nothing about its column. */
export function inferType(value: Value | undefined): ColumnType | null {
  switch (typeof value) {
    case 'string':
      if (isIsoTimestamp(value)) return columnTypes.timestamp
      return isIsoDate(value) ? columnTypes.date : columnTypes.text
    case 'number':
      return isWholeNumber(value) ? columnTypes.integer : columnTypes.double
    case 'boolean':
      return columnTypes.boolean
    case 'bigint':
      if (isInt64(value)) return columnTypes.bigint
      return -MAX_DECIMAL < value && value < MAX_DECIMAL
        ? decimalType(MAX_DECIMAL_DIGITS, 0)
        : columnTypes.text
    case 'object': {
      if (value === null) return null
      if (!(value instanceof LongDecimal)) return columnTypes.json
      const digits = decimalDigits(value.text)
      return digits === null ? columnTypes.text : decimalType(digits.integer.length, digits.fraction.length)
    }
    default:
      return null
  }
}

/**
 * Whether a column of this type holds the value as it is: `widen(type, inferType(value))` is `type`. Null fits everywhere.
 * This is what runs for each value; `inferType` runs where it says no.
 */
export function fitsType(type: ColumnType, value: Value | undefined): boolean {
  if (value === null || value === undefined) return true
  switch (type.kind) {
    case 'text':
      return typeof value !== 'object' || value instanceof LongDecimal
    case 'integer':
      return typeof value === 'number' && isWholeNumber(value)
    case 'timestamp':
      return typeof value === 'string' && isIsoTimestamp(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'double':
      return typeof value === 'number'
    case 'json':
      return true
    case 'date':
      return typeof value === 'string' && isIsoDate(value)
    case 'bigint':
      return typeof value === 'number' ? isWholeNumber(value) : typeof value === 'bigint' && isInt64(value)
    case 'decimal':
      return fitsDecimal(type.precision - type.scale, type.scale, value)
  }
}

/** A whole number that a double holds exactly. -0 is none: an integer column would lose its sign. */
function isWholeNumber(value: number): boolean {
  return Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0)
}

function isInt64(value: bigint): boolean {
  return value >= MIN_INT64 && value <= MAX_INT64
}

// Integers count with the digits of their type, not their own, as in `widen`.
function fitsDecimal(integerDigits: number, scale: number, value: Value): boolean {
  if (typeof value === 'number') return integerDigits >= 16 && isWholeNumber(value)
  const type = inferType(value)
  if (type?.kind === 'bigint') return integerDigits >= 19
  return type?.kind === 'decimal' && type.precision - type.scale <= integerDigits && type.scale <= scale
}
