import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareValues } from './order.ts'

describe('values are ordered', () => {
  test.each<[string, string | number, string | number]>([
    ['numbers by size', 2, 10],
    ['digits by size, not by code unit', '9', '10'],
    ['a number and digits by size', 9, '10'],
    ['snowflakes beyond 2^53 by size', '999999999999999999', '1000000000000000001'],
    ['decimal text by size', '1512085950.000216', '1512085950.00022'],
    ['negative numbers by size', '-10', '-9'],
    ['a negative before a positive number', '-1', '0'],
    ['leading zeros without weight', '0009', '10'],
    ['times of one form by instant', '2024-01-01T00:00:00Z', '2024-01-01T00:00:01Z'],
    ['a fraction after the whole second', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z'],
    ['fractions by value, not by length', '2024-01-01T00:00:00.123Z', '2024-01-01T00:00:00.2Z'],
    ['microseconds below what a Date holds', '2024-01-01T00:00:00.000001Z', '2024-01-01T00:00:00.000002Z'],
    ['offsets by instant', '2024-01-01T02:00:00+02:00', '2024-01-01T01:00:00Z'],
    ['offsets without a colon', '2024-01-01T02:00:00+0200', '2024-01-01 00:30:00Z'],
    ['other text by code unit', 'cus_a', 'cus_b'],
  ])('%s', (_name, less, greater) => {
    expect(compareValues(less, greater)).toBeLessThan(0)
    expect(compareValues(greater, less)).toBeGreaterThan(0)
  })

  test.each<[string, string | number, string | number]>([
    ['one instant with two offsets', '2024-01-01T02:00:00+02:00', '2024-01-01T00:00:00Z'],
    ['one instant with two precisions', '2024-01-01T00:00:00.500Z', '2024-01-01T00:00:00.5Z'],
    ['a number and its digits', 120, '120'],
    ['trailing zeros of a fraction', '1.50', '1.5'],
  ])('%s are the same', (_name, a, b) => {
    expect(compareValues(a, b)).toBeCloseTo(0)
  })

  test('integers of any length like bigints', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        expect(Math.sign(compareValues(a.toString(), b.toString()))).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })

  test('times in any offset like their instants', () => {
    const zoned = fc.tuple(
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
      fc.integer({ min: -12, max: 12 }),
    )
    const write = ([date, hours]: [Date, number]) =>
      new Date(date.getTime() + hours * 3_600_000)
        .toISOString()
        .replace('Z', `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`)
    fc.assert(
      fc.property(zoned, zoned, (a, b) => {
        expect(Math.sign(compareValues(write(a), write(b)))).toBe(Math.sign(a[0].getTime() - b[0].getTime()))
      }),
    )
  })
})
