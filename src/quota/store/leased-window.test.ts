import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { QuotaQueue } from '../queue.ts'
import { distantStore } from './distant-store.ts'
import { LeasedWindow } from './leased-window.ts'
import { memoryQuotaStore } from './memory-quota-store.ts'
import type { QuotaStore } from './quota-store.ts'
import { QuotaStoreError } from './quota-store-error.ts'

interface ProcessPlan {
  readonly readers: number
  readonly latencyMs: number
  /** It dies then, without a word to the store. */
  readonly diesAtMs: number | undefined
}

/** Runs processes that ask for all they can get, and returns when the API counted each request. */
async function runProcesses(
  plans: readonly ProcessPlan[],
  limit: { requests: number; perMs: number },
  forMs: number,
  seed: number,
): Promise<number[]> {
  const clock = fakeClock({ start: 0, auto: true })
  const random = seededRandom(seed)
  const store = memoryQuotaStore(clock)
  const counted: number[] = []
  const end = new AbortController()
  await Promise.all(
    plans.map(async (plan) => {
      const meter = new LeasedWindow({
        limit: limit.requests,
        perMs: limit.perMs,
        store: distantStore(store, { clock, random, latencyMs: 20 }),
        key: 'k',
        name: 'shared',
        clock,
      })
      const quota = new QuotaQueue('shared', [meter], clock)
      const life = new AbortController()
      void clock.sleep(plan.diesAtMs ?? forMs).then(() => life.abort(new Error('over')))
      await Promise.allSettled(
        Array.from({ length: plan.readers }, async () => {
          while (!life.signal.aborted) {
            const permit = await quota.acquire({ signal: life.signal })
            const way = random() * plan.latencyMs
            await clock.sleep(way)
            counted.push(clock.now())
            // What is on its way when a process dies is counted all the same.
            if (life.signal.aborted) return
            await clock.sleep(random() * plan.latencyMs)
            permit.answered?.({ status: 200, headers: {} })
            permit.release()
          }
        }),
      )
    }),
  )
  end.abort()
  return counted.sort((a, b) => a - b)
}

function busiest(times: readonly number[], perMs: number): number {
  let most = 0
  let from = 0
  for (let to = 0; to < times.length; to++) {
    while (times[to]! - times[from]! >= perMs) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

test('Q1: processes that share a quota, some of which die, never send more than it in any window', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          readers: fc.integer({ min: 1, max: 12 }),
          latencyMs: fc.integer({ min: 0, max: 400 }),
          diesAtMs: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      async (plans, requests, seed) => {
        const counted = await runProcesses(plans, { requests, perMs: 5000 }, 25_000, seed)
        expect(busiest(counted, 5000)).toBeLessThanOrEqual(requests)
      },
    ),
    { numRuns: 40 },
  )
}, 60_000)

test('Q1: requests that are in flight for longer than the window count all the same', async () => {
  const plans = [
    { readers: 20, latencyMs: 4000, diesAtMs: undefined },
    { readers: 3, latencyMs: 50, diesAtMs: undefined },
  ]
  for (let seed = 1; seed <= 10; seed++) {
    const counted = await runProcesses(plans, { requests: 20, perMs: 1000 }, 30_000, seed)
    expect(busiest(counted, 1000)).toBeLessThanOrEqual(20)
  }
})

test('two processes that share a quota use nearly all of it', async () => {
  const plans = [
    { readers: 10, latencyMs: 100, diesAtMs: undefined },
    { readers: 3, latencyMs: 50, diesAtMs: undefined },
  ]
  const counted = await runProcesses(plans, { requests: 100, perMs: 60_000 }, 3_600_000, 1)
  expect(counted.length).toBeGreaterThanOrEqual(0.97 * 100 * 60)
})

test('what a dead process had leased is free again once the lease has ended and a window has passed', async () => {
  const plans = [
    { readers: 50, latencyMs: 50, diesAtMs: 30 },
    { readers: 10, latencyMs: 10, diesAtMs: undefined },
  ]
  const counted = await runProcesses(plans, { requests: 40, perMs: 5000 }, 30_000, 2)
  expect(counted.filter((at) => at > 12_000 && at < 27_000).length).toBeGreaterThanOrEqual(0.9 * 40 * 3)
})

test('a refusal that says when to come back holds every process back until then', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  const quotas = [1, 2].map(
    () =>
      new QuotaQueue(
        'shared',
        [new LeasedWindow({ limit: 10, perMs: 1000, store, key: 'k', name: 'shared', clock })],
        clock,
      ),
  )
  const permit = await quotas[0]!.acquire()
  permit.answered?.({ status: 429, headers: {} })
  permit.refused?.({ kind: 'rate', retryAfterMs: 30_000 })
  permit.release()
  await Promise.all(quotas.map((quota) => quota.acquire()))
  expect(clock.now()).toBeGreaterThanOrEqual(30_000)
})

test('the store is asked once for several requests', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  let asked = 0
  const counting: QuotaStore = {
    ...store,
    lease(ask) {
      asked++
      return store.lease(ask)
    },
  }
  const meter = new LeasedWindow({ limit: 1000, perMs: 60_000, store: counting, key: 'k', name: 'q', clock })
  const quota = new QuotaQueue('q', [meter], clock)
  for (let count = 0; count < 500; count++) {
    const permit = await quota.acquire()
    permit.answered?.({ status: 200, headers: {} })
    permit.release()
  }
  expect(asked).toBeLessThanOrEqual(20)
})

test('a store that fails is asked again, and after five failures in a row those who wait are told, and nothing is sent', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  let asked = 0
  const broken: QuotaStore = {
    ...memoryQuotaStore(clock),
    async lease() {
      asked++
      throw new Error('connect ECONNREFUSED 127.0.0.1:5432')
    },
  }
  const meter = new LeasedWindow({
    limit: 5,
    perMs: 1000,
    store: broken,
    key: 'k',
    name: '5 requests per 1s',
    clock,
  })
  const quota = new QuotaQueue('q', [meter], clock)
  const errors = await Promise.all([1, 2].map(() => quota.acquire().catch((error: unknown) => error)))
  expect(asked).toBe(5)
  for (const error of errors) expect(error).toBeInstanceOf(QuotaStoreError)
  expect((errors[0] as Error).message).toBe(
    'the store that processes share the quota of 5 requests per 1s by could not be asked 5 times in a row, and without it nothing is sent: connect ECONNREFUSED 127.0.0.1:5432. Check quotaStore, and whether its server runs',
  )
  await expect(quota.acquire()).rejects.toBeInstanceOf(QuotaStoreError)
  // Later it is asked once more.
  await clock.sleep(10_000)
  await expect(quota.acquire()).rejects.toBeInstanceOf(QuotaStoreError)
  expect(asked).toBe(6)
})

test('a store that was gone for long is used again by whoever comes after its return', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  let isDown = true
  const gone: QuotaStore = {
    ...store,
    lease: (ask) => (isDown ? Promise.reject(new Error('down')) : store.lease(ask)),
  }
  const meter = new LeasedWindow({ limit: 5, perMs: 1000, store: gone, key: 'k', name: 'q', clock })
  const quota = new QuotaQueue('q', [meter], clock)
  await expect(quota.acquire()).rejects.toBeInstanceOf(QuotaStoreError)
  isDown = false
  await clock.sleep(60_000)
  await quota.acquire()
})

test('what a process leased and did not use is free for the others as soon as it ends', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  const limit = { limit: 1000, perMs: 86_400_000, store, key: 'k', name: 'q', clock }
  const holders = new Set<LeasedWindow>()
  const meter = new LeasedWindow({ ...limit, holders })
  const quota = new QuotaQueue('q', [meter], clock)
  for (let request = 0; request < 100; request++) (await quota.acquire()).release()
  expect([...holders]).toEqual([meter])
  for (const holder of holders) await holder.giveBack()
  expect(holders.size).toBe(0)
  const rest = await store.lease({
    key: 'k',
    limit: 1000,
    perMs: 86_400_000,
    wanted: 1000,
    least: 1,
    holdMs: 1000,
  })
  expect(rest.granted).toBe(900)
})

test('a refusal for too many requests at once pauses nobody', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  const meter = new LeasedWindow({ limit: 5, perMs: 1000, store, key: 'k', name: 'q', clock })
  const permit = await new QuotaQueue('q', [meter], clock).acquire()
  permit.refused!({ kind: 'concurrency', retryAfterMs: 60_000 })
  permit.release()
  const lease = await store.lease({ key: 'k', limit: 5, perMs: 1000, wanted: 1, least: 1, holdMs: 100 })
  expect(lease.granted).toBe(1)
})

test('a store that comes back is used again', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const store = memoryQuotaStore(clock)
  let failures = 3
  const shaky: QuotaStore = {
    ...store,
    lease(ask) {
      return failures-- > 0 ? Promise.reject(new Error('down')) : store.lease(ask)
    },
  }
  const meter = new LeasedWindow({ limit: 5, perMs: 1000, store: shaky, key: 'k', name: 'q', clock })
  await new QuotaQueue('q', [meter], clock).acquire()
  expect(clock.now()).toBe(200 + 400 + 800)
})
