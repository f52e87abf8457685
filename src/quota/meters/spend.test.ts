import { expect, test } from 'vitest'
import { FixedWindow } from './fixed-window.ts'
import { LeakyBucket } from './leaky-bucket.ts'
import type { Meter } from './meter.ts'
import { RequestWindow } from './request-window.ts'

const reply = { status: 200, headers: {} }
const hour = 3_600_000
const day = 24 * hour
const midnight = Date.parse('2026-01-31T00:00:00Z')

/** Sends `count` requests at `at`, answered after `rtt`. The meters' own time begins at 0 at midnight. */
function spend(meter: Meter, count: number, at: number, rtt = 0): void {
  for (let order = 0; order < count; order++) {
    meter.take(1, at, order)
    meter.settle?.({ cost: 1, sentAt: at, order }, at + rtt, reply, midnight + at + rtt)
  }
}

/** As in another process, `at` later by the time of day, whose own time begins anew. */
function handOver(from: Meter, at: number, to: Meter, wallNow: number): void {
  to.restore!(JSON.parse(JSON.stringify(from.save!(at, midnight + at, 64))), 0, wallNow)
}

test('Q1: a sliding window goes on in another process, whose own time begins anew', () => {
  const first = new RequestWindow({ requests: 10, perMs: day })
  spend(first, 4, 0)
  spend(first, 6, hour)
  const next = new RequestWindow({ requests: 10, perMs: day })
  handOver(first, 2 * hour, next, midnight + 3 * hour)
  expect(next.left(0)).toBe(0)
  const ready = next.readyAt(4, 0)
  // A window is held for a little longer, for clocks that drift.
  expect(ready).toBeGreaterThanOrEqual(21 * hour)
  expect(ready).toBeLessThan(21 * hour + 10_000)
  expect(next.readyAt(5, 0)).toBeGreaterThanOrEqual(22 * hour)
  expect(next.left(ready)).toBe(4)
})

test('what is written of a window is short, and says no more freedom than there is', () => {
  const first = new RequestWindow({ requests: 10_000, perMs: day })
  for (let minute = 0; minute < 1000; minute++) spend(first, 5, minute * 60_000)
  const spent = first.save(1000 * 60_000, midnight + 1000 * 60_000, 64)
  expect(spent.length).toBeLessThanOrEqual(64)
  expect(spent.reduce((sum, { cost }) => sum + cost, 0)).toBe(5000)
  const next = new RequestWindow({ requests: 10_000, perMs: day })
  next.restore(spent, 0, midnight + day)
  expect(next.left(0)).toBe(5000)
  expect(next.left(12 * hour)).toBeLessThanOrEqual(first.left(36 * hour))
})

test('what is over by the time of day is dropped', () => {
  const first = new RequestWindow({ requests: 10, perMs: hour })
  spend(first, 10, 0)
  const next = new RequestWindow({ requests: 10, perMs: hour })
  handOver(first, 1000, next, midnight + hour + 1000)
  expect(next.isIdle(0)).toBe(true)
})

test.for<[string, () => Meter, number]>([
  ['sliding window', () => new RequestWindow({ requests: 10, perMs: day }), day + 10_000],
  [
    'fixed window',
    () => new FixedWindow({ limit: 10, perMs: day, wallNow: () => midnight - 30 * day + hour }),
    day,
  ],
  ['leaky bucket', () => new LeakyBucket({ burst: 10, limit: 10, perMs: day }), day + 10_000],
])(
  'after a clock was set back by a month, what was spent counts as spent now, and no %s is blocked for longer than it lasts',
  ([, make, longest]) => {
    const now = midnight - 30 * day + hour
    const next = make()
    next.restore!([{ from: midnight, to: midnight + 5000, cost: 10 }], 0, now)
    expect(next.readyAt(1, 0)).toBeGreaterThan(0)
    expect(next.readyAt(10, 0)).toBeGreaterThan(22 * hour)
    expect(next.readyAt(10, 0)).toBeLessThanOrEqual(longest)
  },
)

test('Q1: a day by the clock goes on in another process until midnight, wherever in it something was spent', () => {
  let wall = midnight + 9 * hour
  const make = () => new FixedWindow({ limit: 10, perMs: day, wallNow: () => wall })
  const first = make()
  spend(first, 10, 0)
  const spent = first.save()
  wall = midnight + 23 * hour
  const next = make()
  next.restore(spent)
  expect(next.readyAt(1, 0)).toBe(hour + 1000)
  wall = midnight + day + 2000
  const later = make()
  later.restore(spent)
  expect(later.isIdle()).toBe(true)
})

test('Q1: what may have been counted before midnight or after counts on both days', () => {
  let wall = midnight - 1000
  const meter = new FixedWindow({ limit: 10, perMs: day, wallNow: () => wall })
  wall = midnight + 60_000
  meter.restore([{ from: midnight - 3000, to: midnight + 4000, cost: 10 }])
  expect(meter.readyAt(1, 0)).toBe(day - 60_000 + 1000)
})

test('Q1: a leaky bucket drains while no process runs, and no further', () => {
  const bucket = { burst: 100, limit: 1, perMs: 1000 }
  const first = new LeakyBucket(bucket)
  spend(first, 100, 0)
  const next = new LeakyBucket(bucket)
  handOver(first, 10_000, next, midnight + 30_000)
  const ready = next.readyAt(50, 0)
  expect(ready).toBeGreaterThanOrEqual(20_000)
  expect(ready).toBeLessThan(20_100)
  const late = new LeakyBucket(bucket)
  handOver(first, 10_000, late, midnight + 120_000)
  expect(late.isIdle(0)).toBe(true)
})
