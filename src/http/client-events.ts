import { isSluiceError } from '../errors.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { QuotaUse } from '../quota/usage.ts'
import type { BreakerChange } from './breaker.ts'
import { HttpStatusError } from './errors.ts'
import type { Call, Layer } from './layer.ts'
import type { NamedQuota } from './quota-waits.ts'
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
  /** A credential of several was refused; so many are left. */
  retired(left: number): void
  readonly quota: {
    hold(quota: NamedQuota, expectedMs: number, call: Call): void
    wait(quota: NamedQuota, delayMs: number, call: Call): void
    pause(quota: NamedQuota, until: number, call: Call): void
    use(uses: readonly QuotaUse[], refusedBy: QuotaUse | undefined, call: Call): void
  }
  breaker(change: BreakerChange): void
}

export function clientEvents(
  source: string,
  clock: Clock,
  redactor: Redactor,
  sink: EventSink | undefined,
): ClientEvents {
  if (sink === undefined)
    return {
      measure: (next) => next,
      head() {},
      retry() {},
      retired() {},
      quota: { hold() {}, wait() {}, pause() {}, use() {} },
      breaker() {},
    }
  const heads = new WeakMap<Call, { readonly status: number; readonly at: number }>()
  // Assigned in place: this runs for every request, and spreading objects would cost more than all the rest of it.
  const ofStream = <E extends object>(event: E, call: Call): E & { stream?: string } =>
    call.stream === undefined ? event : Object.assign(event, { stream: call.stream })

  const measure: Layer = (next) => async (call, consume) => {
    const started = clock.now()
    const end = (refused: boolean) => {
      const at = clock.now()
      const head = heads.get(call)
      const event = {
        type: 'request.end' as const,
        at,
        source,
        method: call.request.method,
        url: redactor.url(call.url),
        status: head?.status ?? 0,
        // Up to the headers: reading a body takes as long as whoever reads it.
        elapsedMs: (head?.at ?? at) - started,
        attempt: call.attempt,
      }
      sink(ofStream(refused ? { ...event, refused: true as const } : event, call))
    }
    const fail = (error: unknown) => {
      const at = clock.now()
      const event = {
        type: 'request.fail' as const,
        at,
        source,
        method: call.request.method,
        url: redactor.url(call.url),
        code: isSluiceError(error) ? error.code : 'INTERNAL',
        message: redactor.text(error instanceof Error ? error.message : String(error)),
        elapsedMs: (heads.get(call)?.at ?? at) - started,
        attempt: call.attempt,
        ...(heads.get(call)?.status === 429 && { refused: true as const }),
        ...((call.signal?.aborted || resumes(error)) && { stopped: true as const }),
      }
      sink(ofStream(event, call))
    }
    try {
      const result = await next(call, consume)
      end(false)
      return result
    } catch (error) {
      if (error instanceof HttpStatusError) end(error.isQuotaRefusal)
      else if (error instanceof RedirectReceived) end(false)
      else fail(error)
      throw error
    }
  }

  const told = ({ name, limit }: NamedQuota) => {
    const event = { at: clock.now(), source, quota: name }
    return limit === undefined ? event : Object.assign(event, { limit: limit.id, kind: limit.kind })
  }

  return {
    measure,
    head: (status, call) => void heads.set(call, { status, at: clock.now() }),
    retired(left) {
      sink({ type: 'credential.refused', at: clock.now(), source, left })
    },
    retry({ attempt, delayMs, reason }, call) {
      const url = redactor.url(call.url)
      const event = {
        type: 'request.retry' as const,
        at: clock.now(),
        source,
        url,
        attempt,
        delayMs,
        reason: redactor.text(reason),
      }
      sink(ofStream(event, call))
    },
    quota: {
      hold(quota, expected, call) {
        const expectedMs = Number.isFinite(expected) ? expected : null
        sink(ofStream({ type: 'quota.hold' as const, ...told(quota), expectedMs }, call))
      },
      wait: (quota, delayMs, call) =>
        sink(ofStream({ type: 'quota.wait' as const, ...told(quota), delayMs }, call)),
      pause: (quota, until, call) =>
        sink(ofStream({ type: 'quota.pause' as const, ...told(quota), until }, call)),
      use(uses, refusedBy, call) {
        for (const use of uses) {
          const { limit, part, order: request, used, sentAt, size = null } = use
          const of = told({ name: limit.name, limit })
          const event = {
            type: 'quota.use' as const,
            ...of,
            request,
            part,
            used,
            refused: use === refusedBy,
            sentAt,
            size,
          }
          sink(ofStream(event, call))
        }
      },
    },
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

/** A stream that is paused says so to what it has under way. */
function resumes(error: unknown): boolean {
  return isSluiceError(error) && error.resumeAt !== undefined
}
