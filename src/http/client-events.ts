import { isSluiceError } from '../errors.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { BreakerChange } from './breaker.ts'
import { HttpStatusError } from './errors.ts'
import type { Call, Layer } from './layer.ts'
import type { Redactor } from './redact.ts'
import { RedirectReceived } from './redirect.ts'
import type { Retry } from './retry.ts'

/** Turns what happens in a client into events, secrets replaced (S1). */
export interface ClientEvents {
  /** Lies around the exchange: every attempt that is sent ends in one `request.end`, or in one `request.fail` where no whole response came. */
  readonly measure: Layer
  /** The head of a response has arrived. */
  head(status: number, call: Call): void
  retry(retry: Retry, call: Call): void
  quotaWait(quota: string, delayMs: number, call: Call): void
  breaker(change: BreakerChange): void
}

export function clientEvents(
  source: string,
  clock: Clock,
  redactor: Redactor,
  sink: EventSink | undefined,
): ClientEvents {
  if (sink === undefined)
    return { measure: (next) => next, head() {}, retry() {}, quotaWait() {}, breaker() {} }
  const heads = new WeakMap<Call, { readonly status: number; readonly at: number }>()
  const of = (call: Call) => ({
    at: clock.now(),
    source,
    ...(call.stream === undefined ? {} : { stream: call.stream }),
  })

  const measure: Layer = (next) => async (call, consume) => {
    const started = clock.now()
    const facts = () => ({
      ...of(call),
      method: call.request.method,
      url: redactor.url(call.url),
      // Up to the headers: reading a body takes as long as whoever reads it.
      elapsedMs: (heads.get(call)?.at ?? clock.now()) - started,
      attempt: call.attempt,
    })
    const end = () => sink({ type: 'request.end', ...facts(), status: heads.get(call)?.status ?? 0 })
    try {
      const result = await next(call, consume)
      end()
      return result
    } catch (error) {
      if (error instanceof HttpStatusError || error instanceof RedirectReceived) end()
      else
        sink({
          type: 'request.fail',
          ...facts(),
          code: isSluiceError(error) ? error.code : 'INTERNAL',
          message: redactor.text(error instanceof Error ? error.message : String(error)),
        })
      throw error
    }
  }

  return {
    measure,
    head: (status, call) => void heads.set(call, { status, at: clock.now() }),
    retry: ({ attempt, delayMs, reason }, call) =>
      sink({
        type: 'request.retry',
        ...of(call),
        url: redactor.url(call.url),
        attempt,
        delayMs,
        reason: redactor.text(reason),
      }),
    quotaWait: (quota, delayMs, call) => sink({ type: 'quota.wait', ...of(call), quota, delayMs }),
    breaker(change) {
      const at = { at: clock.now(), source }
      sink(
        change.type === 'breaker.open'
          ? { ...at, ...change, reason: redactor.text(change.reason) }
          : { ...at, ...change },
      )
    },
  }
}
