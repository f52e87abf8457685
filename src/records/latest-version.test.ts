import { expect, test } from 'vitest'
import { type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import { compareDecimals, latestVersions } from './latest-version.ts'
import { observeRecords } from './observe.ts'

const latest = (records: JsonRecord[], version?: string) =>
  [...latestVersions(records, ['id'], version, observeRecords(null, records).schema).values()].map(
    (at) => records[at]!,
  )

/** The number of the record that wins among versions of one key. */
const winner = (...versions: Value[]) =>
  latest(
    versions.map((v, n) => ({ id: 1, v, n })),
    'v',
  )[0]?.['n']

test('without a version field the record that was read last is the latest', () => {
  expect(
    latest([
      { id: 1, n: 1 },
      { id: 2, n: 2 },
      { id: 1, n: 3 },
    ]),
  ).toEqual([
    { id: 1, n: 3 },
    { id: 2, n: 2 },
  ])
})

test('the greatest version wins, a null one loses, and of equal ones the last', () => {
  expect(winner(1, 3, 2)).toBe(1)
  expect(winner(5, null)).toBe(0)
  expect(winner(null, 5)).toBe(1)
  expect(winner(null, null)).toBe(1)
  expect(winner(3, 3, 2)).toBe(1)
})

test('versions are compared as their column does: numbers by value, instants as instants, text by code unit', () => {
  expect(winner(9, 10.5, 10)).toBe(1)
  expect(winner(2n ** 60n + 1n, 2n ** 60n, 5)).toBe(0)
  expect(winner(new LongDecimal('1.00000000000000000002'), new LongDecimal('1.00000000000000000001'))).toBe(0)
  expect(winner('2024-01-31T10:00:00Z', '2024-01-31T11:00:00+02:00')).toBe(0)
  expect(winner('2024-01-31T10:00:00Z', '2024-01-31T10:00:00.5Z')).toBe(1)
  expect(winner('2024-01-31', '2024-01-30')).toBe(0)
  expect(winner('b', 'a')).toBe(0)
})

test('decimals are compared digit by digit', () => {
  expect(compareDecimals('-1.5', '-1.49')).toBe(-1)
  expect(compareDecimals('10', '9.99999999999999999999')).toBe(1)
  expect(compareDecimals('1.50', '1.5')).toBe(0)
})
