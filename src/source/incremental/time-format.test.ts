import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal } from '../../ports/json.ts'
import {
  compareInstants,
  formatInstant,
  formatInstantUp,
  msOfInstant,
  shiftInstant,
  toInstant,
} from './time-format.ts'

test.each([
  ['2024-01-31', '2024-01-31T00:00:00Z'],
  ['2024-01-31T09:30Z', '2024-01-31T09:30:00Z'],
  ['2024-01-31T09:30:00', '2024-01-31T09:30:00Z'],
  ['2024-01-31 09:30:00 UTC', '2024-01-31T09:30:00Z'],
  ['2024-01-31T09:30:00.120Z', '2024-01-31T09:30:00.120Z'],
  ['2024-01-31T09:30:00.123456789Z', '2024-01-31T09:30:00.123456789Z'],
  ['2024-01-31T00:30:00.5+02:00', '2024-01-30T22:30:00.5Z'],
  ['2024-01-31T00:30:00-0530', '2024-01-31T06:00:00Z'],
])('the ISO time %s is the instant %s, with the digits that it came with', (text, instant) => {
  expect(toInstant(text)).toBe(instant)
})

test.each([
  [1602611311, '2020-10-13T17:48:31Z'],
  ['1602611311', '2020-10-13T17:48:31Z'],
  [1602611311.25, '2020-10-13T17:48:31.25Z'],
  ['1355517523.000005', '2012-12-14T20:38:43.000005Z'],
  [1602611311123, '2020-10-13T17:48:31.123Z'],
  [1602611311123456n, '2020-10-13T17:48:31.123456Z'],
  [1602611311123456789n, '2020-10-13T17:48:31.123456789Z'],
  [new LongDecimal('1602611311.1234567891'), '2020-10-13T17:48:31.1234567891Z'],
  [0, '1970-01-01T00:00:00Z'],
  [-1.5, '1969-12-31T23:59:58.500Z'],
])('the number %s counts from 1970 and is the instant %s', (value, instant) => {
  expect(toInstant(value)).toBe(instant)
})

test.each(['2024-02-30', '2024-13-01', 'yesterday', '', '12:30', 'NaN', '1e9'])('%j is no time', (text) => {
  expect(toInstant(text)).toBeUndefined()
})

test('instants are ordered by time, however many digits each has', () => {
  expect(compareInstants('2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z')).toBeLessThan(0)
  expect(compareInstants('2024-01-01T00:00:00.123456Z', '2024-01-01T00:00:00.1234561Z')).toBeLessThan(0)
  expect(compareInstants('2024-01-01T00:00:00.50Z', '2024-01-01T00:00:00.5Z')).toBe(0)
  expect(compareInstants('2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000Z')).toBe(0)
  expect(compareInstants('2024-01-02T00:00:00Z', '2024-01-01T23:59:59.999999Z')).toBeGreaterThan(0)
})

test('an instant that is moved keeps its digits below a millisecond', () => {
  expect(shiftInstant('2024-01-01T00:00:00.123456Z', -60_000)).toBe('2023-12-31T23:59:00.123456Z')
  expect(shiftInstant('2024-01-01T00:00:01.000456Z', -1000)).toBe('2024-01-01T00:00:00.000456Z')
  expect(shiftInstant('2024-01-01T00:00:00Z', -300_000)).toBe('2023-12-31T23:55:00Z')
})

test('a lower bound is rounded down to what a format can say, an upper bound up', () => {
  const instant = '2024-01-31T09:30:00.1234Z'
  expect(formatInstant(instant, 'iso')).toBe(instant)
  expect(formatInstant(instant, 'epoch')).toBe(1706693400)
  expect(formatInstant(instant, 'epoch_ms')).toBe(1706693400123)
  expect(formatInstant(instant, 'date')).toBe('2024-01-31')
  expect(formatInstantUp(instant, 'iso')).toBe(instant)
  expect(formatInstantUp(instant, 'epoch')).toBe(1706693401)
  expect(formatInstantUp(instant, 'epoch_ms')).toBe(1706693400124)
  expect(formatInstantUp(instant, 'date')).toBe('2024-02-01')
  expect(formatInstantUp('2024-01-31T00:00:00Z', 'date')).toBe('2024-01-31')
})

test('property: an instant survives the way through its text, its order is that of time, and its zone does not matter', () => {
  const ms = fc.integer({ min: 0, max: 4_000_000_000_000 })
  fc.assert(
    fc.property(ms, ms, fc.integer({ min: -14 * 60, max: 14 * 60 }), (a, b, offset) => {
      const sign = offset < 0 ? '-' : '+'
      const zone = `${sign}${String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')}:${String(Math.abs(offset) % 60).padStart(2, '0')}`
      const local = `${new Date(a + offset * 60_000).toISOString().slice(0, -1)}${zone}`
      const left = toInstant(local)!
      const right = toInstant(new Date(b).toISOString())!
      expect(msOfInstant(left)).toBe(a)
      expect(toInstant(left)).toBe(left)
      expect(Math.sign(compareInstants(left, right))).toBe(Math.sign(a - b))
    }),
  )
})
