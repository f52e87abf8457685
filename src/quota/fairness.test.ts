// Who is served before whom: in order within a flow, in turn between flows, and nobody waits for ever (Q2).
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { combineQuotas, type QueuedQuota } from './combine.ts'
import { concurrency } from './meters/concurrency.ts'
import { tokenBucket } from './meters/token-bucket.ts'
import { createQuota } from './options.ts'
import type { QuotaQueue } from './queue.ts'
import type { Quota, QuotaAsk } from './quota.ts'

interface Waiting {
  readonly flow: string
  readonly cost: number
}

/** Puts all of them into line at one moment, and tells in which order they are served. */
async function order(waiting: readonly Waiting[], left: ReadonlySet<number> = new Set()): Promise<Waiting[]> {
  const clock = fakeClock({ start: 0, auto: true })
  const quota = tokenBucket({ requests: 1000, perMs: 1000, burst: 10 }, clock)
  ;(await quota.acquire({ cost: 10 })).release()
  const served: Waiting[] = []
  const abort = new AbortController()
  const all = waiting.map(async (each, index) => {
    const signal = left.has(index) ? abort.signal : undefined
    const permit = await quota.acquire({ flow: each.flow, cost: each.cost, signal })
    served.push(each)
    permit.release()
  })
  abort.abort(new Error('left'))
  await Promise.allSettled(all)
  return served
}

const someone = fc.record({ flow: fc.constantFrom('a', 'b', 'c', 'd'), cost: fc.integer({ min: 1, max: 9 }) })
const crowd = fc.array(someone, { minLength: 1, maxLength: 80 })

/** While both have somebody waiting, no flow gets more than one turn ahead of another: the most that one request costs, and the other's. */
function isFair(served: readonly Waiting[]): void {
  const remaining = new Map<string, number>()
  for (const { flow } of served) remaining.set(flow, (remaining.get(flow) ?? 0) + 1)
  const got = new Map([...remaining.keys()].map((flow) => [flow, 0]))
  for (const { flow, cost } of served) {
    got.set(flow, got.get(flow)! + cost)
    remaining.set(flow, remaining.get(flow)! - 1)
    const waiting = [...remaining].filter(([, count]) => count > 0).map(([name]) => got.get(name)!)
    expect(Math.max(...waiting, 0) - Math.min(...waiting, Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(18)
  }
}

test('Q2: in order within a flow, and the same share for each flow, by what its requests cost', async () => {
  await fc.assert(
    fc.asyncProperty(crowd, async (waiting) => {
      const served = await order(waiting)
      expect(served).toHaveLength(waiting.length)
      for (const name of ['a', 'b', 'c', 'd'])
        expect(served.filter(({ flow }) => flow === name)).toEqual(
          waiting.filter(({ flow }) => flow === name),
        )
      isFair(served)
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('Q2: those who leave are paid for by nobody: the others are served as if they had never been', async () => {
  await fc.assert(
    fc.asyncProperty(crowd, fc.func(fc.boolean()), async (waiting, leaves) => {
      const left = new Set(waiting.flatMap((_, index) => (leaves(index) ? [index] : [])))
      const stayed = waiting.filter((_, index) => !left.has(index))
      const served = await order(waiting, left)
      expect(served).toEqual(await order(stayed))
      isFair(served)
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('a stream with a thousand requests in line does not hold up one with a few', async () => {
  const many = Array.from({ length: 1000 }, () => ({ flow: 'many', cost: 1 }))
  const few = Array.from({ length: 5 }, () => ({ flow: 'few', cost: 1 }))
  const served = await order([...many, ...few])
  expect(served.slice(0, 10).filter(({ flow }) => flow === 'few')).toHaveLength(5)
})

/** Flows that ask again as soon as they are served, for so many grants. */
async function grants(
  count: number,
  asked: readonly QuotaAsk[],
  quotaOf: (ask: QuotaAsk) => Quota,
  clock: ReturnType<typeof fakeClock>,
): Promise<QuotaAsk[]> {
  const granted: QuotaAsk[] = []
  const over = new AbortController()
  const worker = async (ask: QuotaAsk) => {
    for (;;) {
      const permit = await quotaOf(ask).acquire({ ...ask, signal: over.signal })
      granted.push(ask)
      if (granted.length >= count) over.abort()
      permit.release()
      if (over.signal.aborted) return
    }
  }
  await Promise.allSettled(asked.map(worker))
  clock.stop()
  return granted.slice(0, count)
}

function counts(granted: readonly QuotaAsk[]): Record<string, number> {
  const count: Record<string, number> = {}
  for (const { flow = '' } of granted) count[flow] = (count[flow] ?? 0) + 1
  return count
}

const workers = (flow: string, count = 5) => Array.from({ length: count }, () => ({ flow }))

test.each([
  ['never bind', 1_000_000],
  ['bind between its requests', 1000],
])(
  'Q2: streams share the account equally, whatever one pays in points of its own, where these %s',
  async (_, points) => {
    const clock = fakeClock({ start: 0, auto: true })
    const account = tokenBucket({ requests: 40, perMs: 1000, burst: 1 }, clock)
    const places = concurrency(10, clock)
    const own = createQuota(
      { quotas: [{ points, per: 1000, cost: 50, window: 'leaky', burst: 50 }], rateLimitHeaders: false },
      clock,
    )
    const two = combineQuotas([account, places])
    const three = combineQuotas([account, places, own])
    const asked = [...workers('a'), ...workers('b'), ...workers('c')]
    const granted = await grants(1200, asked, ({ flow }) => (flow === 'c' ? three : two), clock)
    const { a = 0, b = 0, c = 0 } = counts(granted)
    expect(Math.max(a, b, c) - Math.min(a, b, c)).toBeLessThanOrEqual(3)
  },
)

test('Q2: streams share what points there are, not how many requests these make', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const points = tokenBucket({ requests: 100, perMs: 1000, burst: 10 }, clock) as QuotaQueue
  const costs: Record<string, number> = { dear: 5, cheap: 1 }
  const costly: QueuedQuota = {
    name: 'points',
    takesOf: ({ flow = '' }) => [{ queue: points, cost: costs[flow]! }],
    acquire: () => expect.unreachable('it is one of two'),
  }
  const both = combineQuotas([costly, concurrency(10, clock)])
  const granted = await grants(1200, [...workers('dear', 9), ...workers('cheap', 9)], () => both, clock)
  const { dear = 0, cheap = 0 } = counts(granted)
  expect(cheap / dear).toBeGreaterThan(4.5)
  expect(cheap / dear).toBeLessThan(5.5)
})

test('what is interactive passes what waits, and yet starves nobody', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const quota = tokenBucket({ requests: 1000, perMs: 1000, burst: 1 }, clock)
  const background = { flow: 'backfill' }
  const interactive = { flow: 'preview', priority: 'interactive' as const }
  const granted = await grants(
    4000,
    [background, background, background, background, interactive, interactive],
    () => quota,
    clock,
  )
  const share = (from: number, to: number) =>
    granted.slice(from, to).filter((ask) => ask === interactive).length / (to - from)
  // Its head start is a thousand; after that it is a flow like another.
  expect(share(2, 900)).toBeGreaterThan(0.95)
  expect(share(1500, 4000)).toBeGreaterThan(0.45)
  expect(share(1500, 4000)).toBeLessThan(0.55)
})

test('Q2: nobody starves, whichever quotas the others wait for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          flow: fc.constantFrom('a', 'b', 'c'),
          // Which of three quotas it waits for, of different rates.
          quotas: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
        }),
        { minLength: 2, maxLength: 8 },
      ),
      async (asked) => {
        const clock = fakeClock({ start: 0, auto: true })
        const limits = [100, 70, 130].map((requests) =>
          tokenBucket({ requests, perMs: 1000, burst: 1 }, clock),
        )
        const quotaOf = new Map<QuotaAsk, Quota>(
          asked.map(({ flow, quotas }) => [{ flow }, combineQuotas(quotas.map((at) => limits[at]!))]),
        )
        const asks = [...quotaOf.keys()]
        const granted = await grants(400, asks, (ask) => quotaOf.get(ask)!, clock)
        for (const ask of asks) {
          const turns = granted.flatMap((each, index) => (each === ask ? [index] : []))
          const gaps = [...turns, granted.length].map((turn, index) => turn - (turns[index - 1] ?? 0))
          expect(Math.max(...gaps)).toBeLessThan(100)
        }
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)
