import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { RoundTrip } from '../meters/round-trip.ts'
import { createQuota } from '../options.ts'
import type { Permit, QuotaAsk, QuotaCharge } from '../quota.ts'
import { DeclaredLimit } from './declared-limit.ts'
import { type QuotaEntry, quotasAt } from './entry.ts'

const base = 'https://api.test/v2/'
const declare = (clock: Clock, ...quotas: QuotaEntry[]) =>
  createQuota({ quotas: quotasAt(base, quotas), rateLimitHeaders: false }, clock)

const ask = (path: string, more: Partial<NonNullable<QuotaAsk['request']>> = {}): QuotaAsk => ({
  request: { method: 'GET', url: new URL(path, base).href, headers: {}, ...more },
})

/** Which of the requests are let through at once. */
async function atOnce(quota: ReturnType<typeof declare>, asked: readonly QuotaAsk[]): Promise<boolean[]> {
  const passed = asked.map(() => false)
  for (const [index, each] of asked.entries())
    void quota.acquire(each).then(() => {
      passed[index] = true
    })
  await new Promise((resolve) => setImmediate(resolve))
  return passed
}

// PEERS: Airbyte HttpRequestRegexMatcher
test('a class of requests that is exhausted holds back nobody else', async () => {
  const quota = declare(
    fakeClock(),
    { requests: 1, per: 60_000, for: { path: ['search/*'], methods: ['GET'] } },
    { requests: 9, per: 60_000 },
  )
  expect(
    await atOnce(quota, [
      ask('search/users'),
      ask('search/issues'),
      ask('users'),
      ask('search/issues', { method: 'POST' }),
      ask('search/deep/down'),
      ask('search/users?q=a'),
    ]),
  ).toEqual([true, false, true, true, true, false])
})

test('a class is told by a header, and by any of several paths', async () => {
  const quota = declare(
    fakeClock(),
    { requests: 1, per: 60_000, for: { header: { 'x-kind': 'bulk-*' } } },
    { requests: 1, per: 60_000, for: { path: ['a/**', '/b', 'https://files.test/**'] } },
  )
  const kind = (value: string) => ask('x', { headers: { 'x-kind': value } })
  expect(await atOnce(quota, [kind('bulk-1'), kind('bulk-2'), kind('single'), ask('x')])).toEqual([
    true,
    false,
    true,
    true,
  ])
  expect(
    await atOnce(quota, [ask('a/1/2'), ask('a'), ask('/b'), ask('b'), ask('https://files.test/x/y')]),
  ).toEqual([true, false, false, true, false])
})

test('Q1: a request of which nothing is known counts in each class', async () => {
  const quota = declare(fakeClock(), { requests: 1, per: 60_000, for: { path: ['search'] } })
  expect(await atOnce(quota, [{}, ask('search'), ask('users')])).toEqual([true, false, true])
})

test.each<[string, QuotaEntry['each'], QuotaAsk[], boolean[]]>([
  [
    'a header',
    { header: 'x-tenant' },
    ['a', 'b', 'a', 'b'].map((tenant) => ask('x', { headers: { 'x-tenant': tenant } })),
    [true, true, false, false],
  ],
  ['those without it share one', { header: 'x-tenant' }, [ask('x'), ask('y')], [true, false]],
  [
    'a query parameter',
    { query: 'account' },
    [ask('x?account=1'), ask('x?account=2'), ask('y?account=1'), ask('z')],
    [true, true, false, true],
  ],
  [
    'what a path names',
    { path: 'channels/*/**' },
    [ask('channels/1/messages'), ask('channels/2'), ask('channels/1/pins'), ask('users'), ask('users')],
    [true, true, false, true, true],
  ],
  [
    'a placeholder',
    '{parent.id}',
    [1, 2, 1].map((id) => ({ ...ask('x'), values: { parent: { id } } })),
    [true, true, false],
  ],
  [
    'several in one text',
    '{parent.org}/{parent.id}',
    [1, 2, 1].map((id) => ({ ...ask('x'), values: { parent: { org: 'a', id } } })),
    [true, true, false],
  ],
])('one limit for each: %s', async (_name, each, asked, passed) => {
  const quota = declare(fakeClock(), { requests: 1, per: 60_000, each })
  expect(await atOnce(quota, asked)).toEqual(passed)
})

test('parts that are idle are forgotten, and those that still count are not', async () => {
  const clock = fakeClock({ start: 0 })
  const limit = new DeclaredLimit(
    { requests: 1, per: 1000, each: { header: 'x-tenant' } },
    { clock, spread: false, roundTrip: new RoundTrip() },
  )
  const use = async (tenant: string) => {
    const { queue } = limit.takeOf(ask('x', { headers: { 'x-tenant': tenant } }))!
    return queue.acquire()
  }
  const flying = await use('flying')
  for (let round = 0; round < 100; round++) {
    for (let index = 0; index < 50; index++) (await use(`${round}-${index}`)).release()
    await clock.advance(500)
  }
  // About two rounds are within a window, and the parts double at most between two looks.
  expect(limit.parts).toBeLessThan(400)
  const { queue } = limit.takeOf(ask('x', { headers: { 'x-tenant': 'flying' } }))!
  expect(queue.readyAt(1, queue.now())).toBe(Number.POSITIVE_INFINITY)
  flying.release()
})

test.each<[QuotaEntry, number]>([
  [{ requests: 10, per: 60_000, reserve: 0.1 }, 9],
  [{ requests: 10, per: 60_000, reserve: 0.25, window: 'fixed' }, 7],
  [{ requests: 10, per: 60_000, reserve: 0.5, window: 'leaky', burst: 20 }, 10],
  [{ concurrent: 10, reserve: 0.3 }, 7],
  [{ points: 100, per: 60_000, cost: 10, reserve: 0.15 }, 8],
])('%j lets %i go at once: the reserve is left to others', async (entry, count) => {
  const quota = declare(fakeClock(), entry)
  const passed = await atOnce(
    quota,
    Array.from({ length: 30 }, () => ask('x')),
  )
  expect(passed.filter(Boolean)).toHaveLength(count)
})

test.each<QuotaEntry>([
  { requests: 10, per: 1000 },
  { requests: 10, per: 1000, window: 'fixed' },
  { requests: 10, per: 1000, window: 'leaky', burst: 50 },
  { points: 100, per: 1000, cost: 10 },
])('with `pace: spread` %j goes evenly', async (entry) => {
  const clock = fakeClock({ start: 0, auto: true })
  const quota = createQuota({ quotas: [entry], rateLimitHeaders: false, pace: 'spread' }, clock)
  const at: number[] = []
  for (let index = 0; index < 40; index++) {
    const permit = await quota.acquire()
    at.push(clock.now())
    permit.answered!({ status: 200, headers: {} })
    permit.release()
  }
  const gaps = at.slice(1).map((each, index) => each - at[index]!)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(90)
  expect(at.at(-1)! - at[0]!).toBeLessThan(4050)
})

/** Sends one request after another, each of which costs as `costs` say, and returns when each was sent. */
async function sendAll(
  quota: ReturnType<typeof declare>,
  clock: Clock,
  costs: readonly QuotaCharge[],
): Promise<number[]> {
  const at: number[] = []
  for (const cost of costs) {
    const permit = await quota.acquire(ask('graphql'))
    at.push(clock.now())
    permit.answered!({ status: 200, headers: {} })
    permit.charge!(cost)
    permit.release()
  }
  return at
}

const cost = (points: number) => ({ body: { extensions: { cost: { actualQueryCost: points } } } })
const shopify: QuotaEntry = {
  points: 50,
  per: 1000,
  window: 'leaky',
  burst: 1000,
  cost: { estimate: 500, actual: 'extensions.cost.actualQueryCost' },
}

test('points: what a reply did not cost is given back', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  // Two estimates fill the bucket; each reply gives 490 back.
  const at = await sendAll(
    declare(clock, shopify),
    clock,
    Array.from({ length: 40 }, () => cost(10)),
  )
  expect(at.at(-1)).toBe(0)
})

test('points: a reply that costs more than was estimated overdraws the quota, which waits until that is made up for', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const at = await sendAll(
    declare(clock, { ...shopify, cost: { estimate: 100, actual: 'extensions.cost.actualQueryCost' } }),
    clock,
    [cost(1200), cost(100)],
  )
  // The next is taken to cost as much, as much as the bucket holds: 1,200 have to flow out.
  expect(at[1]).toBeGreaterThanOrEqual(24_000)
  expect(at[1]).toBeLessThan(24_010)
})

test('points: a bucket has to hold what is requested, where that is more than what is charged', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const quota = declare(clock, {
    ...shopify,
    cost: {
      estimate: 10,
      requested: 'extensions.cost.requestedQueryCost',
      actual: 'extensions.cost.actualQueryCost',
    },
  })
  const reply = { body: { extensions: { cost: { requestedQueryCost: 900, actualQueryCost: 450 } } } }
  const at = await sendAll(quota, clock, [reply, reply, reply])
  // 450 of 1,000 are used: 900 fit in again once 350 have flowed out.
  expect(at[1]).toBeGreaterThanOrEqual(7_000)
  expect(at[1]).toBeLessThan(7_010)
})

test('points: without a word of the cost, the estimate holds', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const silent = { body: { extensions: { cost: { actualQueryCost: null } } } }
  const at = await sendAll(declare(clock, shopify), clock, [silent, silent, silent])
  expect(at[2]).toBeGreaterThanOrEqual(10_000)
})

test('bytes: what replies weigh is charged afterwards, and what is over is waited for', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const at = await sendAll(
    declare(clock, { bytes: 100, per: 1000 }),
    clock,
    [60, 30, 250, 10].map((bytes) => ({ bytes })),
  )
  // A second reply of 60 bytes would not fit in. It has 30, and 60 more fit in beside it; they are 250, and all has to be a second old.
  expect(at).toEqual([0, 1001, 1001, 2002])
})

test('each unit is charged once, and nothing after the end', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = declare(clock, { bytes: 100, per: 1000 })
  const permit = await quota.acquire()
  permit.answered!()
  permit.charge!({ points: 5 })
  permit.charge!({ bytes: 40 })
  permit.charge!({ bytes: 4000 })
  permit.release()
  permit.charge!({ bytes: 4000 })
  expect(await atOnce(quota, [{}, {}])).toEqual([true, false])
})

interface Asked {
  readonly points: number
  readonly patienceMs: number | undefined
  readonly latencyMs: number
  readonly afterMs: number
}

// Random arrivals, costs that change by more than was estimated never (their largest is declared), cancellations.
test('Q1: points that replies tell are never over a sliding window, and cancelled waits take none', async () => {
  const one: fc.Arbitrary<Asked> = fc.record({
    points: fc.integer({ min: 1, max: 20 }),
    patienceMs: fc.option(fc.integer({ min: 0, max: 1500 }), { nil: undefined }),
    latencyMs: fc.integer({ min: 0, max: 200 }),
    afterMs: fc.constantFrom(0, 0, 0, 50, 300),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(one, { minLength: 1, maxLength: 15 }),
      fc.integer({ min: 20, max: 60 }),
      fc.nat(),
      async (requests, points, seed) => {
        const clock = fakeClock({ start: 0, auto: true })
        const random = seededRandom(seed)
        const quota = declare(clock, { points, per: 1000, cost: { estimate: 20, actual: 'cost' } })
        const counted: { at: number; points: number }[] = []
        const served: number[] = []
        const send = async ({ points, latencyMs, patienceMs }: Asked, index: number) => {
          const patience = new AbortController()
          if (patienceMs !== undefined)
            void clock.sleep(patienceMs).then(() => patience.abort(new Error('x')))
          let permit: Permit
          try {
            permit = await quota.acquire({ signal: patience.signal })
          } catch {
            return
          }
          served.push(index)
          const up = Math.floor(random() * latencyMs)
          await clock.sleep(up)
          counted.push({ at: clock.now(), points })
          await clock.sleep(latencyMs - up)
          permit.answered!({ status: 200, headers: {} })
          permit.charge!({ body: { cost: points } })
          permit.release()
        }
        const running: Promise<void>[] = []
        for (const [index, request] of requests.entries()) {
          if (request.afterMs > 0) await clock.sleep(request.afterMs)
          running.push(send(request, index))
        }
        await Promise.all(running)
        for (const { at } of counted) {
          const window = counted.filter((other) => other.at >= at && other.at < at + 1000)
          expect(window.reduce((sum, each) => sum + each.points, 0)).toBeLessThanOrEqual(points)
        }
        const patient = requests.flatMap(({ patienceMs }, index) => (patienceMs === undefined ? [index] : []))
        expect(patient.every((index) => served.includes(index))).toBe(true)
        expect(served).toEqual([...served].sort((a, b) => a - b))
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)
