import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseHttpDate } from './http-date.ts'
import { delayMs, longestDelayMs, retryAfterMs } from './retry-after.ts'

const now = Date.UTC(2026, 0, 31)

// PEERS: dlt test_requests Retry-After
test('seconds are read whole, fractional and padded', () => {
  expect(retryAfterMs({ 'retry-after': '120' }, now)).toBe(120_000)
  expect(retryAfterMs({ 'retry-after': '2.128' }, now)).toBe(2128)
  expect(retryAfterMs({ 'retry-after': ' 2.0 ' }, now)).toBe(2000)
  expect(retryAfterMs({ 'retry-after': '0' }, now)).toBe(0)
})

// PEERS: dlt test_requests Retry-After
// PEERS: Airbyte lacks HTTP dates
test('the three forms of an HTTP date name the same moment', () => {
  const moment = Date.UTC(1994, 10, 6, 8, 49, 37)
  expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT', now)).toBe(moment)
  expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', now)).toBe(moment)
  expect(parseHttpDate('Sun Nov  6 08:49:37 1994', now)).toBe(moment)
})

test('a two-digit year more than fifty years ahead is in the past', () => {
  expect(parseHttpDate('Sunday, 06-Nov-76 08:49:37 GMT', now)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37))
  expect(parseHttpDate('Sunday, 06-Nov-77 08:49:37 GMT', now)).toBe(Date.UTC(1977, 10, 6, 8, 49, 37))
})

test("a date is measured against the server's own clock, ours only where it names none", () => {
  const at = 'Sat, 31 Jan 2026 00:01:00 GMT'
  expect(retryAfterMs({ 'retry-after': at }, now)).toBe(60_000)
  expect(retryAfterMs({ 'retry-after': at, date: 'Sat, 31 Jan 2026 00:00:50 GMT' }, now)).toBe(10_000)
  expect(retryAfterMs({ 'retry-after': at }, now + 3_600_000)).toBe(0)
})

test('ISO times are read, as UTC where they name no zone', () => {
  expect(retryAfterMs({ 'retry-after': '2026-01-31T00:00:05Z' }, now)).toBe(5000)
  expect(retryAfterMs({ 'retry-after': '2026-01-31T01:00:05+01:00' }, now)).toBe(5000)
  expect(retryAfterMs({ 'retry-after': '2026-01-31T00:00:05' }, now)).toBe(5000)
})

test('a number too large for a delay is an epoch, in seconds or milliseconds', () => {
  expect(retryAfterMs({ 'retry-after': String(now / 1000 + 7) }, now)).toBe(7000)
  expect(retryAfterMs({ 'retry-after': String(now + 7000) }, now)).toBe(7000)
})

test('lengths of time are read as Go prints them (OpenAI)', () => {
  const waits = {
    '1s': 1000,
    '6m0s': 360_000,
    '8.64s': 8640,
    '120ms': 120,
    '1h0m0.5s': 3_600_500,
    '2m': 120_000,
  }
  for (const [text, wait] of Object.entries(waits)) expect(delayMs(text, 'seconds', now)).toBe(wait)
  for (const text of ['', 's', '6m0', '1d', '-1s', '1s2m']) {
    expect(delayMs(text, 'epoch', now)).toBeUndefined()
  }
})

test('the latest of several values holds, and an unreadable one is ignored', () => {
  expect(retryAfterMs({ 'retry-after': ['1', '3', 'soon'] }, now)).toBe(3000)
  expect(retryAfterMs({ 'retry-after': 'soon' }, now)).toBeUndefined()
  expect(retryAfterMs({ 'retry-after': 'Sun, 06 Foo 1994 08:49:37 GMT' }, now)).toBeUndefined()
  expect(retryAfterMs({}, now)).toBeUndefined()
})

// PEERS: dlt not tested Retry-After
test('every date that JavaScript prints as an HTTP date is read back to the second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      expect(parseHttpDate(new Date(seconds * 1000).toUTCString(), now)).toBe(seconds * 1000)
    }),
  )
})

test('a wait without end is a hundred years, so that its end is a date still', () => {
  expect(retryAfterMs({ 'retry-after': '9'.repeat(400) }, now)).toBe(longestDelayMs)
  expect(retryAfterMs({ 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, now)).toBe(longestDelayMs)
  expect(delayMs('9'.repeat(400), 'epoch', now)).toBe(longestDelayMs)
})

test('a length of time that no clock reaches is as long as the longest wait', () => {
  for (const value of [`${'9'.repeat(400)}h`, '99999999999h', `${'9'.repeat(400)}ms`]) {
    expect(delayMs(value, 'seconds', now)).toBe(longestDelayMs)
  }
})
