// Each kind of window against servers that count in their own way, on a fake clock: written from what such servers are documented to do,
// and not from the meters. The way there and the way back vary by themselves, and the server counts in between.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import type { QueuedQuota } from './combine.ts'
import type { QuotaEntry } from './entry.ts'
import { createQuota } from './options.ts'

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
  return { passed, refused, share: (limit: number, perMs: number) => passed / ((limit * seconds * 1000) / perMs) }
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

// PEERS: Airbyte UnlimitedCallRatePolicy
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

test.each<[string, QuotaEntry, Server, number, number]>([
  ['sliding, 1 s', { requests: 50, per: 1000 }, slidingServer(50, 1000), 1000, 0.95],
  ['sliding, 1 m', { requests: 700, per: 60_000 }, slidingServer(700, 60_000), 60_000, 0.99],
  ['fixed, 1 s', { requests: 50, per: 1000, window: 'fixed' }, fixedServer(50, 1000), 1000, 0.99],
  ['fixed, 1 m', { requests: 700, per: 60_000, window: 'fixed' }, fixedServer(700, 60_000), 60_000, 0.99],
  [
    'leaky, 2 per s',
    { requests: 2, per: 1000, window: 'leaky', burst: 40 },
    leakyServer(2, 1000, 40),
    1000,
    0.99,
  ],
  [
    'leaky, 50 per s, small',
    { requests: 50, per: 1000, window: 'leaky', burst: 10 },
    leakyServer(50, 1000, 10),
    1000,
    0.95,
  ],
])('used, and never refused: %s', async (_name, entry, server, perMs, least) => {
  const limit = 'requests' in entry ? entry.requests : 0
  const seconds = perMs === 60_000 ? 600 : 120
  const { refused, share } = await run(7, declared(entry), server, {
    workers: 40,
    seconds,
    up: [40, 10],
    rest: [60, 20],
  })
  expect(refused).toBe(0)
  expect(share(limit, perMs)).toBeGreaterThan(least)
  console.log(_name, share(limit, perMs))
})
