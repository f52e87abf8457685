import { z } from 'zod'
import { isSluiceError } from '../errors.ts'
import { duration } from '../options/duration.ts'
import type { Clock } from '../ports/runtime.ts'
import { steadyTime } from '../ports/steady-time.ts'
import { CircuitOpenError, HttpStatusError } from './errors.ts'

export const breakerOptions = z.strictObject({
  failureThreshold: z
    .int()
    .min(1)
    .default(5)
    .describe('Failures in a row, across all requests to the API, that open the breaker. Default: 5.'),
  openFor: duration
    .prefault('5s')
    .describe(
      'How long it stays open before one request probes the API; doubles with each probe that fails. Default: 5s.',
    ),
  maxOpenFor: duration.prefault('1m').describe('Longest time between two probes. Default: 1m.'),
  maxWait: duration
    .prefault('5m')
    .describe(
      'How long requests wait for an open breaker before they fail, from the moment it opened. 0s: they fail at once. Default: 5m.',
    ),
})
/** Durations in milliseconds. */
export type BreakerPolicy = z.output<typeof breakerOptions>
export const defaultBreakerPolicy: BreakerPolicy = breakerOptions.parse({})

export type BreakerChange =
  | { readonly type: 'breaker.open'; readonly forMs: number; readonly reason: string }
  | { readonly type: 'breaker.close' }
  | { readonly type: 'breaker.wait'; readonly delayMs: number }

/** What a finished task says of the API: `neutral` says nothing. */
export type Health = 'up' | 'down' | 'neutral'

export interface CircuitBreakerOptions extends Partial<BreakerPolicy> {
  /** Names the API in messages. Default: `the API`. */
  readonly name?: string
  readonly onChange?: (change: BreakerChange) => void
  /** Judges an error that a task threw. Default: `healthOf`. */
  readonly health?: (error: unknown) => Health
}

export interface CircuitBreaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /**
   * Runs `task`, once the breaker lets it. A task that waits before it asks the API calls `recheck` when it is about to: where the
   * breaker has opened meanwhile that throws, and the task is run again when it is let.
   * @throws CircuitOpenError where it has been open for longer than `maxWait`
   */
  run<T>(task: (recheck: () => void) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** True for an error with which a probe failed: the request that lent itself to it has learnt nothing about itself. */
  failedProbe(error: unknown): boolean
}

/** The moment when the breaker left the closed state, for limits and for messages. */
interface Opened {
  readonly at: number
  readonly date: number
}

// Each state carries its own fields and no others. Times are steady, so that a clock that is set back keeps nobody waiting.
type State =
  | { readonly kind: 'closed'; failures: number }
  | {
      readonly kind: 'open'
      readonly since: Opened
      readonly until: number
      readonly openFor: number
      readonly reason: string
    }
  | { readonly kind: 'half-open'; readonly since: Opened; readonly openFor: number; readonly reason: string }

/**
 * A circuit breaker: opens when requests fail in a row (as Finagle's failure accrual), and lets exactly one probe through at a time
 * until one succeeds. Callers wait meanwhile. A 4xx or a 429 is no failure: the API is up.
 */
export function circuitBreaker(options: CircuitBreakerOptions, clock: Clock): CircuitBreaker {
  const policy = { ...defaultBreakerPolicy, ...options }
  const health = options.health ?? healthOf
  const onChange = options.onChange ?? (() => {})
  const time = steadyTime(clock)
  const probes = new WeakSet<object>()
  const sleeping = new Set<AbortController>()
  let state: State = { kind: 'closed', failures: 0 }

  function change(next: State): void {
    state = next
    for (const sleeper of sleeping) sleeper.abort()
  }

  function open(since: Opened, openFor: number, reason: string): void {
    change({ kind: 'open', since, until: time() + openFor, openFor, reason })
    onChange({ type: 'breaker.open', forMs: openFor, reason })
  }

  /** Resolves with the state in which the caller may go on: closed, or half-open as its one probe. */
  async function enter(signal: AbortSignal | undefined): Promise<State> {
    const arrived = time()
    for (;;) {
      signal?.throwIfAborted()
      const now = time()
      if (state.kind === 'closed' || (state.kind === 'open' && now >= state.until)) {
        if (state.kind === 'open')
          change({ kind: 'half-open', since: state.since, openFor: state.openFor, reason: state.reason })
        if (now > arrived) onChange({ type: 'breaker.wait', delayMs: now - arrived })
        return state as State
      }
      const limit = state.since.at + policy.maxWait
      if (now >= limit)
        throw new CircuitOpenError(options.name ?? 'the API', state.since.date, state.reason, now - arrived)
      await untilChange(Math.min(limit, state.kind === 'open' ? state.until : limit) - now, signal)
    }
  }

  async function untilChange(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const sleeper = new AbortController()
    sleeping.add(sleeper)
    try {
      await clock.sleep(ms, signal ? AbortSignal.any([signal, sleeper.signal]) : sleeper.signal)
    } catch (error) {
      if (!sleeper.signal.aborted) throw error
    } finally {
      sleeping.delete(sleeper)
    }
  }

  function record(entered: State, result: Health, reason: string): void {
    // What began before the last change says nothing about the API as it is now.
    if (entered !== state) return
    if (state.kind === 'closed') {
      if (result === 'up') state.failures = 0
      else if (result === 'down' && ++state.failures >= policy.failureThreshold)
        open(
          { at: time(), date: clock.now() },
          policy.openFor,
          `${state.failures} requests in a row failed, the last with: ${reason}`,
        )
    } else if (state.kind === 'half-open') {
      const { since, openFor } = state
      if (result === 'up') {
        change({ kind: 'closed', failures: 0 })
        onChange({ type: 'breaker.close' })
      } else if (result === 'down')
        open(since, Math.min(policy.maxOpenFor, openFor * 2), `a probe failed: ${reason}`)
      // A probe that was called off, or failed on this side, hands its turn on.
      else change({ kind: 'open', since, until: time(), openFor, reason: state.reason })
    }
  }

  return {
    get state() {
      return state.kind
    },
    async run(task, signal) {
      for (;;) {
        const entered = await enter(signal)
        try {
          const result = await task(() => {
            if (entered !== state) throw new Overtaken(entered)
          })
          record(entered, 'up', '')
          return result
        } catch (error) {
          if (error instanceof Overtaken && error.entered === entered) continue
          const result = signal?.aborted ? 'neutral' : health(error)
          if (result === 'down' && entered.kind === 'half-open' && error instanceof Error) probes.add(error)
          record(entered, result, error instanceof Error ? error.message : String(error))
          throw error
        }
      }
    },
    failedProbe: (error) => error instanceof Error && probes.has(error),
  }
}

/** The breaker has left the state in which a task had entered it: for `run` alone. */
class Overtaken extends Error {
  readonly entered: object
  constructor(entered: object) {
    super('the breaker has opened or closed meanwhile')
    this.entered = entered
  }
}

/**
 * The API is down where it can't be reached, breaks off, or answers 5xx (other than 501 and 505, which are about the request). Any other
 * status shows that it is up: a 404 is an answer, a 429 belongs to the quota, and what the config expects is an answer, too. Errors of this side are neutral.
 */
function healthOf(error: unknown): Health {
  if (error instanceof HttpStatusError && error.action !== undefined && error.recovery !== 'retry')
    return 'up'
  if (error instanceof HttpStatusError)
    return error.status >= 500 && error.status !== 501 && error.status !== 505 ? 'down' : 'up'
  if (!isSluiceError(error)) return 'neutral'
  const { code, recovery } = error
  return recovery === 'retry' &&
    (code === 'TRANSPORT_FAILED' || code === 'TIMEOUT' || code === 'BODY_TRUNCATED')
    ? 'down'
    : 'neutral'
}
