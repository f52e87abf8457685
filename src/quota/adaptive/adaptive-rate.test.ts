import { expect, test } from 'vitest'
import {
  fixedWindows,
  type RateLimiterModel,
  slidingLog,
  tokenBucketModel,
} from '../../testing/rate-limiter-models.ts'
import { type SaturateOptions, saturate } from '../../testing/saturate.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import { AdaptiveRate, type LearnedRate } from './adaptive-rate.ts'

const hour = 3_600_000

/** The worst of two hours: with `Retry-After` and without, few requests at once and many. */
function worst(api: () => RateLimiterModel, options: Partial<SaturateOptions> = {}, atOnce = [10, 50]) {
  let used = 1
  let refused = 0
  for (const [index, concurrency] of atOnce.entries())
    for (const retryAfter of [false, true]) {
      const random = seededRandom(index + 1)
      const result = saturate({
        meter: new AdaptiveRate({ random, wallNow: 0 }),
        api: api(),
        concurrency,
        durationMs: hour,
        retryAfter,
        random,
        latencyMs: [50, 300],
        start: Math.floor(random() * 60_000),
        ...options,
      })
      used = Math.min(used, result.used)
      refused = Math.max(refused, result.refused)
    }
  return { used, refused }
}

const limiters: readonly [string, () => RateLimiterModel][] = [
  ['100 in fixed windows of 10 s', () => fixedWindows(100, 10_000)],
  ['300 in windows of 10 s from the first request', () => fixedWindows(300, 10_000, 'at first request')],
  ['600 in fixed windows of 60 s', () => fixedWindows(600, 60_000)],
  ['2000 in fixed windows of 60 s', () => fixedWindows(2000, 60_000)],
  ['600 in windows of 60 s from the first request', () => fixedWindows(600, 60_000, 'at first request')],
  ['200 in any 10 s', () => slidingLog(200, 10_000)],
  ['700 in any 60 s', () => slidingLog(700, 60_000)],
  ['a bucket of 10, 10 per second', () => tokenBucketModel(10, 10)],
  ['a bucket of 5, 20 per second', () => tokenBucketModel(20, 5)],
  ['a bucket of 40, 10 per second', () => tokenBucketModel(10, 40)],
  ['a bucket of 1000, 20 per second', () => tokenBucketModel(20, 1000)],
]

test.for(limiters)('an unreported limit is found: %s', ([, api]) => {
  const { used, refused } = worst(api)
  expect(used).toBeGreaterThan(0.92)
  expect(refused).toBeLessThan(0.005)
})

test.for([
  ['in fixed windows', () => fixedWindows(100, 1000)],
  ['in any second', () => slidingLog(100, 1000)],
] as const)(
  // 12 requests of 100 are on their way at any time, so that a second sees now more and now fewer than were sent in one.
  'a limit of 100 a second, counted %s, is found as far as the latency lets it be known',
  ([, api]) => {
    const { used, refused } = worst(api, {}, [30, 50])
    expect(used).toBeGreaterThan(0.85)
    expect(refused).toBeLessThan(0.005)
  },
)

test.for(limiters.filter(([name]) => !name.includes('20 per second')))(
  'a limit that halves is followed: %s',
  ([, api]) => {
    const { used, refused } = worst(api, { changes: [{ atMs: hour / 2, factor: 0.5 }] }, [10, 25])
    expect(used).toBeGreaterThan(0.92)
    expect(refused).toBeLessThan(0.005)
  },
)

test.for(limiters.filter(([name]) => !name.includes('20 per second')))(
  'a limit that doubles is followed: %s',
  ([, api]) => {
    const { used, refused } = worst(api, { changes: [{ atMs: hour / 2, factor: 2 }] }, [25, 40])
    expect(used).toBeGreaterThan(0.8)
    expect(refused).toBeLessThan(0.005)
  },
)

/** A meter with a clock that is moved by hand. */
function bench(options: { learned?: LearnedRate | Promise<LearnedRate | undefined>; wallNow?: number } = {}) {
  const found: LearnedRate[] = []
  const meter = new AdaptiveRate({
    wallNow: 0,
    ...options,
    onLearned: (learned) => found.push(learned),
  })
  let now = 0
  let order = 0
  const send = () => {
    meter.take(1, now, order)
    return { cost: 1, sentAt: now, order: order++ }
  }
  const answer = (sent: ReturnType<typeof send>, reply: QuotaReply | undefined, refusal?: QuotaRefusal) => {
    meter.settle(sent, now, reply, now)
    if (refusal) meter.refuse(refusal, sent, now)
    meter.release(sent, now)
  }
  return {
    meter,
    found,
    send,
    answer,
    pass: (ms: number) => {
      now += ms
    },
    readyIn: () => meter.readyAt(1, now) - now,
    accept: (sent: ReturnType<typeof send>) => answer(sent, { status: 200, headers: {} }),
    refuse: (sent: ReturnType<typeof send>, refusal: Partial<QuotaRefusal> = {}, headers = {}) =>
      answer(sent, { status: 429, headers }, { kind: 'rate', ...refusal }),
  }
}

/** One that has sent 10 a second, was refused, and recovered. */
function recovered() {
  const at = bench()
  for (let count = 0; count < 50; count++) {
    at.accept(at.send())
    at.pass(100)
  }
  at.refuse(at.send())
  at.pass(1000)
  at.accept(at.send())
  return at
}

test('nothing is held back before the first refusal', () => {
  const at = bench()
  for (let count = 0; count < 1000; count++) at.accept(at.send())
  expect(at.readyIn()).toBe(0)
  expect(at.meter.learned()).toBeUndefined()
})

test('after a refusal one request at a time asks whether the API accepts again, after twice as long each time', () => {
  const at = bench()
  at.accept(at.send())
  at.pass(100)
  at.refuse(at.send())
  expect(at.readyIn()).toBe(1000)
  at.pass(1000)
  const first = at.send()
  expect(at.readyIn()).toBe(Number.POSITIVE_INFINITY)
  at.pass(50)
  at.refuse(first)
  expect(at.readyIn()).toBe(2000)
  at.pass(2000)
  at.refuse(at.send())
  expect(at.readyIn()).toBe(4000)
  at.pass(4000)
  at.accept(at.send())
  expect(at.readyIn()).toBeLessThan(10_000)
})

test('the first refusal after a few requests is no reason to pace what follows, and the second is', () => {
  const at = bench()
  at.accept(at.send())
  at.pass(500)
  at.refuse(at.send())
  at.pass(1000)
  at.accept(at.send())
  expect(at.readyIn()).toBe(0)
  expect(at.meter.learned()).toBeUndefined()
  at.pass(500)
  at.refuse(at.send())
  at.pass(at.readyIn())
  at.accept(at.send())
  expect(at.meter.learned()).toBeDefined()
  expect(at.readyIn()).toBeGreaterThan(0)
})

test('a Retry-After says when to ask, in place of the doubling wait', () => {
  const at = bench()
  at.refuse(at.send(), { retryAfterMs: 37_000 })
  expect(at.readyIn()).toBe(37_000)
})

test('a penalty is waited out, and is not taken for time in which the API accepted so little', () => {
  const found = [false, true].map((penalty) => {
    const at = bench()
    for (let count = 0; count < 50; count++) {
      at.accept(at.send())
      at.pass(100)
    }
    at.refuse(at.send(), { retryAfterMs: 30_000, penalty })
    expect(at.readyIn()).toBe(30_000)
    at.pass(30_000)
    at.accept(at.send())
    return at.meter.learned()!.ratePerSecond
  })
  // 51 in 5 seconds and the rest of what is a window's, or in 5 and one.
  expect(found[0]).toBeCloseTo(51 / 34.5, 1)
  expect(found[1]).toBeCloseTo(51 / 6, 1)
})

test('the refusals of what was in flight belong to the same pause', () => {
  const at = bench()
  const sent = [at.send(), at.send(), at.send()]
  at.pass(100)
  for (const request of sent) at.refuse(request)
  expect(at.readyIn()).toBe(1000)
})

test('an answer to what was sent before the pause does not end it', () => {
  const at = bench()
  const [early, late] = [at.send(), at.send()]
  at.pass(100)
  at.refuse(early)
  at.accept(late)
  expect(at.readyIn()).toBe(1000)
})

test('a probe that got no answer makes room for another', () => {
  const at = bench()
  at.refuse(at.send())
  at.pass(1000)
  at.answer(at.send(), undefined)
  expect(at.readyIn()).toBe(1000)
  at.pass(1000)
  const { order } = at.send()
  at.meter.cancel(1, 2000, order)
  expect(at.readyIn()).toBe(0)
})

test('what was granted before a pause, and is given back, makes no room for a second probe', () => {
  const at = bench()
  const granted = at.send()
  at.refuse(at.send())
  at.pass(1000)
  const probe = at.send()
  at.meter.cancel(1, 1000, granted.order)
  expect(at.readyIn()).toBe(Number.POSITIVE_INFINITY)
  at.accept(probe)
  expect(at.readyIn()).toBe(0)
})

// PEERS: Airbyte lacks adaptive limiting
test('after a pause requests go on evenly, at nine tenths of what the API took from recovery to recovery', () => {
  const at = recovered()
  const { ratePerSecond } = at.meter.learned()!
  // 50 were accepted, and the probe, in the five seconds before the refusal and half of the one until the probe.
  expect(ratePerSecond).toBeCloseTo(51 / 5.5, 1)
  at.pass(at.readyIn())
  at.send()
  expect(at.readyIn()).toBeGreaterThan(1000 / ratePerSecond)
  expect(at.readyIn()).toBeLessThan(1000 / (0.88 * ratePerSecond))
})

test('a body that says that it is a refusal counts as one, though its status was a success', () => {
  const at = bench()
  at.answer(at.send(), { status: 200, headers: {} }, { kind: 'rate' })
  expect(at.readyIn()).toBe(1000)
  at.pass(1000)
  at.answer(at.send(), { status: 200, headers: {} }, { kind: 'rate' })
  expect(at.readyIn()).toBe(2000)
})

test('a refusal that the API reports to be the end of a budget is left to what heeds reports', () => {
  const at = bench()
  at.refuse(at.send(), {}, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '20' })
  expect(at.readyIn()).toBe(0)
  at.refuse(at.send(), {}, { ratelimit: '"default";r=0;t=20' })
  expect(at.readyIn()).toBe(0)
})

test('a refusal of concurrency says nothing of the rate', () => {
  const at = bench()
  at.refuse(at.send(), { kind: 'concurrency' })
  expect(at.readyIn()).toBe(0)
})

test('what one run found the next begins with', () => {
  const [learned] = recovered().found
  expect(JSON.parse(JSON.stringify(learned))).toEqual(learned)
  const next = bench({ learned: learned!, wallNow: learned!.at + hour })
  next.send()
  expect(next.readyIn()).toBeGreaterThan(1000 / learned!.ratePerSecond)
  expect(next.meter.learned()).toEqual(learned)
})

test('what was found longer than a week ago is not believed', () => {
  const at = bench({ learned: { ratePerSecond: 1, at: 0 }, wallNow: 8 * 86_400_000 })
  at.send()
  expect(at.readyIn()).toBe(0)
})

test('nothing is sent before what was found is read, and a memory that fails is none', async () => {
  const at = bench({ learned: Promise.reject(new Error('no disk')) })
  expect(at.readyIn()).toBe(Number.POSITIVE_INFINITY)
  await new Promise<void>((resolve) => at.meter.onChange(resolve))
  expect(at.readyIn()).toBe(0)
})

test('a run that begins with what another found uses the whole hour', () => {
  const random = seededRandom(3)
  const result = saturate({
    meter: new AdaptiveRate({ random, wallNow: 0, learned: { ratePerSecond: 10, at: 0 } }),
    api: fixedWindows(600, 60_000),
    concurrency: 20,
    durationMs: hour,
    retryAfter: false,
    random,
    latencyMs: [50, 300],
  })
  expect(result.used).toBeGreaterThan(0.97)
  expect(result.refused).toBeLessThan(0.003)
})
