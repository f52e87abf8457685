// Each kind of window against servers that count in their own way, on a fake clock: written from what such servers are documented to do,
// and not from the meters. The way there and the way back vary by themselves, and the server counts in between.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { QueuedQuota } from '../combine.ts'
import type { QuotaEntry } from '../declared/entry.ts'
import { createQuota } from '../options.ts'

/** Counts a request that arrives at `now`, and says whether it is within the limit. */
type Server = (cost: number, now: number) => boolean

function slidingServer(limit: number, perMs: number): Server {
  const log: { at: number; cost: number }[] = []
  return (cost, now) => {
    while (log.length > 0 && log[0]!.at <= now - perMs) log.shift()
    log.push({ at: now, cost })
    return log.reduce((sum, each) => sum + each.cost, 0) <= limit
  }
}

function fixedServer(limit: number, perMs: number, skewMs = 0): Server {
  let window = Number.NaN
  let counted = 0
  return (cost, now) => {
    const current = Math.floor((now + skewMs) / perMs)
    if (current !== window) counted = 0
    window = current
    counted += cost
    return counted <= limit
  }
}

function leakyServer(limit: number, perMs: number, burst: number): Server {
  let level = 0
  let at = Number.NEGATIVE_INFINITY
  return (cost, now) => {
    level = Math.max(0, at === Number.NEGATIVE_INFINITY ? 0 : level - ((now - at) * limit) / perMs) + cost
    at = now
    return level <= burst + 1e-6
  }
}

interface Load {
  readonly workers: number
  readonly seconds: number
  /** Milliseconds: the least, and what comes on top at most. */
  readonly up: readonly [number, number]
  readonly rest: readonly [number, number]
  readonly cost?: number
  /** Chance of a pause after an answer, as a share, and how long it is at most. */
  readonly pauses?: number
}

/** As many requests as the quota lets through, in the time that there is. */
async function run(
  seed: number,
  quotaOn: (clock: Clock) => QueuedQuota,
  server: Server,
  { workers, seconds, up, rest, cost = 1, pauses = 0 }: Load,
) {
  const clock = fakeClock({ start: 1_700_000_000_123, auto: true })
  const random = seededRandom(seed)
  const quota = quotaOn(clock)
  const end = clock.now() + seconds * 1000
  const between = ([least, more]: readonly [number, number]) => Math.floor(least + random() * (more + 1))
  let passed = 0
  let refused = 0
  const worker = async () => {
    for (;;) {
      const permit = await quota.acquire()
      if (clock.now() >= end) return permit.cancel!()
      await clock.sleep(between(up))
      if (server(cost, clock.now())) passed += cost
      else refused++
      await clock.sleep(between(rest))
      permit.answered!({ status: 200, headers: {} })
      await clock.sleep(between([0, 5]))
      permit.release()
      if (random() < pauses) await clock.sleep(between([0, 2000]))
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return { passed, refused }
}

const declared =
  (...quotas: QuotaEntry[]) =>
  (clock: Clock) =>
    createQuota({ quotas, rateLimitHeaders: false }, clock)

const latency = fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 150 }))
const load = fc.record({
  workers: fc.integer({ min: 1, max: 30 }),
  seconds: fc.constant(20),
  up: latency,
  rest: latency,
  pauses: fc.constantFrom(0, 0.05, 0.5),
})

test('Q1: a sliding window is never refused by a server that slides, nor by one that counts by the clock', async () => {
  await fc.assert(
    fc.asyncProperty(
      load,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(500, 1000, 3000),
      fc.nat(999),
      fc.boolean(),
      async (load, requests, per, skewMs, slides) => {
        const server = slides ? slidingServer(requests, per) : fixedServer(requests, per, skewMs)
        const { refused } = await run(skewMs, declared({ requests, per }), server, load)
        expect(refused).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

test('Q1: a fixed window is never refused by a server whose clock is off by no more than its guard', async () => {
  await fc.assert(
    fc.asyncProperty(
      load,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1000, 2000, 5000),
      fc.integer({ min: -100, max: 100 }),
      async (load, requests, per, skewMs) => {
        const server = fixedServer(requests, per, skewMs)
        const { refused } = await run(
          skewMs + 100,
          declared({ requests, per, window: 'fixed' }),
          server,
          load,
        )
        expect(refused).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

test('Q1: a leaky bucket never overflows at a server that drains', async () => {
  await fc.assert(
    fc.asyncProperty(
      load,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(999),
      async (load, requests, burst, seed) => {
        const server = leakyServer(requests, 1000, burst)
        const { refused } = await run(
          seed,
          declared({ requests, per: 1000, window: 'leaky', burst }),
          server,
          load,
        )
        expect(refused).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

interface Use {
  readonly name: string
  readonly entry: QuotaEntry
  readonly server: Server
  readonly seconds: number
  /** What the server would have let through in that time. */
  readonly granted: number
  readonly least: number
}

const uses: readonly Use[] = [
  {
    name: '50 in any second',
    entry: { requests: 50, per: 1000 },
    server: slidingServer(50, 1000),
    seconds: 120,
    granted: 120 * 50,
    least: 0.98,
  },
  {
    name: '700 in any minute',
    entry: { requests: 700, per: 60_000 },
    server: slidingServer(700, 60_000),
    seconds: 600,
    granted: 7000,
    least: 0.995,
  },
  {
    name: '50 from second to second',
    entry: { requests: 50, per: 1000, window: 'fixed' },
    server: fixedServer(50, 1000),
    seconds: 120,
    granted: 121 * 50,
    least: 0.98,
  },
  {
    name: '700 from minute to minute',
    entry: { requests: 700, per: 60_000, window: 'fixed' },
    server: fixedServer(700, 60_000),
    seconds: 600,
    granted: 11 * 700,
    least: 0.995,
  },
  {
    name: 'a bucket of 40 that drains 2 a second',
    entry: { requests: 2, per: 1000, window: 'leaky', burst: 40 },
    server: leakyServer(2, 1000, 40),
    seconds: 300,
    granted: 40 + 600,
    least: 0.99,
  },
  {
    name: 'a bucket of 10 that drains 50 a second, which has 5 to 7 in flight',
    entry: { requests: 50, per: 1000, window: 'leaky', burst: 10 },
    server: leakyServer(50, 1000, 10),
    seconds: 300,
    granted: 10 + 15_000,
    least: 0.99,
  },
  {
    name: 'a bucket of 2 that drains 20 a second, which has 2 to 3 in flight: room for the jitter is the price',
    entry: { requests: 20, per: 1000, window: 'leaky', burst: 2 },
    server: leakyServer(20, 1000, 2),
    seconds: 300,
    granted: 2 + 6000,
    least: 0.95,
  },
]

test.each(uses)('used to $least and more, and never refused: $name', async (use) => {
  const load: Load = { workers: 40, seconds: use.seconds, up: [40, 10], rest: [60, 20] }
  const { refused, passed } = await run(7, declared(use.entry), use.server, load)
  expect(refused).toBe(0)
  expect(passed / use.granted).toBeGreaterThan(use.least)
  expect(passed / use.granted).toBeLessThanOrEqual(1)
})
