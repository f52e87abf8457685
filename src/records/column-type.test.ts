import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnType } from '../ports/schema.ts'
import { columnTypes, decimalType, sameType, typeName, widen } from './column-type.ts'
import { types } from './values.arbitrary.ts'

const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale })
const { boolean, integer, bigint, double, date, timestamp, text, json } = columnTypes

// PEERS: dlt #3916
// PEERS: dlt test_json_item_inference
test('widening is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(types, types, types, (a, b, c) => {
      expect(widen(a, b)).toEqual(widen(b, a))
      expect(widen(widen(a, b), c)).toEqual(widen(a, widen(b, c)))
      expect(widen(a, a)).toEqual(a)
      expect(widen(a, widen(a, b))).toEqual(widen(a, b))
    }),
    { numRuns: 2000 },
  )
})

test.each([
  [boolean, integer, text],
  [integer, bigint, bigint],
  [integer, double, double],
  [bigint, double, text],
  [decimal(20, 18), double, text],
  [integer, decimal(20, 18), decimal(34, 18)],
  [bigint, decimal(20, 18), decimal(37, 18)],
  [bigint, decimal(20, 20), text],
  [bigint, decimal(38, 0), decimal(38, 0)],
  [decimal(20, 18), decimal(30, 2), text],
  [decimal(20, 10), decimal(22, 2), decimal(30, 10)],
  [date, timestamp, text],
  [timestamp, text, text],
  [double, json, json],
] as const)('%o and %o fit in %o', (a, b, both) => {
  expect(widen(a, b)).toEqual(both)
})

test('a decimal type counts at least one digit, and gives way to text beyond 38', () => {
  expect(decimalType(0, 0)).toEqual(decimal(1, 0))
  expect(decimalType(20, 18)).toEqual(decimal(38, 18))
  expect(decimalType(20, 19)).toEqual(text)
})

test('types are named and compared by their digits too', () => {
  expect(typeName(decimal(20, 18))).toBe('decimal(20,18)')
  expect(typeName(timestamp)).toBe('timestamp')
  expect(sameType(decimal(20, 18), decimal(20, 18))).toBe(true)
  expect(sameType(decimal(20, 18), decimal(20, 17))).toBe(false)
  expect(sameType(text, { kind: 'text' })).toBe(true)
  expect(sameType(text, json)).toBe(false)
})
