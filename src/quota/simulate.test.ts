import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { reply } from '../testing/quota-reply.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { combineQuotas } from './combine.ts'
import { concurrency } from './meters/concurrency.ts'
import { requestWindow } from './meters/request-window.ts'
import { tokenBucket } from './meters/token-bucket.ts'
import { createQuota } from './options.ts'
import type { Quota } from './quota.ts'

interface Asked {
  readonly afterMs: number
  readonly cost: number
  /** The caller gives up after so long. */
  readonly patienceMs: number | undefined
  readonly latencyMs: number
}

interface Sent extends Asked {
  readonly order: number
  readonly sentAt: number
  /** Somewhere between sending and answer. */
  readonly countedAt: number
  readonly answeredAt: number
}

const asked = (maxCost: number) =>
  fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 400 })),
      cost: fc.integer({ min: 1, max: maxCost }),
      patienceMs: fc.option(fc.integer({ min: 0, max: 2000 }), { nil: undefined }),
      latencyMs: fc.integer({ min: 0, max: 300 }),
    }),
    { minLength: 1, maxLength: 60 },
  )

/** Sends requests through a quota on a fake clock, and returns those that were sent, in the order of sending. */
async function send(
  requests: readonly Asked[],
  seed: number,
  quotaOn: (clock: Clock) => Quota,
): Promise<Sent[]> {
  const clock = fakeClock({ start: 0, auto: true })
  const random = seededRandom(seed)
  const quota = quotaOn(clock)
  const sent: Sent[] = []
  const running: Promise<void>[] = []
  for (const [order, request] of requests.entries()) {
    if (request.afterMs > 0) await clock.sleep(request.afterMs)
    const patience = new AbortController()
    if (request.patienceMs !== undefined)
      void clock.sleep(request.patienceMs).then(() => patience.abort(new Error('gave up')))
    running.push(
      quota.acquire({ cost: request.cost, signal: patience.signal }).then(
        async (permit) => {
          const sentAt = clock.now()
          await clock.sleep(request.latencyMs)
          const countedAt = sentAt + random() * request.latencyMs
          sent.push({ ...request, order, sentAt, countedAt, answeredAt: clock.now() })
          permit.answered?.()
          await clock.sleep(random() * 50)
          permit.release()
        },
        (error: Error) => expect(error.message).toBe('gave up'),
      ),
    )
  }
  await Promise.all(running)
  return sent.sort((a, b) => a.sentAt - b.sentAt || a.order - b.order)
}

/** The greatest cost that a server counts in any window (begin included, end not). */
function busiestWindow(sent: readonly Sent[], windowMs: number): number {
  const counted = [...sent].sort((a, b) => a.countedAt - b.countedAt)
  let busiest = 0
  let cost = 0
  let from = 0
  for (const request of counted) {
    cost += request.cost
    while (request.countedAt - counted[from]!.countedAt >= windowMs) cost -= counted[from++]!.cost
    busiest = Math.max(busiest, cost)
  }
  return busiest
}

const firstComeFirstServed = (sent: readonly Sent[]) =>
  expect(sent.map((request) => request.order)).toEqual(
    sent.map((request) => request.order).sort((a, b) => a - b),
  )

// PEERS: dlt lacks a rate limiter
// PEERS: dlt not tested rate limiting
// PEERS: Airbyte FixedWindowCallRatePolicy
// PEERS: Airbyte MovingWindowCallRatePolicy
test('Q1, Q2: no server window, wherever it begins, sees more than its requests, and all are served in order', async () => {
  await fc.assert(
    fc.asyncProperty(asked(3), fc.integer({ min: 3, max: 10 }), fc.nat(), async (requests, limit, seed) => {
      const sent = await send(requests, seed, (clock) =>
        requestWindow({ requests: limit, perMs: 1000 }, clock),
      )
      expect(busiestWindow(sent, 1000)).toBeLessThanOrEqual(limit)
      firstComeFirstServed(sent)
    }),
    { numRuns: 150 },
  )
}, 60_000)

test('Q1, Q2: a quota of several limits keeps all of them at once', async () => {
  await fc.assert(
    fc.asyncProperty(asked(1), fc.nat(), async (requests, seed) => {
      const quotas = [{ requests: 8, per: 1000, burst: 3 }, { requests: 15, per: 4000 }, { concurrent: 2 }]
      const sent = await send(requests, seed, (clock) =>
        createQuota({ quotas, rateLimitHeaders: 'auto' }, clock),
      )
      expect(busiestWindow(sent, 1000)).toBeLessThanOrEqual(8)
      expect(busiestWindow(sent, 4000)).toBeLessThanOrEqual(15)
      for (const { sentAt } of sent)
        expect(
          sent.filter((other) => other.sentAt <= sentAt && other.answeredAt > sentAt).length,
        ).toBeLessThanOrEqual(2)
      firstComeFirstServed(sent)
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('Q1, Q2: combined quotas keep the limits of each', async () => {
  await fc.assert(
    fc.asyncProperty(asked(2), fc.nat(), async (requests, seed) => {
      const sent = await send(requests, seed, (clock) =>
        combineQuotas([
          requestWindow({ requests: 5, perMs: 1000 }, clock),
          concurrency(2, clock),
          requestWindow({ requests: 9, perMs: 3000 }, clock),
        ]),
      )
      expect(busiestWindow(sent, 1000)).toBeLessThanOrEqual(5)
      expect(busiestWindow(sent, 3000)).toBeLessThanOrEqual(9)
      firstComeFirstServed(sent)
    }),
    { numRuns: 100 },
  )
}, 60_000)

// PEERS: airbyte#12986
test('Q1, Q2: an account, its endpoints and the slots of a client keep the limits of each, whoever waits for which', async () => {
  const endpoints = [
    { requests: 3, perMs: 1000, burst: 1 },
    { requests: 5, perMs: 2000, burst: 2 },
  ]
  const one = fc.record({
    endpoint: fc.nat(2),
    cost: fc.constant(1),
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 400 })),
    patienceMs: fc.option(fc.integer({ min: 0, max: 2000 }), { nil: undefined }),
    latencyMs: fc.integer({ min: 0, max: 300 }),
    pauses: fc.integer({ min: 0, max: 20 }).map((chance) => chance === 0),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 60 }), fc.nat(), async (requests, seed) => {
      const pauses: { readonly from: number; readonly until: number }[] = []
      const sent = await send(requests, seed, (clock) => {
        const account = createQuota(
          {
            quotas: [
              { requests: 8, per: 1000 },
              { requests: 30, per: 6000, burst: 6 },
            ],
            rateLimitHeaders: 'auto',
          },
          clock,
        )
        const places = concurrency(4, clock)
        const combined = [
          combineQuotas([account, places]),
          ...endpoints.map((options) =>
            combineQuotas([account, places, tokenBucket(options, clock), requestWindow(options, clock)]),
          ),
        ]
        let asked = 0
        return {
          name: 'by endpoint',
          async acquire(ask) {
            const { endpoint, pauses: refused } = requests[asked++]!
            const permit = await combined[endpoint]!.acquire(ask)
            if (refused) {
              reply(account, 429, { 'retry-after': '3' })
              pauses.push({ from: clock.now(), until: clock.now() + 3000 })
            }
            return permit
          },
        }
      })
      expect(busiestWindow(sent, 1000)).toBeLessThanOrEqual(8)
      expect(busiestWindow(sent, 6000)).toBeLessThanOrEqual(30)
      for (const { sentAt } of sent) {
        expect(
          sent.filter((other) => other.sentAt <= sentAt && other.answeredAt > sentAt).length,
        ).toBeLessThanOrEqual(4)
        for (const { from, until } of pauses) expect(sentAt <= from || sentAt >= until).toBe(true)
      }
      for (const [index, { requests: most, perMs, burst }] of endpoints.entries()) {
        const own = sent.filter(({ order }) => requests[order]!.endpoint === index + 1)
        expect(busiestWindow(own, perMs)).toBeLessThanOrEqual(most)
        for (const [first, from] of own.entries())
          for (const [count, to] of own.slice(first).entries())
            expect(count + 1).toBeLessThanOrEqual(burst + ((to.sentAt - from.sentAt) * most) / perMs + 1e-3)
        firstComeFirstServed(own)
      }
      firstComeFirstServed(sent.filter(({ order }) => requests[order]!.endpoint === 0))
      // Those whose patience has no end are all served.
      const patient = requests.flatMap(({ patienceMs }, order) => (patienceMs === undefined ? [order] : []))
      expect(patient.every((order) => sent.some((request) => request.order === order))).toBe(true)
    }),
    { numRuns: 150 },
  )
}, 60_000)

test('Q1, Q2: a token bucket never lets more through than its burst and what has flowed in since', async () => {
  await fc.assert(
    fc.asyncProperty(
      asked(3),
      fc.integer({ min: 3, max: 9 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      async (requests, burst, rate, seed) => {
        const sent = await send(requests, seed, (clock) =>
          tokenBucket({ requests: rate, perMs: 1000, burst }, clock),
        )
        for (const [first, from] of sent.entries()) {
          let cost = 0
          for (const to of sent.slice(first)) {
            cost += to.cost
            expect(cost).toBeLessThanOrEqual(burst + ((to.sentAt - from.sentAt) * rate) / 1000 + 1e-3)
          }
        }
        firstComeFirstServed(sent)
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)

test('what an aborted wait had asked for goes to the next: the others are served as if it had never been', async () => {
  const patient = (count: number): Asked[] =>
    Array.from({ length: count }, () => ({ afterMs: 0, cost: 1, patienceMs: undefined, latencyMs: 20 }))
  for (const quotaOn of [
    (clock: Clock) => tokenBucket({ requests: 10, perMs: 1000, burst: 2 }, clock),
    (clock: Clock) => requestWindow({ requests: 4, perMs: 1000 }, clock),
    (clock: Clock) => concurrency(3, clock),
    (clock: Clock) =>
      combineQuotas([
        requestWindow({ requests: 4, perMs: 1000 }, clock),
        tokenBucket({ requests: 3, perMs: 1000 }, clock),
      ]),
  ]) {
    const without = await send(patient(20), 1, quotaOn)
    // Each of these arrives behind the first two and gives up before anything is free.
    const crowd = patient(20).toSpliced(
      4,
      0,
      ...patient(30).map((request) => ({ ...request, patienceMs: 0 })),
    )
    const withCrowd = (await send(crowd, 1, quotaOn)).filter((request) => request.patienceMs === undefined)
    expect(withCrowd.map((request) => request.sentAt)).toEqual(without.map((request) => request.sentAt))
  }
})

test.each([
  [700, 60_000, 0.98],
  [25, 1000, 0.87],
  [3, 1000, 0.85],
])(
  'a window of %i requests per %i ms is used to %d and more at latencies of 50 to 200 ms',
  async (requests, perMs, least) => {
    const clock = fakeClock({ start: 0, auto: true })
    const random = seededRandom(7)
    const quota = requestWindow({ requests, perMs }, clock)
    const windows = perMs > 1000 ? 5 : 50
    const end = windows * perMs
    let sent = 0
    // As many workers as a busy source has.
    const worker = async () => {
      for (;;) {
        const permit = await quota.acquire()
        if (clock.now() >= end) return permit.release()
        sent++
        await clock.sleep(50 + random() * 150)
        permit.release()
      }
    }
    await Promise.all(Array.from({ length: 50 }, worker))
    expect(sent / (windows * requests)).toBeGreaterThan(least)
  },
)
