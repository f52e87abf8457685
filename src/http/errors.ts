import { type Recovery, SluiceError } from '../errors.ts'
import { formatDuration } from '../options/duration.ts'
import type { Action, Ruling } from './answer.ts'
import { passingStatuses, type TroubleKind } from './trouble.ts'

/** No complete response arrived: the connection failed, or broke before the headers. */
export class TransportError extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery: Recovery
  readonly url: string
  /** The cause's code, as in `ECONNRESET`. */
  readonly causeCode: string
  /** False where the connection was never made, so that the API can't have seen the request. */
  readonly sent: boolean
  constructor(
    url: string,
    causeCode: string,
    problem: string,
    options: { sent: boolean; recovery?: Recovery; cause?: unknown },
  ) {
    super(`${url}: ${problem} (${causeCode})`, { cause: options.cause })
    this.url = url
    this.causeCode = causeCode
    this.sent = options.sent
    this.recovery = options.recovery ?? 'retry'
  }
}

/** A part of a request took longer than its limit. */
export class TimeoutError extends SluiceError {
  readonly code = 'TIMEOUT'
  readonly recovery = 'retry'
  readonly url: string
  readonly phase: 'connect' | 'headers' | 'body'
  readonly limitMs: number
  readonly sent: boolean
  constructor(url: string, phase: 'connect' | 'headers' | 'body', limitMs: number, options?: ErrorOptions) {
    const what = {
      connect: 'no connection was made',
      headers: 'no response headers arrived',
      body: 'no further byte of the body arrived',
    }[phase]
    super(
      `${url}: ${what} within ${limitMs} ms; if the API is known to be slow, raise timeouts.${phase}`,
      options,
    )
    this.url = url
    this.phase = phase
    this.limitMs = limitMs
    this.sent = phase !== 'connect'
  }
}

/** The body ended, or the connection broke, before everything had arrived: the same request may well succeed next time. */
export class BodyTruncatedError extends SluiceError {
  readonly code = 'BODY_TRUNCATED'
  readonly recovery = 'retry'
  readonly url: string
  constructor(url: string, problem: string, options?: ErrorOptions) {
    super(`${url}: the body broke off: ${problem}`, options)
    this.url = url
  }
}

/** The body is larger than an option allows. `option` names it, `limitBytes` is its value. */
export class BodyTooLargeError extends SluiceError {
  readonly code = 'BODY_TOO_LARGE'
  readonly recovery = 'stop-stream'
  readonly url: string
  readonly option: string
  readonly limitBytes: number
  constructor(url: string, what: string, option: string, limitBytes: number) {
    super(
      `${url}: ${what} is larger than ${option} allows (${limitBytes} bytes). Ask for smaller pages, or raise ${option} if the API is right`,
    )
    this.url = url
    this.option = option
    this.limitBytes = limitBytes
  }
}

/** The API answered with a status that is no success, or with a success whose body is none. */
export class HttpStatusError extends SluiceError {
  readonly code = 'HTTP_STATUS'
  readonly recovery: Recovery
  readonly method: string
  readonly url: string
  readonly status: number
  /** What the config says of it, else what the API says, else the start of the body; secrets replaced. */
  readonly reason: string
  /** The first characters of the body, secrets replaced. */
  readonly excerpt: string
  /** How long the API asks to wait before the next request, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** What it means. */
  readonly kind: TroubleKind
  /** What there was too much of, where it is `throttled`: requests in a time, or requests at once. */
  readonly limit: 'rate' | 'concurrency' | undefined
  /** What the config says is to become of it; `undefined` where it says nothing. */
  readonly action: Action | undefined
  /** Likewise, once the retries are used up. */
  readonly finally: Ruling['finally']
  /** Set where the budget is spent, and the API said until when. */
  override readonly resumeAt: number | undefined
  constructor(facts: {
    method: string
    url: string
    status: number
    /** What the config or the API says of the problem, or the start of its body. */
    detail: string
    excerpt: string
    retryAfterMs: number | undefined
    kind: TroubleKind
    /** Default: `rate`. */
    limit?: 'rate' | 'concurrency' | undefined
    /** What the request was for, as in `parent.id 7`. */
    about?: string | undefined
    ruling?: Ruling | undefined
    /** When it may be asked again, in milliseconds since 1970: told where that is too late to wait for. */
    retryAt?: number | undefined
  }) {
    const { method, url, status, detail, kind, about, ruling, retryAt } = facts
    const hint = ruling?.message === undefined ? hintOf(kind, status, retryAt) : ''
    super(
      `${method} ${url} answered ${status}${about === undefined ? '' : ` for ${about}`}${detail === '' ? '' : `: ${detail}`}${hint === '' ? '' : ` (${hint})`}`,
    )
    this.method = method
    this.url = url
    this.status = status
    this.reason = detail
    this.excerpt = facts.excerpt
    this.retryAfterMs = facts.retryAfterMs
    this.kind = kind
    this.limit = kind === 'throttled' ? (facts.limit ?? 'rate') : undefined
    this.resumeAt = kind === 'spent' ? retryAt : undefined
    this.action = ruling?.action
    this.finally = ruling?.finally
    this.recovery =
      this.waits || kind === 'passing'
        ? 'retry'
        : kind === 'credential' || kind === 'too-deep' || (kind === 'refused' && status === 403)
          ? 'fix-config'
          : 'stop-stream'
  }

  /** True where the API is well, and wants fewer requests. */
  get throttled(): boolean {
    return this.kind === 'throttled'
  }
  /** True where it was refused for want of quota, whatever its status. */
  get isQuotaRefusal(): boolean {
    return this.kind === 'throttled' || this.kind === 'spent' || this.status === 429
  }
  /** True where the API did nothing with the request and says to come back: no attempt is counted, only the deadline bounds it. */
  get waits(): boolean {
    return this.kind === 'throttled' || this.kind === 'not-ready'
  }
}

function hintOf(kind: TroubleKind, status: number, retryAt: number | undefined): string {
  switch (kind) {
    case 'throttled':
      return ''
    case 'not-ready':
      return 'the API is still at work on the answer; where this is one, say in `responses` what it means'
    case 'spent':
      return `this budget is spent, and waiting is not worth it: run again when it is full again${retryAt === undefined ? '' : `, at ${isoTime(retryAt)}`}, or have it raised`
    case 'too-deep':
      return 'the API ends a list here: read it in `slices` of time, small enough for it, and say in their `cap` how many records a list may have'
    case 'expired':
      return 'the API no longer knows this position: the list has to be read from its start, with --full-refresh where nothing else is configured'
    default:
      return hintFor(status)
  }
}

function hintFor(status: number): string {
  switch (status) {
    case 304:
      return 'only a conditional request is answered so: remove if-none-match and if-modified-since from its headers'
    case 400:
    case 422:
      return "check the request's query and body"
    case 401:
      return 'check the credential: auth'
    case 402:
      return "check the account's plan"
    case 403:
      return 'the credential is known, but lacks a permission or scope'
    case 404:
      return 'check baseUrl and path'
    case 405:
      return 'check the method'
    case 406:
    case 415:
      return 'check the headers accept and content-type'
    case 410:
      return 'the API has withdrawn this endpoint, or no longer knows the cursor'
    case 413:
    case 414:
    case 431:
      return 'the request is too large: ask for less at once'
    default:
      if (status >= 300 && status < 400) return 'a redirect that names no location'
      return status >= 400 && status < 500 && !passingStatuses.has(status)
        ? 'the API refuses the request as it is'
        : ''
  }
}

/** The API asks to come back later than a run waits. */
export class RateLimitedError extends SluiceError {
  readonly code = 'RATE_LIMITED'
  readonly recovery = 'retry'
  override readonly resumeAt: number
  constructor(problem: string, resumeAt: number, patienceMs: number, options?: ErrorOptions) {
    super(
      `${problem}; it asks to come back at ${isoTime(resumeAt)}, and a run waits ${formatDuration(patienceMs)} at most: run again then, or raise patience`,
      options,
    )
    this.resumeAt = resumeAt
  }
}

/** A quota has no room for longer than a run waits. Nothing was sent. */
export class QuotaPausedError extends SluiceError {
  readonly code = 'QUOTA_PAUSED'
  readonly recovery = 'stop-stream'
  override readonly resumeAt: number
  readonly quota: string
  constructor(source: string, quota: string, resumeAt: number, patienceMs: number) {
    super(
      `${source} has no room within its quota (${quota}) before ${isoTime(resumeAt)}, and a run waits ${formatDuration(patienceMs)} at most: run again then, or raise patience`,
    )
    this.quota = quota
    this.resumeAt = resumeAt
  }
}

/** A request failed for the last time that the retry options allow. */
export class RetriesExhaustedError extends SluiceError {
  readonly code = 'RETRIES_EXHAUSTED'
  readonly recovery = 'stop-stream'
  readonly attempts: number
  readonly limit: 'maxAttempts' | 'deadline' | 'budget'
  constructor(
    attempts: number,
    elapsedMs: number,
    limit: 'maxAttempts' | 'deadline' | 'budget',
    cause: unknown,
  ) {
    const why = {
      maxAttempts: 'retry.maxAttempts allows no more',
      deadline: 'the next attempt would begin after retry.deadline',
      budget: 'the retry budget is spent: too many requests to this API fail',
    }[limit]
    super(
      `gave up after ${attempts} attempt${attempts === 1 ? '' : 's'} in ${elapsedMs} ms (${why}); the last failure: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
    this.attempts = attempts
    this.limit = limit
  }
}

/** The circuit breaker has been open for longer than a caller may wait. */
export class CircuitOpenError extends SluiceError {
  readonly code = 'CIRCUIT_OPEN'
  readonly recovery = 'stop-stream'
  /** Since when it is open, in milliseconds since 1970. */
  readonly since: number
  readonly waitedMs: number
  constructor(name: string, since: number, reason: string, waitedMs: number) {
    super(
      `${name} is not asked since ${isoTime(since)}: ${reason}; waited ${waitedMs} ms for it to recover: run again later, or raise breaker.maxWait`,
    )
    this.since = since
    this.waitedMs = waitedMs
  }
}

/** The API refuses the credential (401), a renewed one too where it can be renewed. */
export class AuthRefusedError extends SluiceError {
  readonly code = 'AUTH_REFUSED'
  readonly recovery = 'fix-config'
  constructor(refusal: HttpStatusError, renewed: boolean) {
    super(
      `${refusal.message}${renewed ? '; the credential was renewed just before, and is refused as well' : ''}`,
      {
        cause: refusal,
      },
    )
  }
}

/** R3: the request would carry the source's credential to an origin that is not the source's. */
export class OriginRefusedError extends SluiceError {
  readonly code = 'ORIGIN_REFUSED'
  readonly recovery = 'fix-config'
  readonly url: string
  constructor(url: string, origin: string, own: string) {
    super(
      `${url} is at ${origin}, and this source is ${own}: its credential is not sent elsewhere; if both belong to one API, list ${origin} in allowedOrigins`,
    )
    this.url = url
  }
}

/** A redirect that is not followed. */
export class RedirectRefusedError extends SluiceError {
  readonly code = 'REDIRECT_REFUSED'
  readonly recovery = 'fix-config'
  readonly from: string
  readonly to: string
  constructor(from: string, to: string, status: number, why: string) {
    super(`${from} redirects (${status}) to ${to}: ${why}`)
    this.from = from
    this.to = to
  }
}

/** A moment as messages write it. */
export function isoTime(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms since 1970`
}
