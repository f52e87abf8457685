import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import {
  HttpStatusError,
  RateLimitedError,
  RetriesExhaustedError,
  TimeoutError,
  TransportError,
} from './errors.ts'
import {
  createRetrier,
  defaultRetryPolicy,
  fullJitter,
  type Retry,
  type RetryPolicy,
  retryOptions,
} from './retry.ts'
import { passingStatuses } from './trouble.ts'

const url = 'https://api.test/items'
const status = (status: number, retryAfterMs?: number) =>
  new HttpStatusError({
    method: 'GET',
    url,
    status,
    detail: '',
    excerpt: '',
    retryAfterMs,
    kind: status === 429 ? 'throttled' : passingStatuses.has(status) ? 'passing' : 'refused',
  })
const reset = () => new TransportError(url, 'ECONNRESET', 'read failed', { sent: true })

function bench(policy: Partial<RetryPolicy> = {}, random = seededRandom(1)) {
  const clock = fakeClock({ start: 0, auto: true })
  const retrier = createRetrier(policy, { clock, random })
  const retries: Retry[] = []
  /** Throws the errors in turn, then succeeds. */
  const task = (errors: Iterable<unknown>) => {
    const script = errors[Symbol.iterator]()
    return async (attempt: number) => {
      const step = script.next()
      if (!step.done) throw step.value
      return attempt
    }
  }
  return { clock, retrier, retries, task, onRetry: (retry: Retry) => void retries.push(retry) }
}
function* forever(make: () => unknown) {
  for (;;) yield make()
}

// PEERS: dlt test_requests success on the third
test('a failure is repeated until it succeeds', async () => {
  const { retrier, task, onRetry, retries } = bench()
  expect(await retrier.run(task([status(503), reset(), status(529)]), { onRetry })).toBe(4)
  expect(retries.map((retry) => retry.attempt)).toEqual([1, 2, 3])
  expect(retries[0]!.reason).toBe('GET https://api.test/items answered 503')
})

// PEERS: dlt five attempts
// PEERS: dlt test_requests 503 until it gives up
// PEERS: Airbyte DefaultErrorHandler
test('after maxAttempts it gives up, and says how often it tried and what failed last', async () => {
  const { retrier, task } = bench({ maxAttempts: 3 }, () => 0.5)
  const error = await retrier.run(task(forever(reset))).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RetriesExhaustedError)
  expect(error).toMatchObject({ code: 'RETRIES_EXHAUSTED', recovery: 'stop-stream', attempts: 3 })
  expect((error as Error).message).toBe(
    'gave up after 3 attempts in 375 ms (retry.maxAttempts allows no more); the last failure: https://api.test/items: read failed (ECONNRESET)',
  )
})

// PEERS: Airbyte event 5xx
test('no attempt begins after the deadline', async () => {
  const { retrier, task, clock } = bench({ maxAttempts: 100, deadline: 5000 }, () => 0.999)
  const error = await retrier.run(task(forever(reset))).catch((error: unknown) => error)
  expect(error).toMatchObject({ limit: 'deadline' })
  expect((error as Error).message).toContain('the next attempt would begin after retry.deadline')
  expect(clock.now()).toBeLessThanOrEqual(5000)
})

test('the deadline holds also where the clock is set back', async () => {
  const inner = fakeClock({ start: 100_000_000, auto: true })
  let shift = 0
  const clock = { now: () => inner.now() + shift, sleep: inner.sleep }
  const retrier = createRetrier({ maxAttempts: 100, deadline: 5000 }, { clock, random: () => 0.999 })
  let attempts = 0
  const error = await retrier
    .run(async () => {
      if (++attempts === 3) shift = -3_600_000
      throw reset()
    })
    .catch((error: unknown) => error)
  expect(error).toMatchObject({ limit: 'deadline' })
  expect(inner.now()).toBeLessThanOrEqual(100_005_000)
})

// PEERS: dlt lacks a retry budget
test('a spent budget stops the retries of every request of the client, and successes fill it again', async () => {
  const { retrier, task } = bench({ budget: 10 })
  await expect(retrier.run(task(forever(reset)))).rejects.toThrow('gave up after 3 attempts in')
  await expect(retrier.run(task([reset()]))).rejects.toThrow(
    'the retry budget is spent: too many requests to this API fail',
  )
  for (let success = 0; success < 5; success++) await retrier.run(task([]))
  expect(await retrier.run(task([reset()]))).toBe(2)
})

// PEERS: meltano/sdk#2643
test('a timeout costs twice what another failure does', async () => {
  const { retrier, task } = bench({ budget: 10 })
  const timeout = () => new TimeoutError(url, 'headers', 60_000)
  await expect(retrier.run(task(forever(timeout)))).rejects.toMatchObject({ attempts: 2, limit: 'budget' })
})

// PEERS: dlt five attempts
// PEERS: Airbyte event 429
test('429s cost neither attempts nor budget', async () => {
  const { retrier, task } = bench({ maxAttempts: 2, budget: 5 })
  expect(await retrier.run(task([...Array(9).fill(status(429, 1000)), reset()]))).toBe(11)
})

// PEERS: dlt Retry-After clamped to 300 s
// PEERS: dlt #4036
test('Q4: Retry-After is a floor, with jitter above it', async () => {
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60_000 }), fc.nat(), async (asked, seed) => {
      const { retrier, task, onRetry, retries } = bench({}, seededRandom(seed))
      await retrier.run(task([status(429, asked), status(503, asked)]), { onRetry })
      for (const { delayMs } of retries) {
        expect(delayMs).toBeGreaterThanOrEqual(asked)
        expect(delayMs).toBeLessThan(asked + 500)
      }
    }),
    { numRuns: 30 },
  )
})

// PEERS: dlt Retry-After clamped to 300 s
// PEERS: dlt not tested Retry-After
// PEERS: Airbyte event long wait
test("a Retry-After beyond the caller's patience fails at once and says when to come back", async () => {
  const { retrier, task, clock } = bench({ deadline: 60_000 })
  const error = await retrier.run(task([status(429, 3_600_000)])).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RateLimitedError)
  expect(error).toMatchObject({ code: 'RATE_LIMITED', recovery: 'retry', resumeAt: 3_600_000 })
  expect((error as Error).message).toBe(
    'GET https://api.test/items answered 429; it asks to come back at 1970-01-01T01:00:00.000Z, and a run waits 1m at most: run again then, or raise patience',
  )
  expect(clock.now()).toBe(0)
})

test('what must not be repeated is repeated only where it surely had no effect', async () => {
  const { retrier, task } = bench()
  const once = { repeatable: false }
  const lost = reset()
  await expect(retrier.run(task([lost]), once)).rejects.toBe(lost)
  await expect(retrier.run(task([status(503)]), once)).rejects.toThrow('answered 503')
  const refused = new TransportError(url, 'ECONNREFUSED', 'connect failed', { sent: false })
  const unconnected = new TimeoutError(url, 'connect', 10_000)
  expect(await retrier.run(task([refused, unconnected, status(429)]), once)).toBe(4)
})

test('errors that no repeat heals are thrown as they are', async () => {
  const { retrier, task } = bench()
  for (const error of [status(404), status(401), status(501), new Error('a fault of the caller')])
    await expect(retrier.run(task([error]))).rejects.toBe(error)
})

// PEERS: dlt retried statuses
test('further statuses are repeated where the options list them', async () => {
  const { retrier, task } = bench({ statuses: [409] })
  expect(await retrier.run(task([status(409)]))).toBe(2)
})

test('an uncounted failure is repeated without an end other than the deadline', async () => {
  const { retrier, task } = bench({ maxAttempts: 2, budget: 5, firstDelay: 1000 })
  expect(await retrier.run(task(Array(20).fill(reset())), { uncounted: () => true })).toBe(21)
})

// PEERS: dlt blocking waits
test('an abort ends the wait for the next attempt', async () => {
  const clock = fakeClock({ start: 0 })
  const retrier = createRetrier({}, { clock, random: () => 0.5 })
  const abort = new AbortController()
  const running = retrier.run(async () => Promise.reject(reset()), {
    signal: abort.signal,
    onRetry: () => setImmediate(() => abort.abort(new Error('enough'))),
  })
  await expect(running).rejects.toThrow('enough')
  expect(clock.sleepers).toBe(0)
})

test('an abort while an attempt fails is the reason that counts, unless the failure is final', async () => {
  const { retrier } = bench()
  const failing = (error: Error) => {
    const abort = new AbortController()
    const task = async () => {
      abort.abort(new Error('enough'))
      throw error
    }
    return retrier.run(task, { signal: abort.signal })
  }
  await expect(failing(status(503))).rejects.toThrow('enough')
  await expect(failing(status(429, 1000))).rejects.toThrow('enough')
  await expect(failing(status(404))).rejects.toThrow('GET https://api.test/items answered 404')
})

// PEERS: dlt exponential wait without jitter
// PEERS: Airbyte ExponentialBackoffStrategy
// PEERS: Airbyte event ExponentialBackoffStrategy
test('full jitter lies between zero and the doubled delay, never above maxDelay', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, firstDelay, maxDelay, chance) => {
        const delay = fullJitter(failures, { firstDelay, maxDelay }, () => chance)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThan(Math.min(maxDelay, firstDelay * 2 ** (failures - 1)))
        expect(Number.isInteger(delay)).toBe(true)
      },
    ),
  )
})

// PEERS: dlt settings are global
// PEERS: dlt test_requests retry settings
test('the options name their defaults and refuse what is out of bounds', () => {
  expect(retryOptions.parse({ deadline: '2m' })).toEqual({ ...defaultRetryPolicy, deadline: 120_000 })
  expect(defaultRetryPolicy).toMatchObject({
    maxAttempts: 6,
    firstDelay: 250,
    maxDelay: 30_000,
    deadline: 600_000,
  })
  expect(retryOptions.safeParse({ maxAttempts: 0 }).success).toBe(false)
  expect(retryOptions.safeParse({ attempts: 3 }).error!.message).toContain('attempts')
})
