import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal, type Value } from '../../ports/json.ts'
import { timeCodec } from './time-codec.ts'
import { compareInstants, type Instant, toInstant } from './time-format.ts'
import { isBefore as isBeforeIn, timeOrdering as orderingIn } from './time-ordering.ts'

const plain = timeCodec({ format: 'iso', timeZone: 'UTC' })
const timeOrdering = orderingIn(plain)
const isBefore = (bound: string) => isBeforeIn(bound, plain)

/** Seconds since 1970, and the digits of a fraction. */
const moment = fc.record({
  seconds: fc.oneof(
    fc.integer({ min: 1_700_000_000, max: 1_700_000_003 }),
    fc.integer({ min: 0, max: 4_000_000_000 }),
  ),
  fraction: fc.stringMatching(/^\d{0,9}$/),
})
type Moment = { seconds: number; fraction: string }

const iso = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19)
const dotted = (fraction: string) => (fraction === '' ? '' : `.${fraction}`)
const instantOf = ({ seconds, fraction }: Moment): Instant => `${iso(seconds)}${dotted(fraction)}Z`

/** The forms in which an API may send one moment. */
const forms: readonly ((moment: Moment) => Value)[] = [
  ({ seconds, fraction }) => `${iso(seconds)}${dotted(fraction)}Z`,
  ({ seconds, fraction }) => `${iso(seconds)}${dotted(fraction)}`,
  ({ seconds, fraction }) => `${iso(seconds).replace('T', ' ')}${dotted(fraction)} UTC`,
  ({ seconds, fraction }) => `${iso(seconds + 5400)}${dotted(fraction)}+01:30`,
  ({ seconds, fraction }) => `${iso(seconds - 18_000)}${dotted(fraction)}-0500`,
  ({ seconds, fraction }) => `${seconds}${dotted(fraction)}`,
  ({ seconds, fraction }) => new LongDecimal(`${seconds}${dotted(fraction)}`),
]

// PEERS: dlt string cursors compare lexically
test('property: times in any form are ordered as the moments that they are', () => {
  const form = fc.constantFrom(...forms)
  fc.assert(
    fc.property(moment, moment, form, form, (a, b, left, right) => {
      const expected = Math.sign(compareInstants(instantOf(a), instantOf(b)))
      expect(Math.sign(timeOrdering.compare(left(a), right(b)))).toBe(expected)
      expect(Math.sign(timeOrdering.compare(left(a), left(b)))).toBe(expected)
    }),
  )
})

test('property: a time lies before a bound in every form, exactly', () => {
  fc.assert(
    fc.property(moment, moment, fc.constantFrom(...forms), (value, bound, form) => {
      expect(isBefore(instantOf(bound))(form(value))).toBe(
        compareInstants(instantOf(value), instantOf(bound)) < 0,
      )
    }),
  )
})

test.each<[Value, Value, number]>([
  [1700000000, 1700000000.5, -1],
  ['2024-01-02', '2024-01-10', -1],
  ['2024-01-02', '1704153600', 0],
  ['-1', '-2', 1],
  ['170000001.000000', '1700000000.00000', -1],
  ['2023-11-14T22:13:20', '1700000000.00000000', 0],
  [1700000000000, '2023-11-14T22:13:20Z', 0],
])('%j and %j are in the order %i', (a, b, order) => {
  expect(Math.sign(timeOrdering.compare(a, b))).toBe(order)
})

test('whole seconds and milliseconds are compared with a bound as numbers', () => {
  const before = isBefore('2023-11-14T22:13:20.500Z')
  expect(before(1700000000)).toBe(true)
  expect(before(1700000001)).toBe(false)
  expect(before(1700000000499)).toBe(true)
  expect(before(1700000000500)).toBe(false)
})

test('what is no time can be ordered with nothing, and lies before no bound', () => {
  expect(timeOrdering.compare('soon', 5)).toBeNaN()
  expect(timeOrdering.isValid('soon')).toBe(false)
  expect(isBefore('2024-01-01T00:00:00Z')('soon')).toBe(false)
  expect(toInstant('soon')).toBeUndefined()
})
