import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal, type Value } from '../ports/json.ts'
import { sameType, typeName, widen } from './column-type.ts'
import { fitsType, inferType } from './infer.ts'
import { types, values } from './values.arbitrary.ts'

const named = (value: Value | undefined) => {
  const type = inferType(value)
  return type === null ? null : typeName(type)
}

test.each<[Value | undefined, string | null]>([
  [null, null],
  [undefined, null],
  [true, 'boolean'],
  [0, 'integer'],
  [-9_007_199_254_740_991, 'integer'],
  [-0, 'double'],
  [1.5, 'double'],
  [1e20, 'double'],
  [9_007_199_254_740_993n, 'bigint'],
  [9_223_372_036_854_775_807n, 'bigint'],
  [-9_223_372_036_854_775_808n, 'bigint'],
  [9_223_372_036_854_775_808n, 'decimal(38,0)'],
  [10n ** 38n - 1n, 'decimal(38,0)'],
  [10n ** 38n, 'text'],
  [new LongDecimal('0.12345678901234567891'), 'decimal(20,20)'],
  [new LongDecimal('-12.50000000000000000000'), 'decimal(22,20)'],
  [new LongDecimal('1.2345678901234567890123e5'), 'decimal(23,17)'],
  [new LongDecimal('1e400'), 'text'],
  [new LongDecimal(`0.${'1'.repeat(39)}`), 'text'],
  ['', 'text'],
  ['2024-02-29', 'date'],
  ['2024-02-29T10:00:00Z', 'timestamp'],
  [[], 'json'],
  [{}, 'json'],
])('%o is %s', (value, type) => {
  expect(named(value)).toBe(type)
})

test('a value fits a type exactly when the type need not widen for it', () => {
  fc.assert(
    fc.property(types, values, (type, value) => {
      const own = inferType(value)
      expect(fitsType(type, value)).toBe(own === null || sameType(widen(type, own), type))
    }),
    { numRuns: 5000 },
  )
})

// PEERS: dlt test_json_item_inference
test('every value fits its own type', () => {
  fc.assert(
    fc.property(values, (value) => {
      const type = inferType(value)
      expect(type === null || fitsType(type, value)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})
