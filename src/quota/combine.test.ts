import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { reply } from '../testing/quota-reply.ts'
import { stores } from '../testing/token-stores.ts'
import { combineQuotas } from './combine.ts'
import { concurrency } from './meters/concurrency.ts'
import { tokenBucket } from './meters/token-bucket.ts'
import { createQuota } from './options.ts'
import type { Permit, Quota } from './quota.ts'
import { createQuotaRegistry } from './registry.ts'

/** Notes when each request is let through. */
function watch(clock: Clock) {
  const granted: string[] = []
  const ask = async (name: string, quota: Quota, holdMs = 0) => {
    const permit = await quota.acquire()
    granted.push(`${name} ${clock.now()}`)
    await clock.sleep(holdMs)
    permit.release()
  }
  return { granted, ask }
}

test('Q1: what waits for the account takes nothing of its endpoint meanwhile, so that no burst piles up', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const account = concurrency(1, clock)
  const endpoint = tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)
  const { granted, ask } = watch(clock)
  const held = await account.acquire()
  const waiting = ['a', 'b', 'c'].map((name) => ask(name, combineQuotas([account, endpoint])))
  await clock.sleep(10_000)
  held.release()
  await Promise.all(waiting)
  expect(granted).toEqual(['a 10000', 'b 11000', 'c 12000'])
})

test('a request that waits for its endpoint lets those of other endpoints go by, and goes first when its own allows it', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const account = tokenBucket({ requests: 1, perMs: 100, burst: 1 }, clock)
  const slow = combineQuotas([account, tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)])
  const { granted, ask } = watch(clock)
  await ask('slow', slow)
  await Promise.all([
    ask('slow', slow),
    ...Array.from({ length: 20 }, (_, index) => ask(`fast${index}`, account)),
  ])
  // The account gives a token each 100 ms: nine to the others until the endpoint allows the slow one at 1000.
  expect(granted.indexOf('slow 1000')).toBe(10)
  expect(granted.slice(1, 10)).toEqual(
    Array.from({ length: 9 }, (_, index) => `fast${index} ${(index + 1) * 100}`),
  )
  expect(granted.at(-1)).toBe('fast19 2100')
})

test('Q2: one who needs two queues is not starved by others who each take one of them in turn', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const [a, b, c] = [concurrency(1, clock), concurrency(1, clock), concurrency(9, clock)]
  let done = false
  const busy = async (quota: Quota, offsetMs: number) => {
    await clock.sleep(offsetMs)
    while (!done) {
      const permit = await quota.acquire()
      await clock.sleep(10)
      permit.release()
    }
  }
  // At every moment one of the two is taken, each by several who ask again at once.
  const others = [a, a, combineQuotas([b, c]), combineQuotas([c, b])].map((quota, index) =>
    busy(quota, index * 3),
  )
  await clock.sleep(50)
  const asked = clock.now()
  const permit = await combineQuotas([a, b]).acquire()
  expect(clock.now() - asked).toBeLessThanOrEqual(40)
  done = true
  permit.release()
  await Promise.all(others)
})

test('an abort of the first in line lets those behind it go, and leaves nothing behind', async () => {
  const clock = fakeClock({ start: 0 })
  const account = concurrency(1, clock)
  const endpoint = concurrency(1, clock)
  const both = combineQuotas([account, endpoint])
  const held = await account.acquire()
  const abort = new AbortController()
  // It stands in both: its endpoint is free.
  const first = both.acquire({ signal: abort.signal })
  let second: Permit | undefined
  void endpoint.acquire().then((permit) => {
    second = permit
  })
  await clock.advance(0)
  expect(second).toBeUndefined()
  abort.abort(new Error('gave up'))
  await expect(first).rejects.toThrow('gave up')
  await clock.advance(0)
  expect(second).toBeDefined()
  held.release()
  second!.release()
  ;(await both.acquire()).release()
  expect(clock.sleepers).toBe(0)
})

test('a listener that throws fails its own wait, and nobody else waits longer for it', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = concurrency(1, clock)
  const held = await quota.acquire()
  const failing = quota.acquire({
    onWait() {
      throw new Error('a fault of the listener')
    },
  })
  const next = quota.acquire()
  await expect(failing).rejects.toThrow('a fault of the listener')
  held.release()
  ;(await next).release()
})

test('a wait tells which of several quotas it is for, each in turn', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const account = tokenBucket({ requests: 1, perMs: 1000, burst: 1, name: 'account' }, clock)
  const endpoint = tokenBucket({ requests: 1, perMs: 400, burst: 1, name: 'endpoint' }, clock)
  const foreign: Quota = {
    name: 'foreign',
    async acquire({ onWait } = {}) {
      onWait?.(5)
      return { release() {} }
    },
  }
  const all = combineQuotas([account, combineQuotas([foreign, endpoint])])
  expect(all.name).toBe('account and foreign and endpoint')
  ;(await all.acquire()).release()
  const told: unknown[] = []
  await all.acquire({ onWait: (ms, quota) => told.push([quota, ms]) })
  expect(told).toEqual([
    ['foreign', 5],
    ['endpoint', 400],
    ['account', 600],
  ])
})

test('what an API reports holds back those who wait for several quotas, too, and lets others go by', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const account = concurrency(1, clock)
  const endpoint = createQuota({ quotas: [{ requests: 5, per: 1000 }], rateLimitHeaders: 'auto' }, clock)
  const { granted, ask } = watch(clock)
  const held = await account.acquire()
  const waiting = [ask('endpoint', combineQuotas([account, endpoint])), ask('other', account)]
  reply(endpoint, 429, { 'retry-after': '30' })
  held.release()
  await Promise.all(waiting)
  expect(granted).toEqual(['other 0', 'endpoint 30000'])
})

test('a declaration that comes later holds for everybody from then on', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const registry = createQuotaRegistry()
  const loose = { quotas: [{ requests: 100, per: 1000 }], rateLimitHeaders: 'auto' } as const
  const strict = { quotas: [{ requests: 1, per: 1000 }], rateLimitHeaders: 'auto' } as const
  const first = registry.share('a', { ...loose, quotas: [...loose.quotas] }, clock)
  const combined = combineQuotas([first, concurrency(9, clock)])
  for (let count = 0; count < 3; count++) (await combined.acquire()).release()
  expect(clock.now()).toBe(0)
  registry.share('a', { ...strict, quotas: [...strict.quotas] }, clock)
  for (let count = 0; count < 3; count++) (await combined.acquire()).release()
  expect(clock.now()).toBeGreaterThanOrEqual(2000)
  expect(first.name).toBe('100 requests per 1s and 1 requests per 1s')
})

test('nothing is taken of any queue before all of them allow it, and an abort in between gives back nothing', async () => {
  const { clock, meters, queues, give } = stores(3)
  const tokens = () => meters.map((meter) => meter.tokens)
  const all = combineQuotas(queues)
  const abort = new AbortController()
  const waiting = all.acquire({ cost: 2, signal: abort.signal })
  for (const index of [2, 0]) {
    give(index, 2)
    await clock.advance(1000)
  }
  expect(tokens()).toEqual([2, 0, 2])
  abort.abort(new Error('gave up'))
  await expect(waiting).rejects.toThrow('gave up')
  expect(tokens()).toEqual([2, 0, 2])
  const next = all.acquire({ cost: 2 })
  give(1, 2)
  const permit = await next
  expect(tokens()).toEqual([0, 0, 0])
  permit.cancel!()
  expect(tokens()).toEqual([2, 2, 2])
  expect(clock.sleepers).toBe(0)
})

const mixes = [[0], [1], [2], [0, 1], [1, 0], [0, 2], [0, 3, 1], [0, 3, 2], [3, 2, 1, 0]]
type Step =
  | { readonly do: 'ask'; readonly mix: number; readonly cost: number }
  | { readonly do: 'give'; readonly store: number; readonly tokens: number }
  | { readonly do: 'abort' | 'cancel'; readonly which: number }

/** Somebody leaves, and one who waits for the same queues must not pass an earlier one who waits for one of them. */
const leavings: readonly (readonly Step[])[] = [
  [
    { do: 'ask', mix: 0, cost: 1 },
    { do: 'ask', mix: 5, cost: 2 },
    { do: 'give', store: 2, tokens: 1 },
    { do: 'ask', mix: 2, cost: 1 },
    { do: 'ask', mix: 5, cost: 1 },
    { do: 'abort', which: 1 },
    { do: 'abort', which: 0 },
  ],
  [
    { do: 'ask', mix: 3, cost: 3 },
    { do: 'ask', mix: 0, cost: 2 },
    { do: 'ask', mix: 3, cost: 1 },
    { do: 'abort', which: 0 },
    { do: 'give', store: 1, tokens: 3 },
    { do: 'give', store: 0, tokens: 2 },
  ],
  // Nobody stands behind in its line, and yet in its queue: who comes later comes after that one.
  [
    { do: 'ask', mix: 3, cost: 3 },
    { do: 'ask', mix: 0, cost: 2 },
    { do: 'abort', which: 0 },
    { do: 'ask', mix: 0, cost: 1 },
    { do: 'ask', mix: 3, cost: 1 },
    { do: 'give', store: 1, tokens: 3 },
    { do: 'give', store: 0, tokens: 2 },
  ],
]

/** The rule, told naively: after each step all who wait are led through their queues, in the order of arrival. */
function model() {
  const tokens = [0, 0, 0, 0]
  const asked: { readonly mix: readonly number[]; readonly cost: number; state: string }[] = []
  const round = () => {
    const taken = new Set<number>()
    for (const one of asked) {
      if (one.state !== 'waits') continue
      const stood: number[] = []
      const stop = one.mix.toReversed().find((store) => {
        stood.push(store)
        return taken.has(store) || tokens[store]! < one.cost
      })
      if (stop !== undefined) for (const store of stood) taken.add(store)
      else {
        for (const store of one.mix) tokens[store]! -= one.cost
        one.state = 'granted'
      }
    }
  }
  return { tokens, asked, round }
}

test('Q1, Q2: whoever the rule lets through goes, at once, and nobody else: compared with a naive model', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      do: fc.constant('ask' as const),
      mix: fc.nat(mixes.length - 1),
      cost: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ do: fc.constant('give' as const), store: fc.nat(3), tokens: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constantFrom('abort' as const, 'cancel' as const), which: fc.nat(40) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const { clock, meters, queues, give } = stores(4)
      const real: { state: string; permit?: Permit; readonly abort: AbortController }[] = []
      const { tokens, asked, round } = model()
      for (const one of steps) {
        if (one.do === 'ask') {
          const mix = mixes[one.mix]!
          const abort = new AbortController()
          const entry: (typeof real)[number] = { state: 'waits', abort }
          real.push(entry)
          asked.push({ mix, cost: one.cost, state: 'waits' })
          combineQuotas(mix.map((index) => queues[index]!))
            .acquire({ cost: one.cost, signal: abort.signal })
            .then(
              (permit) => Object.assign(entry, { state: 'granted', permit }),
              () => Object.assign(entry, { state: 'aborted' }),
            )
        } else if (one.do === 'give') {
          tokens[one.store]! += one.tokens
          give(one.store, one.tokens)
        } else {
          const entry = real[one.which]
          const told = asked[one.which]
          if (one.do === 'abort') {
            entry?.abort.abort(new Error('gave up'))
            if (told?.state === 'waits') told.state = 'aborted'
          } else if (told?.state === 'granted') {
            entry!.permit!.cancel!()
            entry!.state = told.state = 'cancelled'
            for (const store of told.mix) tokens[store]! += told.cost
          }
        }
        round()
        await clock.advance(0)
        expect(real.map(({ state }) => state)).toEqual(asked.map(({ state }) => state))
        expect(meters.map((meter) => meter.tokens)).toEqual(tokens)
      }
      // Nobody starves: once there is enough for everybody, everybody goes, and nothing is left behind.
      for (let store = 0; store < 4; store++) give(store, 1000)
      await clock.advance(0)
      expect(real.filter(({ state }) => state === 'waits')).toEqual([])
      expect(queues.map(({ lines }) => lines.size)).toEqual([0, 0, 0, 0])
      expect(clock.sleepers).toBe(0)
    }),
    { numRuns: 300, examples: leavings.map((steps) => [[...steps]] as [Step[]]) },
  )
}, 60_000)

test('Q2: nobody starves, however the others ask: who came first is through once each of its queues was full once, in turn', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ mix: fc.nat(mixes.length - 1), store: fc.nat(3) }), {
        minLength: 0,
        maxLength: 60,
      }),
      fc.constantFrom(...mixes.filter((mix) => mix.length > 1)),
      async (crowd, mix) => {
        const { clock, meters, queues, give } = stores(4)
        let through = false
        void combineQuotas(mix.map((index) => queues[index]!))
          .acquire({ cost: 5 })
          .then(() => {
            through = true
          })
        // From the narrowest queue to the widest: tokens drip in one by one, and a crowd that asks for one each takes what it may.
        for (const store of mix.toReversed()) {
          for (let drop = 0; drop < 5; drop++) {
            for (const one of crowd) {
              void combineQuotas(mixes[one.mix]!.map((index) => queues[index]!)).acquire()
              if (!mix.includes(one.store)) give(one.store, 1)
            }
            give(store, 1)
          }
          await clock.advance(0)
        }
        expect(through).toBe(true)
        expect(meters.every(({ tokens }) => tokens >= 0)).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
}, 60_000)
