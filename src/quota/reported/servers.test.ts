import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import {
  type LimitedServerOptions,
  limitedServer,
  type ResetKind,
  type WindowKind,
} from './limited-server.ts'
import { ReportedQuotas, type ReportedQuotasOptions } from './reported-quotas.ts'

interface Load {
  readonly forMs: number
  readonly workers: number
  /** The way there and the way back take from `least` to `most` milliseconds each. */
  readonly least: number
  readonly most: number
  readonly seed?: number
  readonly startMs?: number
  readonly pace?: ReportedQuotasOptions['pace']
  /** Shares of the requests whose reply tells nothing of limits, and whose reply gets lost. */
  readonly bare?: number
  readonly lost?: number
}

/** As many requests as the reports allow, for some time. */
async function ask(server: ReturnType<typeof limitedServer>, load: Load) {
  const start = Date.parse('2026-01-31T00:00:00Z') + (load.startMs ?? 0)
  const clock = fakeClock({ start, auto: true })
  const random = seededRandom(load.seed ?? 1)
  const quota = new ReportedQuotas({ rateLimitHeaders: 'auto', pace: load.pace }, clock)
  const way = () => clock.sleep(load.least + random() * (load.most - load.least))
  const request = { method: 'GET', url: 'https://api.test/items', headers: {} }
  const refusedAt: number[] = []
  const end = start + load.forMs
  async function worker() {
    for (;;) {
      const permit = await quota.acquire({ request })
      if (clock.now() >= end) return permit.release()
      await way()
      const reply = server.handle(clock.now())
      if (reply.status === 429) refusedAt.push(clock.now() - start)
      await way()
      if (load.lost === undefined || random() >= load.lost) {
        const isBare = load.bare !== undefined && random() < load.bare
        permit.answered?.(isBare ? { ...reply, headers: {} } : reply)
        if (reply.status === 429) permit.refused?.({ kind: 'rate' })
      }
      await clock.sleep(random() * 20)
      permit.release()
    }
  }
  await Promise.all(Array.from({ length: load.workers }, worker))
  clock.stop()
  return { used: server.accepted, refusedAt }
}

const load: Load = { forMs: 0, workers: 10, least: 20, most: 60, startMs: 370 }
const sizes = [
  { limit: 20, windowMs: 1000, windows: 30 },
  { limit: 60, windowMs: 10_000, windows: 30 },
  { limit: 100, windowMs: 60_000, windows: 15 },
] as const

async function run(options: LimitedServerOptions, windows: number, more: Partial<Load> = {}) {
  const server = limitedServer(options)
  const { used, refusedAt } = await ask(server, { ...load, forMs: windows * options.windowMs, ...more })
  return { share: used / (windows * options.limit), refused: refusedAt.length }
}

// PEERS: airbyte#69115
describe('Q1, Q4: alone, nobody is refused, and what is reported is used', () => {
  const rows = (['aligned', 'first-hit', 'sliding', 'bucket'] as const).flatMap((kind) =>
    (['up', 'down', 'nearest', 'milliseconds', 'epoch-up', 'epoch-down'] as const).map(
      (reset) => [kind, reset] as const,
    ),
  )
  /** A window of a second whose end is told in whole seconds is known to half its length; a minute loses nothing by it. */
  const least = (windowMs: number, reset: ResetKind) =>
    reset === 'milliseconds' || windowMs === 60_000 ? 0.97 : windowMs === 1000 ? 0.45 : 0.9
  test.each(rows)('%s windows, resets told as %s', async (kind, reset) => {
    for (const { windows, ...size } of sizes) {
      const { share, refused } = await run({ kind, reset, skewMs: 12_345, ...size }, windows)
      expect(refused, JSON.stringify(size)).toBe(0)
      expect(share, JSON.stringify(size)).toBeGreaterThan(
        least(size.windowMs, reset) - (size.windowMs === 1000 ? 0.1 : 0),
      )
    }
  })
  test.each(rows)('%s windows, resets told as %s, with a policy', async (kind, reset) => {
    for (const { windows, ...size } of sizes) {
      const { share, refused } = await run({ kind, reset, policy: true, skewMs: -987, ...size }, windows)
      expect(refused, JSON.stringify(size)).toBe(0)
      expect(share, JSON.stringify(size)).toBeGreaterThan(size.windowMs === 1000 ? 0.95 : 0.985)
    }
  })
})

test('Q1, Q4: alone, nobody is refused by a server, however it counts, tells and dawdles; by one that slides and does not say so, once at most', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        kind: fc.constantFrom<WindowKind>('aligned', 'first-hit', 'sliding', 'bucket'),
        reset: fc.constantFrom<ResetKind>('up', 'down', 'nearest', 'milliseconds', 'epoch-up', 'epoch-down'),
        policy: fc.boolean(),
        tellsLimit: fc.boolean(),
        limit: fc.integer({ min: 10, max: 60 }),
        windowMs: fc.constantFrom(5000, 10_000, 30_000, 60_000),
        skewMs: fc.integer({ min: -100_000, max: 100_000 }),
      }),
      fc.record({
        workers: fc.integer({ min: 1, max: 10 }),
        least: fc.integer({ min: 0, max: 100 }),
        jitter: fc.integer({ min: 0, max: 150 }),
        startMs: fc.integer({ min: 0, max: 60_000 }),
        seed: fc.nat(),
      }),
      async (options, { jitter, ...more }) => {
        const { refused } = await run(options, 12, { ...more, most: more.least + jitter })
        // Without a policy nothing tells a window that slides from others before its first reset: one of some thousands of servers refuses once.
        const most = options.kind === 'sliding' && !options.policy ? 1 : 0
        expect(refused).toBeLessThanOrEqual(most)
      },
    ),
    { numRuns: 150, endOnFailure: true },
  )
}, 120_000)

test('Q1, Q4: alone, nobody is refused where replies overtake each other, some tell nothing and some get lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        kind: fc.constantFrom<WindowKind>('aligned', 'first-hit'),
        reset: fc.constantFrom<ResetKind>('up', 'down', 'nearest', 'milliseconds', 'epoch-up', 'epoch-down'),
        policy: fc.boolean(),
        // As long as no reply has told anything, nobody is held back.
        limit: fc.integer({ min: 30, max: 80 }),
        windowMs: fc.constantFrom(5000, 10_000, 60_000),
      }),
      fc.record({
        workers: fc.integer({ min: 1, max: 10 }),
        least: fc.integer({ min: 0, max: 100 }),
        jitter: fc.integer({ min: 0, max: 1000 }),
        startMs: fc.integer({ min: 0, max: 60_000 }),
        bare: fc.double({ min: 0, max: 0.2, noNaN: true }),
        lost: fc.double({ min: 0, max: 0.02, noNaN: true }),
        seed: fc.nat(),
      }),
      async (options, { jitter, ...more }) => {
        const { refused } = await run(options, 12, { ...more, most: more.least + jitter })
        expect(refused).toBe(0)
      },
    ),
    { numRuns: 40, endOnFailure: true },
  )
}, 60_000)

test('Q4: where others use a window too, who was refused against their own count goes by what is told: one refusal in two hundred at most', async () => {
  const server = limitedServer({ kind: 'aligned', limit: 600, windowMs: 60_000, reset: 'up', policy: true })
  let asked = 0
  // Every fifth request is somebody else's.
  const shared: typeof server = {
    ...server,
    handle(now) {
      if (++asked % 5 === 0) server.handle(now)
      return server.handle(now)
    },
  }
  const { refusedAt } = await ask(shared, { ...load, forMs: 30 * 60_000, startMs: 17_000 })
  expect(refusedAt.length).toBeGreaterThan(0)
  expect(refusedAt.length).toBeLessThan(asked / 200)
})
