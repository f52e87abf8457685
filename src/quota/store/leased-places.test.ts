import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { QuotaQueue } from '../queue.ts'
import { distantStore } from './distant-store.ts'
import { LeasedPlaces } from './leased-places.ts'
import { memoryQuotaStore } from './memory-quota-store.ts'
import type { QuotaStore } from './quota-store.ts'
import { QuotaStoreError } from './quota-store-error.ts'

interface ProcessPlan {
  readonly readers: number
  /** How long a request takes, at most. */
  readonly answerMs: number
  /** It dies then, without a word to the store. */
  readonly diesAtMs?: number | undefined
  /** It begins to ask then. Default: at once. */
  readonly beginsAtMs?: number
}

/** Runs processes that have as many in flight as they can, and returns what was in flight of all of them, and how long that of each was. */
async function runProcesses(
  plans: readonly ProcessPlan[],
  concurrent: number,
  forMs: number,
  seed = 1,
  storeMs = 10,
) {
  const clock = fakeClock({ start: 0, auto: true })
  const random = seededRandom(seed)
  const store = memoryQuotaStore(clock)
  let inFlight = 0
  let most = 0
  let asked = 0
  const counted: QuotaStore = {
    ...store,
    hold(ask) {
      asked++
      return store.hold(ask)
    },
  }
  const busyMs = plans.map(() => 0)
  await Promise.all(
    plans.map(async ({ readers, answerMs, diesAtMs, beginsAtMs = 0 }, index) => {
      await clock.sleep(beginsAtMs)
      const life = new AbortController()
      const meter = new LeasedPlaces({
        concurrent,
        store: distantStore(counted, {
          clock,
          random,
          latencyMs: storeMs,
          ...(diesAtMs !== undefined && { life: life.signal }),
        }),
        key: 'k',
        name: 'shared',
        clock,
      })
      const quota = new QuotaQueue('shared', [meter], clock)
      void clock.sleep((diesAtMs ?? forMs) - beginsAtMs).then(() => life.abort(new Error('over')))
      await Promise.allSettled(
        Array.from({ length: readers }, async () => {
          while (!life.signal.aborted) {
            const permit = await quota.acquire({ signal: life.signal })
            most = Math.max(most, ++inFlight)
            const takes = Math.ceil(answerMs * (0.5 + random() / 2))
            await clock.sleep(takes)
            inFlight--
            busyMs[index]! += takes
            // Of what a dead process had in flight nobody hears.
            if (life.signal.aborted && diesAtMs !== undefined) return
            permit.answered?.({ status: 200, headers: {} })
            permit.release()
          }
        }),
      )
    }),
  )
  return { most, asked, shares: busyMs.map((ms) => ms / (concurrent * forMs)) }
}

test('Q1: processes that share places, some of which die, never have more in flight together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          readers: fc.integer({ min: 1, max: 8 }),
          answerMs: fc.integer({ min: 1, max: 1500 }),
          diesAtMs: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
        }),
        { minLength: 2, maxLength: 4 },
      ),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 100 }),
      fc.nat(),
      async (plans, concurrent, storeMs, seed) => {
        const { most } = await runProcesses(plans, concurrent, 25_000, seed, storeMs)
        expect(most).toBeLessThanOrEqual(concurrent)
      },
    ),
    { numRuns: 40 },
  )
}, 60_000)

test.each([1, 2, 5, 12])(
  '%d places are used by two processes that want all of them, and by each its half',
  async (concurrent) => {
    const plan = { readers: 15, answerMs: 300 }
    const { shares } = await runProcesses([plan, plan], concurrent, 120_000)
    expect(shares[0]! + shares[1]!).toBeGreaterThan(concurrent === 1 ? 0.85 : 0.95)
    for (const share of shares) expect(share).toBeGreaterThan(0.3)
  },
)

test('a process that comes later gets its share within a second or two, and one that asks little leaves the rest to others', async () => {
  const { shares } = await runProcesses(
    [
      { readers: 15, answerMs: 300 },
      { readers: 1, answerMs: 300, beginsAtMs: 30_000 },
    ],
    6,
    60_000,
  )
  // One of six places for half of the time.
  expect(shares[1]!).toBeGreaterThan(0.9 / 12)
  expect(shares[0]! + shares[1]!).toBeGreaterThan(0.95)
})

test('places of a process that died are free again after some seconds', async () => {
  const { shares } = await runProcesses(
    [
      { readers: 8, answerMs: 300, diesAtMs: 5000 },
      { readers: 8, answerMs: 300, beginsAtMs: 5000 },
    ],
    4,
    60_000,
  )
  expect(shares[1]!).toBeGreaterThan(0.95 * (45 / 60))
})

test('the store is asked a few times a second, however many requests there are', async () => {
  const { asked } = await runProcesses([{ readers: 10, answerMs: 5 }], 10, 60_000)
  expect(asked).toBeLessThan(3 * 60)
})

test('what is not in use is given back, and nothing is told any more', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  const queues = [1, 2].map(() => {
    const meter = new LeasedPlaces({ concurrent: 2, store, key: 'k', name: 'q', clock })
    return { meter, quota: new QuotaQueue('q', [meter], clock) }
  })
  const permits = await Promise.all([1, 2].map(() => queues[0]!.quota.acquire()))
  for (const permit of permits) permit.release()
  await Promise.all([1, 2].map(() => queues[1]!.quota.acquire()))
  expect(clock.now()).toBeLessThan(2500)
  await clock.sleep(1000)
  expect(queues[0]!.meter.isIdle()).toBe(true)
  expect(queues[1]!.meter.isIdle()).toBe(false)
})

test('a store that fails is asked again, and after five failures in a row those who wait are told', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const broken: QuotaStore = {
    ...memoryQuotaStore(clock),
    hold: () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:5432')),
  }
  const meter = new LeasedPlaces({
    concurrent: 2,
    store: broken,
    key: 'k',
    name: '2 requests in flight',
    clock,
  })
  const error = await new QuotaQueue('q', [meter], clock).acquire().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(QuotaStoreError)
  expect((error as Error).message).toContain(
    'the quota of 2 requests in flight by could not be asked 5 times in a row',
  )
})

test('there is at least one place', () => {
  const clock = fakeClock()
  const options = { store: memoryQuotaStore(clock), key: 'k', name: 'q', clock }
  expect(() => new LeasedPlaces({ concurrent: 0, ...options })).toThrow(
    'at least 1 request has to be in flight, not 0',
  )
})
