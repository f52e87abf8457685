import { SluiceError } from '../errors.ts'
import { LongDecimal, type Value } from '../ports/json.ts'
import type { ColumnType } from '../ports/schema.ts'
import { sameType, typeName } from './column-type.ts'
import { plainDecimal } from './decimal.ts'
import { encodeJson } from './encode-json.ts'
import { encodeText } from './encode-text.ts'
import { fitsType } from './infer.ts'
import { utcTimestamp } from './iso-time.ts'

/** A value as its column holds it. Two values are the same to the column exactly when their encodings are. */
export type Encoded = null | boolean | number | bigint | string

/** A value does not fit its column: the schema of the load was not made from its records. */
export class ValueMisfitError extends SluiceError {
  readonly code = 'INTERNAL'
  readonly recovery = 'stop-stream'
  constructor(column: string, type: ColumnType, value: Value) {
    const shown = (encodeText(value) ?? 'null').slice(0, 200)
    super(
      `column ${column} is ${typeName(type)} and can't hold ${shown}: observe the records before the load is committed`,
    )
  }
}

/**
 * A value in its column's one form: integers as numbers, bigint columns as bigints, decimals as plain digits, timestamps
 * in UTC, text and JSON as strings.
 * @throws ValueMisfitError where the type can't hold it
 */
export function encodeValue(value: Value | undefined, type: ColumnType, column: string): Encoded {
  if (value === null || value === undefined) return null
  if (type.kind === 'json') return encodeJson(value)
  if (!fitsType(type, value)) throw new ValueMisfitError(column, type, value)
  switch (type.kind) {
    case 'text':
      return encodeText(value)
    case 'timestamp':
      return utcTimestamp(value as string)
    case 'bigint':
      return BigInt(value as number | bigint)
    case 'decimal':
      return plainDecimal(String(value))
    default:
      return value as Encoded
  }
}

/**
 * What a row holds of a column, after the column was widened: the value as it would have been written had the column been
 * wide from the start (a timestamp keeps its instant, in UTC; a decimal its digits, in plain form).
 */
export function widenEncoded(encoded: Encoded, from: ColumnType, to: ColumnType, column: string): Encoded {
  if (sameType(from, to)) return encoded
  const value = from.kind === 'decimal' && encoded !== null ? new LongDecimal(encoded as string) : encoded
  if (to.kind !== 'decimal') return encodeValue(value, to, column)
  return value === null ? null : plainDecimal(String(value))
}
