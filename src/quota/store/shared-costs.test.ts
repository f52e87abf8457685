// Points and bytes that several processes share: what a request costs is told by its reply.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Runtime } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { DeclaredQuotas } from '../declared/declared.ts'
import { quotaEntry } from '../declared/entry.ts'
import { RoundTrip } from '../meters/round-trip.ts'
import { distantStore } from './distant-store.ts'
import { memoryQuotaStore } from './memory-quota-store.ts'

interface CostPlan {
  readonly readers: number
  /** What a request costs, from and to. */
  readonly costs: readonly [number, number]
  readonly answerMs: number
}

interface Counted {
  readonly at: number
  readonly cost: number
}

async function runProcesses(
  entry: object,
  plans: readonly CostPlan[],
  { forMs, seed = 1, unit = 'points' }: { forMs: number; seed?: number; unit?: 'points' | 'bytes' },
): Promise<Counted[]> {
  const clock = fakeClock({ start: 0, auto: true })
  const random: Runtime['random'] = seededRandom(seed)
  const store = memoryQuotaStore(clock)
  const counted: Counted[] = []
  await Promise.all(
    plans.map(async ({ readers, costs: [from, to], answerMs }) => {
      const quota = new DeclaredQuotas([quotaEntry.parse(entry)], {
        clock,
        spread: false,
        roundTrip: new RoundTrip(),
        shared: {
          store: distantStore(store, { clock, random, latencyMs: 10 }),
          key: 'k',
          holders: new Set(),
        },
      })
      const end = new AbortController()
      void clock.sleep(forMs).then(() => end.abort(new Error('over')))
      await Promise.allSettled(
        Array.from({ length: readers }, async () => {
          while (!end.signal.aborted) {
            const permit = await quota.acquire({ signal: end.signal })
            await clock.sleep(Math.ceil(random() * answerMs))
            const cost = Math.round(from + random() * (to - from))
            counted.push({ at: clock.now(), cost })
            await clock.sleep(Math.ceil(random() * answerMs))
            permit.answered?.({ status: 200, headers: {} })
            permit.charge?.({ [unit]: cost })
            permit.release()
          }
        }),
      )
    }),
  )
  return counted.sort((a, b) => a.at - b.at)
}

function heaviest(counted: readonly Counted[], perMs: number): number {
  let most = 0
  let weight = 0
  let from = 0
  for (const { at, cost } of counted) {
    weight += cost
    while (at - counted[from]!.at >= perMs) weight -= counted[from++]!.cost
    most = Math.max(most, weight)
  }
  return most
}

/** A bucket that holds `burst` and drains at `perMs`: how full it ever was. */
function fullest(counted: readonly Counted[], perMs: number): number {
  let level = 0
  let most = 0
  let last = 0
  for (const { at, cost } of counted) {
    level = Math.max(0, level - (at - last) * perMs) + cost
    last = at
    most = Math.max(most, level)
  }
  return most
}

const plans = fc.array(
  fc.record({
    readers: fc.integer({ min: 1, max: 10 }),
    costs: fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 20, max: 50 })),
    answerMs: fc.integer({ min: 1, max: 300 }),
  }),
  { minLength: 2, maxLength: 4 },
)

test('Q1: two to four processes together never spend more points than there are in any window', async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.integer({ min: 60, max: 1000 }), fc.nat(), async (all, points, seed) => {
      const entry = { points, per: '5s', cost: { estimate: 50, actual: 'cost' } }
      // As GraphQL APIs do: what was asked for has to be there, and the rest is given back.
      const counted = await runProcesses(
        { ...entry, cost: { ...entry.cost, requested: 'requested' } },
        all.map((plan) => ({ ...plan, costs: [plan.costs[0], 50] as const })),
        { forMs: 20_000, seed },
      )
      // An estimate falls only after sixteen replies that cost less: until one costs more again, by so much it may be over.
      const over = all.reduce((sum, { readers }) => sum + readers, 0) * 50
      expect(heaviest(counted, 5000)).toBeLessThanOrEqual(points + over)
    }),
    { numRuns: 25 },
  )
}, 60_000)

test('Q1: where each request costs the same, two to four processes are never over, in windows and in buckets', async () => {
  const bucket = fc.record({
    rate: fc.integer({ min: 5, max: 200 }),
    burst: fc.integer({ min: 10, max: 1000 }),
    cost: fc.integer({ min: 1, max: 10 }),
    leaky: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(plans, bucket, fc.nat(), async (all, { rate, burst, cost, leaky }, seed) => {
      const fixed = all.map((plan) => ({ ...plan, costs: [cost, cost] as const }))
      const limit = leaky ? { points: rate, per: '1s', window: 'leaky', burst } : { points: burst, per: '1s' }
      const counted = await runProcesses({ ...limit, cost }, fixed, { forMs: 20_000, seed })
      if (leaky) expect(fullest(counted, rate / 1000)).toBeLessThanOrEqual(burst + 1e-6)
      else expect(heaviest(counted, 1000)).toBeLessThanOrEqual(burst)
    }),
    { numRuns: 40 },
  )
}, 60_000)

test('two processes that share points use nearly all of them', async () => {
  const plan = { readers: 10, costs: [5, 5] as const, answerMs: 100 }
  const counted = await runProcesses({ points: 3000, per: '30s', cost: 5 }, [plan, plan], { forMs: 600_000 })
  const used = counted.reduce((sum, { cost }) => sum + cost, 0)
  expect(used / (20 * 3000)).toBeGreaterThanOrEqual(0.97)
})

test('what replies cost less than was taken for them is given back to all', async () => {
  const plan = { readers: 10, costs: [10, 50] as const, answerMs: 100 }
  const entry = {
    points: 50,
    per: '1s',
    window: 'leaky',
    burst: 1000,
    cost: { estimate: 50, actual: 'cost' },
  }
  const counted = await runProcesses(entry, [plan, plan], { forMs: 600_000 })
  const used = counted.reduce((sum, { cost }) => sum + cost, 0)
  expect(used / (1000 + 600 * 50)).toBeGreaterThanOrEqual(0.94)
})

test('Q1: bytes go over by what is in flight at most, and it is made up for by all', async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(), async (all, seed) => {
      const heavy = all.map((plan) => ({ ...plan, costs: [0, 5000] as const }))
      const counted = await runProcesses({ bytes: '100000B', per: '5s' }, heavy, {
        forMs: 30_000,
        seed,
        unit: 'bytes',
      })
      const inFlight = all.reduce((sum, { readers }) => sum + readers, 0)
      expect(heaviest(counted, 5000)).toBeLessThanOrEqual(100_000 + inFlight * 5000)
      const used = counted.reduce((sum, { cost }) => sum + cost, 0)
      expect(used / 30_000).toBeLessThanOrEqual((100_000 / 5000) * (7 / 6) + (inFlight * 5000) / 30_000)
    }),
    { numRuns: 25 },
  )
}, 60_000)
