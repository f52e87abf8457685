// What a response that is no success means, where nobody said so: read from its status, headers and body as the APIs send them. Each rule has
// a test that names the APIs behind it.
import { Temporal } from 'temporal-polyfill'
import { LongDecimal, type Value } from '../ports/json.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import type { Answer } from './answer.ts'
import { apiMessage } from './api-message.ts'
import { firstHeader } from './headers.ts'
import { serverNow } from './http-date.ts'
import { delayMs, longestDelayMs, retryAfterMs } from './retry-after.ts'

/**
 * - `throttled`: the API is well, and wants fewer requests; only the deadline bounds the waits
 * - `not-ready`: it is still at work on the answer; likewise
 * - `passing`: a repeat may heal it
 * - `credential`: it refuses the credential, which may be renewed
 * - `spent`: a budget is used up for so long that waiting is no answer
 * - `too-deep`: a list goes no further than this
 * - `expired`: a position, cursor or sync token is no longer known
 * - `refused`: anything else
 */
export type TroubleKind =
  | 'throttled'
  | 'not-ready'
  | 'passing'
  | 'credential'
  | 'spent'
  | 'too-deep'
  | 'expired'
  | 'refused'

export interface Trouble {
  readonly kind: TroubleKind
  /** How long the API asks to wait before the next request, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** What there was too much of, where it is `throttled`: requests in a time, or requests at once. */
  readonly limit?: 'rate' | 'concurrency'
}

/**
 * Statuses that a repeat may heal: RFC 9110, RFC 8470 (425), RFC 6585 (429), 477 (an account that moves, HubSpot) and 529, which several
 * services send when overloaded.
 */
export const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 477, 500, 502, 503, 504, 529])

const throttledCodes = new Set([
  // GraphQL (GitHub, Square), Shopify, Google, Salesforce, Slack, Intercom and Notion, Okta, Graph, AWS
  'RATE_LIMITED',
  'THROTTLED',
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'quotaExceeded',
  'RATE_LIMIT_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'REQUEST_LIMIT_EXCEEDED',
  'ratelimited',
  'rate_limited',
  'rate_limit_exceeded',
  'E0000047',
  'TooManyRequests',
  'Throttling',
  'ThrottlingException',
])
/** OpenAI, and Google's daily budget. */
const spentCodes = new Set(['insufficient_quota', 'dailyLimitExceeded'])
/** Slack's four under 200; Stripe's lock and Notion's conflict under 409. */
const passingCodes = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'lock_timeout',
  'conflict_error',
])
/** Slack, with token rotation. */
const credentialCodes = new Set(['token_expired'])
/** Airtable's iterator, Google's and Microsoft Graph's sync tokens, Salesforce's query locator. */
const expiredCodes = new Set([
  'LIST_RECORDS_ITERATOR_NOT_AVAILABLE',
  'fullSyncRequired',
  'updatedMinTooLongAgo',
  'EXPIRED_SYNC_TOKEN',
  'resyncRequired',
  'syncStateNotFound',
  'INVALID_QUERY_LOCATOR',
])
/** Zendesk (offset lists, search), GitHub search, HubSpot search, Elasticsearch, GitLab. */
const tooDeep =
  /InvalidPaginationDepth|only the first [\d,]+ (?:search )?results|greater than search response limits|result window is too large|maximum allowed offset|(?:paging|pagination|offset|after|page)\b.{0,60}(?:past|beyond|depth|exceed|greater than|larger than|less than|at most|maximum).{0,40}\b10[,.]?000\b/i
const rateLimitText =
  /secondary rate limit|rate limit exceeded|exceeded (?:a|your|the) .{0,40}rate limit|abuse detection|too many requests/i
/** GitHub asks for a minute at least where its secondary limit names no time. */
const secondaryLimit = /secondary rate limit|abuse detection/i
const secondaryWaitMs = 60_000

/** What a response of 400 and above means, or a success whose body is an error. */
export function diagnose(answer: Answer, now: number): Trouble {
  const { status, headers } = answer
  const codes = codesOf(answer.body)
  const said = apiMessage(answer.body) ?? (answer.body === undefined ? answer.text().slice(0, 1000) : '')
  const asked = askedWait(answer, said, now)
  const is = (kind: TroubleKind): Trouble =>
    kind === 'throttled'
      ? { kind, retryAfterMs: asked, limit: limitOf(answer, codes, said) }
      : { kind, retryAfterMs: asked }
  const has = (known: ReadonlySet<string>) => codes.some((code) => known.has(code))

  if (has(spentCodes) || codes.some((code) => code.endsWith('/usage-capped')))
    return { kind: 'spent', retryAfterMs: asked ?? untilFull(answer, codes, now) }
  // HubSpot names its budget of the day, Zoom says when it is full again.
  const ofTheDay = codes.includes('DAILY') || firstHeader(headers, 'x-ratelimit-type') === 'Daily-limit'
  if (ofTheDay && status >= 400)
    return asked === undefined
      ? { kind: 'spent', retryAfterMs: untilFull(answer, codes, now) }
      : is('throttled')

  const advice = firstHeader(headers, 'stripe-should-retry')
  if (status === 429) {
    const refused = advice === 'false' && headers['stripe-rate-limited-reason'] === undefined
    return is(refused ? 'refused' : 'throttled')
  }
  if (has(throttledCodes)) return is('throttled')
  if (status === 403 && (asked !== undefined || headers['x-ratelimit-remaining'] === '0'))
    return is('throttled')
  if (status === 403 && rateLimitText.test(said)) {
    return {
      ...is('throttled'),
      retryAfterMs: secondaryLimit.test(said) ? secondaryWaitMs : undefined,
    }
  }

  if (has(expiredCodes)) return is('expired')
  if (status >= 400 && status < 500 && (tooDeep.test(said) || codes.some((code) => tooDeep.test(code))))
    return is('too-deep')
  if (status === 401 || (status < 300 && has(credentialCodes))) return is('credential')
  if (advice === 'true') return is('passing')
  if (advice === 'false') return is('refused')
  if (passingStatuses.has(status)) return is('passing')
  if ((status < 300 || status === 409) && has(passingCodes)) return is('passing')
  return is('refused')
}

/** Microsoft Graph, Mixpanel, Salesforce and others say it in words. */
const concurrencyText = /\bconcurren(?:t|cy)|ConcurrentRequests|concurrency limit|simultaneous/i

/**
 * Whether there were too many requests at once, rather than in a time: Twilio by its code, Stripe by a header, Okta by a limit of 0 or a
 * budget that is not spent, Zendesk of jobs, Stripe of an object that is locked.
 */
function limitOf({ status, headers, body }: Answer, codes: readonly string[], said: string) {
  const reason = firstHeader(headers, 'stripe-rate-limited-reason')
  const concurrency =
    reason === undefined
      ? Number(field(body, 'code')) === 20_429 ||
        codes.includes('TooManyJobs') ||
        codes.includes('lock_timeout') ||
        (status === 429 && isOktaConcurrency(headers)) ||
        concurrencyText.test(said)
      : reason.endsWith('-concurrency')
  return concurrency ? 'concurrency' : 'rate'
}

/** A limit of 0; or the budget has something left, nothing else is spent, and no wait is asked for. */
function isOktaConcurrency(headers: HttpHeaders): boolean {
  const remaining = firstHeader(headers, 'x-rate-limit-remaining')
  if (remaining === '0') return firstHeader(headers, 'x-rate-limit-limit') === '0'
  const isSpent = (name: string) => name.endsWith('remaining') && Number(headers[name]) === 0
  return Number(remaining) > 0 && headers['retry-after'] === undefined && !Object.keys(headers).some(isSpent)
}

/** Where a header says when a budget is full again. */
const resetHeaders = ['ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset', 'x-app-limit-reset']

/** How long until a spent budget is full again: as its header says, else by the documented day (Google: midnight in California; Zoom: UTC). */
function untilFull({ headers }: Answer, codes: readonly string[], now: number): number | undefined {
  for (const name of resetHeaders) {
    const text = firstHeader(headers, name)
    const wait = text === undefined ? undefined : delayMs(text, 'seconds', serverNow(headers, now))
    if (wait !== undefined && wait > 0) return wait
  }
  if (codes.includes('dailyLimitExceeded')) return untilMidnight('America/Los_Angeles', now)
  if (firstHeader(headers, 'x-ratelimit-type') === 'Daily-limit') return untilMidnight('UTC', now)
  return undefined
}

function untilMidnight(timeZone: string, now: number): number {
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone)
  return today.add({ days: 1 }).startOfDay().epochMilliseconds - now
}

/**
 * Whether a 202 means that the answer isn't there yet: it says when to ask again, in `Retry-After` or in its body (Discord's search index).
 * `undefined`: it is a success like any other.
 */
export function notReady(answer: Answer, now: number): Trouble | undefined {
  if (answer.status !== 202) return undefined
  const asked = askedWait(answer, '', now)
  return asked === undefined ? undefined : { kind: 'not-ready', retryAfterMs: asked }
}

/** `Retry-After`; else `retry_after` in the body, in seconds (Discord); else a time in its message (Gmail). */
function askedWait({ headers, body }: Answer, said: string, now: number): number | undefined {
  const header = retryAfterMs(headers, now)
  if (header !== undefined) return header
  const seconds = [body, field(body, 'error'), field(body, 'parameters')]
    .map((place) => field(place, 'retry_after'))
    .find((value) => typeof value === 'number' && value >= 0)
  if (typeof seconds === 'number') return Math.min(longestDelayMs, Math.ceil(seconds * 1000))
  const moment = /retry after (\d{4}-\d{2}-\d{2}T[\d:.]+Z)/i.exec(said)?.[1]
  return moment === undefined ? undefined : delayMs(moment, 'seconds', serverNow(headers, now))
}

function field(value: Value | undefined, name: string): Value | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof LongDecimal)
    return undefined
  return Object.hasOwn(value, name) ? value[name] : undefined
}

/** What error objects call the class of an error, and where they keep further ones. */
const codeFields = [
  'code',
  'type',
  'reason',
  'errorCode',
  'error',
  'errorType',
  'policyName',
  'status',
  'name',
]
const innerFields = ['error', 'errors', 'fault', 'extensions', 'details', 'innerError']
const mostItems = 20

/** The codes of an error body, wherever APIs put them. */
export function codesOf(body: Value | undefined): readonly string[] {
  const codes: string[] = []
  const visit = (value: Value | undefined, depth: number): void => {
    if (depth > 4 || typeof value !== 'object' || value === null || value instanceof LongDecimal) return
    if (Array.isArray(value)) {
      for (const item of value.slice(0, mostItems)) visit(item, depth + 1)
      return
    }
    for (const name of codeFields) {
      const code = field(value, name)
      if (typeof code === 'string') codes.push(code)
    }
    for (const name of innerFields) visit(field(value, name), depth + 1)
  }
  visit(body, 0)
  return codes
}
