import { z } from 'zod'
import { isSluiceError } from '../errors.ts'
import { duration } from '../options/duration.ts'
import type { Clock } from '../ports/runtime.ts'
import { steadyTime } from '../ports/steady-time.ts'
import { HttpStatusError, RateLimitedError, RetriesExhaustedError } from './errors.ts'

export const retryOptions = z.strictObject({
  maxAttempts: z
    .int()
    .min(1)
    .max(100)
    .default(6)
    .describe(
      'Attempts that may fail before a request is given up; waits for a rate limit are not counted. 1 to 100. Default: 6.',
    ),
  firstDelay: duration
    .prefault('250ms')
    .describe(
      'Upper end of the random delay before the second attempt; it doubles with each failure. Default: 250ms.',
    ),
  maxDelay: duration
    .prefault('30s')
    .describe('Longest random delay. A Retry-After may ask for more. Default: 30s.'),
  deadline: duration
    .prefault('10m')
    .describe('Time after the first failure within which the last attempt must begin. Default: 10m.'),
  statuses: z
    .array(z.int().min(400).max(599))
    .default([])
    .describe('Statuses to repeat besides 408, 425, 429, 477, 500, 502, 503, 504 and 529. Default: none.'),
  budget: z
    .int()
    .min(0)
    .default(500)
    .describe(
      'Retry tokens that all requests of a client share. A retry costs 5, after a timeout 10; a success gives back what its last retry cost, and 1 without one. At 0 nothing is retried. Default: 500.',
    ),
})
/** Durations in milliseconds. */
export type RetryPolicy = z.output<typeof retryOptions>
export const defaultRetryPolicy: RetryPolicy = retryOptions.parse({})

/** A failure that will be followed by another attempt. */
export interface Retry {
  /** The attempt that failed, from 1. */
  readonly attempt: number
  readonly delayMs: number
  readonly reason: string
}

export interface RetryRunOptions {
  /** False where a repeat could do the same thing twice. Then only what surely had no effect is repeated: a refused connection, a 429. Default: true. */
  readonly repeatable?: boolean
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: (retry: Retry) => void
  /** True for a failure that says nothing new, such as a breaker's probe: it is repeated without being counted. */
  readonly uncounted?: (error: unknown) => boolean
}

export interface Retrier {
  /**
   * Runs `task` until it succeeds. Repeated are errors whose `recovery` is `retry`.
   * @throws RetriesExhaustedError, RateLimitedError, or the task's own error where it must not be repeated
   */
  run<T>(task: (attempt: number) => Promise<T>, options?: RetryRunOptions): Promise<T>
}

// The budget is that of the AWS SDKs' standard mode: when most requests fail, retries stop multiplying the load. A 429 spends
// none of it and no attempt either, since the API is well and says when to come back; only the caller's patience bounds those waits.
const retryCost = 5
const timeoutCost = 10

/**
 * Repeats what may be repeated, with full jitter, a deadline and a retry budget.
 * @param patienceMs how long an API that is well may have a request wait for its rate limit. Default: the deadline
 */
export function createRetrier(
  options: Partial<RetryPolicy>,
  runtime: { readonly clock: Clock; readonly random: () => number },
  patienceMs?: number,
): Retrier {
  const policy = { ...defaultRetryPolicy, ...options }
  const patience = patienceMs ?? policy.deadline
  const { clock, random } = runtime
  // A clock that is set back must not move a deadline.
  const time = steadyTime(clock)
  const statuses = new Set(policy.statuses)
  let budget = policy.budget

  return {
    async run(task, { repeatable = true, signal, onRetry, uncounted } = {}) {
      let failures = 0
      let throttles = 0
      const started = time()
      let firstFailure = started
      let spent = 0
      for (let attempt = 1; ; attempt++) {
        let error: unknown
        try {
          const result = await task(attempt)
          budget = Math.min(policy.budget, budget + (spent === 0 ? 1 : spent))
          return result
        } catch (thrown) {
          error = thrown
        }
        const verdict = judge(error, statuses)
        if (verdict === 'final' || (!repeatable && !harmless(error))) throw error
        // It would be repeated now: what stops it is the caller, not the failure.
        signal?.throwIfAborted()

        const now = time()
        if (attempt === 1) firstFailure = now
        const giveUp = (limit: 'maxAttempts' | 'deadline' | 'budget') =>
          new RetriesExhaustedError(attempt, now - started, limit, error)
        const throttled = verdict === 'throttled'
        const left = firstFailure + (throttled ? patience : policy.deadline) - now
        const floor = askedDelay(error)
        if (floor > left)
          throw new RateLimitedError(messageOf(error), clock.now() + floor, patience, { cause: error })

        if (throttled) throttles++
        else if (!uncounted?.(error)) {
          failures++
          if (failures >= policy.maxAttempts) throw giveUp('maxAttempts')
          spent = isSluiceError(error) && error.code === 'TIMEOUT' ? timeoutCost : retryCost
          if (budget < spent) throw giveUp('budget')
          budget -= spent
        }
        const jitter = fullJitter(throttled ? throttles : Math.max(1, failures), policy, random)
        // Q4: what the API asks for is a floor, and the jitter lies above it.
        if (floor + jitter > left && floor === 0) throw giveUp('deadline')
        const delayMs = Math.min(floor + jitter, left)
        onRetry?.({ attempt, delayMs, reason: messageOf(error) })
        await clock.sleep(delayMs, signal)
      }
    },
  }
}

/** Full jitter: uniform in [0, min(maxDelay, firstDelay · 2^(failures - 1))). See the AWS Architecture Blog, "Exponential Backoff And Jitter". */
export function fullJitter(
  failures: number,
  policy: Pick<RetryPolicy, 'firstDelay' | 'maxDelay'>,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(policy.maxDelay, policy.firstDelay * 2 ** (failures - 1)))
}

function judge(error: unknown, statuses: ReadonlySet<number>): 'final' | 'failed' | 'throttled' {
  if (!isSluiceError(error)) return 'final'
  if (error instanceof HttpStatusError) {
    if (error.waits) return 'throttled'
    // What the config says of a response outranks its status.
    if (error.action === undefined && statuses.has(error.status)) return 'failed'
  }
  return error.recovery === 'retry' ? 'failed' : 'final'
}

/** True where the API surely did nothing: it never saw the request, or turned it away at the door. */
function harmless(error: unknown): boolean {
  if (error instanceof HttpStatusError) return error.waits
  return error instanceof Error && 'sent' in error && error.sent === false
}

function askedDelay(error: unknown): number {
  return error instanceof Error && 'retryAfterMs' in error && typeof error.retryAfterMs === 'number'
    ? error.retryAfterMs
    : 0
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
