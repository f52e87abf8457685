import type { Authenticator } from '../ports/authenticator.ts'
import type { EventSink } from '../ports/events.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { HttpRequest, Runtime } from '../ports/runtime.ts'
import type { Quota, QuotaPriority } from '../quota/quota.ts'
import { version } from '../version.ts'
import type { React } from './answer.ts'
import { awaitAnswer } from './answer-awaited.ts'
import { authLayers } from './auth-layer.ts'
import { type BreakerPolicy, circuitBreaker } from './breaker.ts'
import { clientEvents } from './client-events.ts'
import { HttpStatusError } from './errors.ts'
import type { Account, Call, Consume, Layer } from './layer.ts'
import { quotaLayer } from './quota-layer.ts'
import { receive } from './receive.ts'
import { createRedactor, type Redactor } from './redact.ts'
import { followRedirects } from './redirect.ts'
import { encodeBody } from './request-body.ts'
import { requestUrl, sourceOrigins } from './request-url.ts'
import { createRetrier, type RetryPolicy } from './retry.ts'
import { rotationLayer } from './rotation-layer.ts'
import type { Attach } from './secret-parts.ts'
import { defaultTimeouts, type Timeouts } from './transport.ts'

export interface ClientRequestOptions {
  readonly signal?: AbortSignal
  /** Names the stream in events. */
  readonly stream?: string
  /** Quotas of this request beside the client's own: those of one endpoint. */
  readonly quotas?: readonly Quota[]
  /** Asks as another account of the API than the client's own: with its credential, within its quotas (Q3). */
  readonly account?: Account
  /** Puts this request's secret headers and parameters on each attempt (S1), in place of the client's own `attach`. */
  readonly attach?: Attach
  /**
   * Says what is to become of a refusal, in place of what its status says. A success is judged by `consume`, which throws the
   * `statusError` of what it finds: the layers take it as they take a refusal.
   */
  readonly react?: React
  /** What its placeholders were filled with: some quotas are one for each tenant or resource. */
  readonly values?: Call['values']
  /** What the request is for, as messages tell it: `parent.id 7`. */
  readonly about?: string
}

/** Asks one API, within its quotas. */
export interface Client extends AsyncDisposable {
  /** The absolute URL of a request, query included: what `request` will ask. */
  resolve(spec: RequestSpec): string
  /**
   * Sends a request and reads its response. `consume` is a part of the attempt: where it fails with an error whose recovery is
   * `retry` (a truncated body), the whole attempt is repeated, and `consume` is called again with a fresh response.
   * Responses of 400 and above, and redirects, never reach it: they are errors. It must not ask the same client again, which
   * would wait for a slot that it holds itself.
   */
  request<T>(spec: RequestSpec, consume: Consume<T>, options?: ClientRequestOptions): Promise<T>
}

export interface ClientOptions {
  /** The source's name in events and messages. */
  readonly name: string
  /** Absolute; relative requests go below it. */
  readonly baseUrl: string
  readonly runtime: Runtime
  /** Sent with every request, where it names no other value. Lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly auth?: Authenticator
  /** Accounts that ask in turn, in place of `auth` and `quotas`. */
  readonly members?: readonly Account[]
  /** Puts secret headers and parameters on each attempt, so that no message and no event names them (S1). */
  readonly attach?: Attach
  /** Every request waits for all of them, and takes from all at one moment. List the widest first: see `combineQuotas`. */
  readonly quotas?: readonly Quota[]
  /** Durations in milliseconds, as `retryOptions` gives them. */
  readonly retry?: Partial<RetryPolicy> | undefined
  /** Durations in milliseconds, as `breakerOptions` gives them. */
  readonly breaker?: Partial<BreakerPolicy> | undefined
  /** Milliseconds, as `timeoutOptions` gives them. */
  readonly timeouts?: Partial<Timeouts> | undefined
  /** Requests under way at once for each account, those that wait for a quota not counted; more wait, first come, first served. Default: 10. */
  readonly maxConcurrent?: number | undefined
  /** Longest wait for a quota or a rate limit, in milliseconds: a longer one is an error that says when to come back. Default: two hours. */
  readonly patienceMs?: number | undefined
  /** A penalty that the API imposes: everybody waits so long after a refusal, in milliseconds. Default: none. */
  readonly afterRefusal?: number | undefined
  /** `interactive` passes what runs in the background, within the same quotas. Default: `background`. */
  readonly priority?: QuotaPriority | undefined
  /** Largest response body as it is sent, still compressed. Default: 1 GiB. */
  readonly maxBodySize?: number | undefined
  /** Further origins that belong to the same API: they get its credential, too (R3). */
  readonly allowedOrigins?: readonly string[] | undefined
  readonly onEvent?: EventSink
  /** Knows the secrets that must not appear in errors and events (S1): give an authenticator's `onSecret` its `add`. */
  readonly redactor?: Redactor
}

/** Inflating gzip alone is what the decoder understands. */
const defaultHeaders = { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': `sluice/${version}` }

/** @throws ConfigError where `baseUrl` or `allowedOrigins` is no URL */
export function createClient(options: ClientOptions): Client {
  const { name, runtime, quotas = [] } = options
  const { clock } = runtime
  const origins = sourceOrigins(options.baseUrl, options.allowedOrigins)
  const redactor = options.redactor ?? createRedactor()
  const patienceMs = options.patienceMs ?? defaultPatienceMs
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const baseHeaders = { ...defaultHeaders, ...options.headers }
  const events = clientEvents(name, clock, redactor, options.onEvent)

  const retrier = createRetrier(options.retry ?? {}, runtime, patienceMs)
  const retry: Layer = (next) => (call, consume) =>
    retrier.run((attempt) => next(attempt === 1 ? call : { ...call, attempt }, consume), {
      repeatable: call.repeatable,
      signal: call.signal,
      uncounted: breakerOf.failedProbe,
      onRetry: (retry) => events.retry(retry, call),
    })
  const breakerOf = circuitBreaker({ ...options.breaker, name, onChange: events.breaker }, clock)
  const breaker: Layer = (next) => (call, consume) =>
    breakerOf.run((recheck) => next({ ...call, recheck }, consume), call.signal)
  const own: Account = {
    ...(options.auth && { auth: options.auth }),
    ...(options.members && { members: options.members }),
    quotas,
  }
  const quota = quotaLayer({
    source: name,
    patienceMs,
    priority: options.priority,
    maxConcurrent: options.maxConcurrent ?? 10,
    clock,
    onHold: events.quota.hold,
    onWait: events.quota.wait,
    onPause: events.quota.pause,
    onUse: events.quota.use,
  })
  const { renewOnce, prepare, sign } = authLayers()
  const rotate = rotationLayer({ clock, onRetired: events.retired })
  const attachOwn = options.attach
  const attach: Layer = (next) => (call, consume) =>
    next(call.attach === undefined ? call : { ...call, request: call.attach(call.request) }, consume)
  const follow = followRedirects(origins)
  const exchange = receive(runtime.transport, {
    maxBodySize: options.maxBodySize ?? 1 << 30,
    redactor,
    clock,
    onHead(status, headers, call) {
      call.permit?.answered?.({ status, headers })
      events.head(status, call)
    },
  })

  const { afterRefusal } = options
  const waitAfter = (askedMs: number | undefined) =>
    afterRefusal === undefined ? askedMs : Math.max(askedMs ?? 0, afterRefusal)
  /** Q4: what a body says of the wait pauses everybody, as `Retry-After` does. */
  const heed: Layer = (next) => async (call, consume) => {
    try {
      return await next(call, consume)
    } catch (error) {
      if (error instanceof HttpStatusError && error.limit !== undefined)
        call.permit?.refused?.({
          kind: error.limit,
          retryAfterMs: waitAfter(error.retryAfterMs),
          penalty: afterRefusal !== undefined && afterRefusal >= (error.retryAfterMs ?? 0),
        })
      throw error
    }
  }

  // The chain, outermost first. Each attempt waits for quota and is signed afresh; what is asked again after a redirect or a renewed
  // credential waits for quota like any other request. Of several credentials, the next in turn asks. A place among `maxConcurrent` is one more quota, taken at the same moment as the
  // others: none is held by who waits for a retry, an open breaker or a quota. An open breaker spends no quota, and who
  // was granted one after it opened gives it back; so does who finds that the token has grown old while waiting.
  const send = follow(
    retry(
      rotate(renewOnce(breaker(prepare(quota(attach(sign(awaitAnswer(heed(events.measure(exchange)))))))))),
    ),
  )

  function toRequest(spec: RequestSpec): HttpRequest {
    const headers: Record<string, string> = { ...baseHeaders, ...spec.headers }
    const request = { method: spec.method.toUpperCase(), url: requestUrl(spec, origins), headers, timeouts }
    if (spec.body === undefined) return request
    const { text, contentType } = encodeBody(spec.body, headers['content-type'])
    headers['content-type'] = contentType
    return { ...request, body: text }
  }

  return {
    resolve: (spec) => requestUrl(spec, origins),
    async request(spec, consume, options = {}) {
      const {
        signal,
        stream,
        account = own,
        quotas = none,
        attach = attachOwn,
        react,
        about,
        values,
      } = options
      try {
        const request = toRequest(spec)
        const call: Call = {
          request,
          url: request.url,
          signal,
          stream,
          account,
          quotas,
          attach,
          react,
          about,
          values,
          repeatable: isRepeatable(spec),
          attempt: 1,
          recheck() {},
        }
        return await send(call, consume)
      } catch (error) {
        throw redactor.error(error)
      }
    },
    // The transport belongs to the runtime, which others share.
    async [Symbol.asyncDispose]() {},
  }
}

const none: readonly Quota[] = []
const defaultPatienceMs = 7_200_000

/** RFC 9110 §9.2.2: these methods may be repeated; others where the request says so, or carries a key by which the API knows a repeat. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY'])

function isRepeatable(spec: RequestSpec): boolean {
  return idempotent.has(spec.method.toUpperCase()) || spec.safe === true || 'idempotency-key' in spec.headers
}
