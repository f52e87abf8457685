// The models against the definitions, by counting what they let in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  concurrency,
  fixedWindow,
  type Limiter,
  slidingCounter,
  slidingLog,
  tokenBucket,
  windowFromFirst,
} from './limiter.ts'

const most = 5
const perMs = 1000

/** The times at which requests that come `gaps` apart are let in. */
function letIn(limiter: Limiter, gaps: readonly number[]): number[] {
  const times: number[] = []
  let now = 1_000_000
  for (const gap of gaps) {
    now += gap
    if (limiter.waitFor(1, now) > 0) continue
    limiter.count(1, now)
    times.push(now)
  }
  return times
}

const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 400 })), { maxLength: 200 })

test('a sliding log lets in as many in any window as it says, and refuses none that fits', () => {
  fc.assert(
    fc.property(gaps, (gaps) => {
      const times = letIn(slidingLog(most, perMs), gaps)
      let now = 1_000_000
      for (const gap of gaps) {
        now += gap
        const before = times.filter((at) => at > now - perMs && at <= now).length
        expect(before).toBeLessThanOrEqual(most)
        if (!times.includes(now)) expect(before).toBe(most)
      }
    }),
  )
})

test('windows of the clock, and windows from the first request on, let in as many in each as they say', () => {
  fc.assert(
    fc.property(gaps, (gaps) => {
      const byClock = new Map<number, number>()
      for (const at of letIn(fixedWindow(most, perMs), gaps)) {
        const window = Math.floor(at / perMs)
        byClock.set(window, (byClock.get(window) ?? 0) + 1)
      }
      expect(Math.max(0, ...byClock.values())).toBeLessThanOrEqual(most)

      let begins = Number.NEGATIVE_INFINITY
      let counted = 0
      for (const at of letIn(windowFromFirst(most, perMs), gaps)) {
        if (at >= begins + perMs) {
          begins = at
          counted = 0
        }
        expect(++counted).toBeLessThanOrEqual(most)
      }
    }),
  )
})

test('a bucket never lets in more than it holds and what has flowed in since', () => {
  fc.assert(
    fc.property(gaps, (gaps) => {
      const times = letIn(tokenBucket(most, 10), gaps)
      for (const [first, from] of times.entries())
        for (const [count, to] of times.slice(first).entries())
          expect(count + 1).toBeLessThanOrEqual(most + (to - from) / 100 + 1e-6)
    }),
  )
})

test('a sliding counter takes the last window to have been spent evenly', () => {
  const limiter = slidingCounter(10, 1000)
  for (let count = 0; count < 10; count++) {
    expect(limiter.waitFor(1, 10_900)).toBe(0)
    limiter.count(1, 10_900)
  }
  expect(limiter.waitFor(1, 10_900)).toBeGreaterThan(0)
  // Of the ten of the last window, seven count still.
  expect(limiter.budget(11_300).remaining).toBe(3)
  limiter.count(3, 11_300)
  expect(limiter.waitFor(1, 11_300)).toBeCloseTo(100)
  expect(limiter.waitFor(1, 11_400)).toBe(0)
})

test('what a limiter asks to wait for is enough, and one millisecond less is not', () => {
  const limiters = [
    () => fixedWindow(most, perMs),
    () => windowFromFirst(most, perMs),
    () => slidingLog(most, perMs),
    () => tokenBucket(most, 10),
  ]
  fc.assert(
    fc.property(gaps, fc.constantFrom(...limiters), (gaps, create) => {
      const limiter = create()
      const last = letIn(limiter, gaps).at(-1)
      if (last === undefined) return
      const wait = limiter.waitFor(1, last)
      if (wait <= 1) return
      expect(limiter.waitFor(1, last + wait - 1)).toBeGreaterThan(0)
      expect(limiter.waitFor(1, last + wait)).toBe(0)
    }),
  )
})

test('requests at once are refused beyond their number, and let in again when one is done', () => {
  const limiter = concurrency(2)
  limiter.count(1, 0)
  limiter.count(1, 0)
  expect(limiter.waitFor(1, 0)).toBeGreaterThan(0)
  limiter.end!()
  expect(limiter.waitFor(1, 0)).toBe(0)
})
