// What an API says of its own limits, in the headers of each response (Q4). It only ever makes a quota stricter:
//   `retry-after` on an error pauses everybody who waits, until then and not before;
//   a reported budget counts down and never up, until the reset that was announced with it has passed.

import { firstHeader } from '../http/headers.ts'
import { serverNow } from '../http/http-date.ts'
import { delayMs, longestDelayMs, retryAfterMs } from '../http/retry-after.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import type { Meter, SentRequest } from './meter.ts'
import type { RateLimitHeaders } from './options.ts'
import type { QuotaRefusal, QuotaReply } from './quota.ts'

export interface RateReport {
  /** Requests that may still be sent before the reset. */
  readonly remaining: number
  /** Milliseconds until the budget is full again. */
  readonly resetInMs: number
}

export class ReportedLimit implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #dialect: RateLimitHeaders
  #pausedUntil = Number.NEGATIVE_INFINITY
  #resetAt = Number.NEGATIVE_INFINITY
  /** The lowest budget that was reported before `#resetAt`. Requests in flight may or may not be counted in it. */
  #lowest = Number.POSITIVE_INFINITY
  #inFlight = 0
  /** Reports of requests that have not settled yet. */
  #reports = 0

  constructor(dialect: RateLimitHeaders) {
    this.#dialect = dialect
  }

  #observe({ status, headers }: QuotaReply, now: number, wallNow: number): void {
    const retryAfter = status >= 400 ? retryAfterMs(headers, wallNow) : undefined
    if (retryAfter !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, now + retryAfter)
    const report = readRateReport(headers, this.#dialect, wallNow)
    if (report === undefined) return
    this.#reports++
    // A reply that comes after its own reset says nothing about the budget that holds now.
    if (report.resetInMs <= 0) return
    if (now >= this.#resetAt) this.#lowest = Number.POSITIVE_INFINITY
    if (report.remaining > this.#lowest) return
    this.#lowest = report.remaining
    this.#resetAt = now + report.resetInMs
  }

  readyAt(cost: number, now: number): number {
    const reset = now < this.#resetAt && this.#lowest - this.#inFlight < cost ? this.#resetAt : now
    return Math.max(reset, this.#pausedUntil)
  }
  take(cost: number): void {
    this.#inFlight += cost
  }
  settle({ cost }: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void {
    if (reply !== undefined) this.#observe(reply, now, wallNow)
    this.#inFlight -= cost
    // Its own report has it counted. Without one (a reset, a proxy's page) the server may have counted it all the same.
    if (this.#reports > 0) this.#reports--
    else this.#lowest -= cost
  }
  refuse({ retryAfterMs }: QuotaRefusal, _sent: SentRequest, now: number): void {
    if (retryAfterMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, now + retryAfterMs)
  }
  cancel(cost: number): void {
    this.#inFlight -= cost
  }
}

/** The names that are read without being told, the surest first. Discord sends both of the third pair's forms. */
const commonNames: readonly { remaining: string; reset: string }[] = [
  { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
  { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset-after' },
  { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' },
  { remaining: 'x-rate-limit-remaining', reset: 'x-rate-limit-reset' },
  // OpenAI, beside a budget of tokens that reading does not spend.
  { remaining: 'x-ratelimit-remaining-requests', reset: 'x-ratelimit-reset-requests' },
]

/** Longest wait that is believed of headers whose names were guessed. */
const longestGuessMs = 24 * 3_600_000

/** What a response's headers say of the budget; `undefined` where they say nothing, or nothing that can be understood. */
export function readRateReport(
  headers: HttpHeaders,
  dialect: RateLimitHeaders,
  wallNow: number,
): RateReport | undefined {
  if (dialect === false) return undefined
  if (dialect !== 'auto') return readPair(headers, dialect, dialect.resetUnit, wallNow)
  const standard = readStandard(headers)
  if (standard !== undefined) return standard
  for (const names of commonNames) {
    const report = readPair(headers, names, 'seconds', wallNow)
    if (report !== undefined) return report.resetInMs <= longestGuessMs ? report : undefined
  }
  return undefined
}

function readPair(
  headers: HttpHeaders,
  names: { remaining: string; reset: string },
  unit: 'seconds' | 'epoch',
  wallNow: number,
): RateReport | undefined {
  const remaining = firstHeader(headers, names.remaining)?.trim()
  const reset = firstHeader(headers, names.reset)
  if (remaining === undefined || reset === undefined || !/^-?\d+(\.\d+)?$/.test(remaining)) return undefined
  const resetInMs = delayMs(reset, unit, serverNow(headers, wallNow))
  return resetInMs === undefined ? undefined : { remaining: Math.max(0, Number(remaining)), resetInMs }
}

/** `RateLimit: "default";r=50;t=30` (draft-ietf-httpapi-ratelimit-headers-10): of several budgets the smallest. */
function readStandard(headers: HttpHeaders): RateReport | undefined {
  const value = headers['ratelimit']
  const text = typeof value === 'string' ? value : (value ?? []).join(',')
  let strictest: RateReport | undefined
  for (const [item] of text.matchAll(/"[^"]*"(?:\s*;\s*[a-z]+=(?:\d+|:[^:]*:|"[^"]*"))+/g)) {
    const remaining = /;\s*r=(\d+)/.exec(item)?.[1]
    const reset = /;\s*t=(\d+)/.exec(item)?.[1]
    if (remaining === undefined || reset === undefined) continue
    const report = { remaining: Number(remaining), resetInMs: Math.min(longestDelayMs, Number(reset) * 1000) }
    const stricter =
      strictest === undefined ||
      report.remaining < strictest.remaining ||
      (report.remaining === strictest.remaining && report.resetInMs > strictest.resetInMs)
    if (stricter) strictest = report
  }
  return strictest
}
