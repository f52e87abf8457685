import fc from 'fast-check'
import { LongDecimal, type Value } from '../ports/json.ts'
import type { ColumnType } from '../ports/schema.ts'
import { columnTypes } from './column-type.ts'

// What property tests draw from: values of every kind that a record can hold, and column types.

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((list) => list.join(''))

const two = (min: number, max: number) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'))

const date = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), two(1, 12), two(1, 28))
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`)

const zone = fc.constantFrom('Z', '+00:00', '+02:00', '-0800', '+05:30')

export const timestamps = fc
  .tuple(date, two(0, 23), two(0, 59), two(0, 59), fc.option(digits(1, 6), { nil: '' }), zone)
  .map(([day, h, m, s, fraction, offset]) => `${day}T${h}:${m}:${s}${fraction && `.${fraction}`}${offset}`)

export const longDecimals = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.integer({ min: 0, max: 999_999 }),
    digits(17, 45),
    fc.constantFrom('', 'e5', 'E-7'),
  )
  .map(([sign, whole, fraction, exponent]) => new LongDecimal(`${sign}${whole}.${fraction}${exponent}`))

/** Beyond 2^53: shorter integers arrive as numbers. */
export const bigints = fc
  .tuple(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }), fc.integer({ min: 0, max: 120 }), fc.boolean())
  .map(([value, shift, negative]) => (negative ? -1n : 1n) * (value << BigInt(shift)))

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'grapheme' }),
  fc.integer().map(String),
  date,
  timestamps,
  bigints,
  longDecimals,
)

const { value: nested } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

export const values: fc.Arbitrary<Value> = fc.oneof({ weight: 4, arbitrary: scalar }, nested)

export const types: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom(...Object.values(columnTypes)),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc
        .integer({ min: 0, max: precision })
        .map((scale): ColumnType => ({ kind: 'decimal', precision, scale })),
    ),
)
