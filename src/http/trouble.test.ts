import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HttpHeaders } from '../ports/runtime.ts'
import type { Answer } from './answer.ts'
import { parseErrorBody } from './api-message.ts'
import { HttpStatusError } from './errors.ts'
import { isPositionExpired } from './position-expired.ts'
import { statusError } from './status-error.ts'
import { diagnose, notReady } from './trouble.ts'

const now = Date.UTC(2026, 0, 1)
const second = 1000
const hour = 3_600_000

function answer(
  status: number,
  body: unknown = '',
  headers: HttpHeaders = {},
  url = 'https://api.test/items',
): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'GET', url, status, headers, body: parseErrorBody(text), text: () => text }
}
const google = (reason: string, message = reason) => ({
  error: { errors: [{ domain: 'usageLimits', reason, message }], code: 403, message },
})

type Case = readonly [name: string, answer: Answer, kind: string, retryAfterMs?: number]

const cases: readonly Case[] = [
  [
    'GitHub, primary limit',
    answer(
      403,
      { message: 'API rate limit exceeded for user ID 1.' },
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1767229200' },
    ),
    'throttled',
  ],
  [
    'GitHub, secondary limit',
    answer(403, { message: 'You have exceeded a secondary rate limit.' }, { 'retry-after': '120' }),
    'throttled',
    120 * second,
  ],
  [
    'GitHub, secondary limit without a time: a minute',
    answer(403, { message: 'You have exceeded a secondary rate limit. Please wait a few minutes.' }),
    'throttled',
    60 * second,
  ],
  [
    'GitHub, a permission',
    answer(403, { message: 'Resource not accessible by integration' }, { 'x-ratelimit-remaining': '4999' }),
    'refused',
  ],
  [
    'GitHub GraphQL, primary limit under 200',
    answer(200, { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] }),
    'throttled',
  ],
  ['Google, rateLimitExceeded', answer(403, google('rateLimitExceeded')), 'throttled'],
  ['Google, userRateLimitExceeded', answer(403, google('userRateLimitExceeded')), 'throttled'],
  ['Google, the budget of the day', answer(403, google('dailyLimitExceeded')), 'spent', 8 * hour],
  [
    'Google, a permission',
    answer(403, google('insufficientPermissions', 'Insufficient Permission')),
    'refused',
  ],
  [
    'Gmail, a time inside the message',
    answer(
      429,
      google('userRateLimitExceeded', 'User-rate limit exceeded.  Retry after 2026-01-01T00:00:30.000Z'),
    ),
    'throttled',
    30 * second,
  ],
  [
    'Salesforce, an array',
    answer(403, [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }]),
    'throttled',
  ],
  [
    'Salesforce, a permission',
    answer(403, [{ message: 'The REST API is not enabled', errorCode: 'API_DISABLED_FOR_ORG' }]),
    'refused',
  ],
  [
    'Shopify GraphQL, under 200',
    answer(200, { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] }),
    'throttled',
  ],
  [
    'Shopify REST',
    answer(429, { errors: 'Exceeded 2 calls per second for api client.' }, { 'retry-after': '2.0' }),
    'throttled',
    2 * second,
  ],
  [
    'Microsoft Graph, a fraction',
    answer(429, { error: { code: 'TooManyRequests' } }, { 'retry-after': '2.128' }),
    'throttled',
    2128,
  ],
  ['Okta', answer(429, { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' }), 'throttled'],
  ['GitLab, a text body', answer(429, 'Retry later', { 'retry-after': '30' }), 'throttled', 30 * second],
  [
    'Discord, the header outranks the body',
    answer(429, { message: 'You are being rate limited.', retry_after: 64.57 }, { 'retry-after': '65' }),
    'throttled',
    65 * second,
  ],
  [
    'Discord, the body alone',
    answer(429, { message: 'You are being rate limited.', retry_after: 64.57 }),
    'throttled',
    64_570,
  ],
  ['Square', answer(429, { errors: [{ category: 'RATE_LIMIT_ERROR', code: 'RATE_LIMITED' }] }), 'throttled'],
  [
    'Twilio, concurrency',
    answer(429, { code: 20429, message: 'Too Many Requests', status: 429 }),
    'throttled',
  ],
  [
    'Slack, 429',
    answer(429, { ok: false, error: 'ratelimited' }, { 'retry-after': '30' }),
    'throttled',
    30 * second,
  ],
  [
    'Slack, ratelimited under 200',
    answer(200, { ok: false, error: 'ratelimited' }, { 'retry-after': '30' }),
    'throttled',
    30 * second,
  ],
  ['Slack, internal_error', answer(200, { ok: false, error: 'internal_error' }), 'passing'],
  ['Slack, fatal_error', answer(200, { ok: false, error: 'fatal_error' }), 'passing'],
  ['Slack, service_unavailable', answer(200, { ok: false, error: 'service_unavailable' }), 'passing'],
  ['Slack, request_timeout', answer(200, { ok: false, error: 'request_timeout' }), 'passing'],
  ['Slack, token_expired', answer(200, { ok: false, error: 'token_expired' }), 'credential'],
  ['Slack, channel_not_found', answer(200, { ok: false, error: 'channel_not_found' }), 'refused'],
  [
    'OpenAI, no credit',
    answer(
      429,
      {
        error: {
          message: 'You exceeded your current quota',
          type: 'insufficient_quota',
          code: 'insufficient_quota',
        },
      },
      { 'retry-after': '1' },
    ),
    'spent',
    second,
  ],
  [
    'OpenAI, a rate',
    answer(429, { error: { type: 'requests', code: 'rate_limit_exceeded' } }, { 'retry-after': '1' }),
    'throttled',
    second,
  ],
  [
    'X, the usage cap',
    answer(429, { title: 'UsageCapExceeded', type: 'https://api.x.com/2/problems/usage-capped' }),
    'spent',
  ],
  [
    'X, a rate',
    answer(429, { title: 'Too Many Requests', type: 'about:blank' }, { 'x-rate-limit-reset': '1767225660' }),
    'throttled',
  ],
  [
    'HubSpot, the budget of the day',
    answer(429, {
      status: 'error',
      message: 'You have reached your daily limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'DAILY',
    }),
    'spent',
  ],
  [
    'HubSpot, a rate',
    answer(429, { status: 'error', errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' }),
    'throttled',
  ],
  ['HubSpot, an account that moves', answer(477, '', { 'retry-after': '600' }), 'passing', 600 * second],
  [
    'Zoom, the day, and when it is over',
    answer(429, { code: 429 }, { 'x-ratelimit-type': 'Daily-limit', 'retry-after': '2026-01-01T05:00:00Z' }),
    'throttled',
    5 * hour,
  ],
  ['Zoom, the day', answer(429, { code: 429 }, { 'x-ratelimit-type': 'Daily-limit' }), 'spent', 24 * hour],
  ['Zoom, a rate', answer(429, { code: 429 }, { 'x-ratelimit-type': 'QPS' }), 'throttled'],
  [
    'Stripe, a lock under 429',
    answer(429, { error: { code: 'lock_timeout', type: 'invalid_request_error' } }),
    'throttled',
  ],
  ['Stripe, a lock under 409', answer(409, { error: { code: 'lock_timeout' } }), 'passing'],
  [
    'Stripe advises a repeat',
    answer(409, { error: { type: 'idempotency_error' } }, { 'stripe-should-retry': 'true' }),
    'passing',
  ],
  [
    'Stripe advises against one',
    answer(500, { error: { type: 'api_error' } }, { 'stripe-should-retry': 'false' }),
    'refused',
  ],
  [
    'Stripe advises against one under 429',
    answer(429, { error: { code: 'lock_timeout' } }, { 'stripe-should-retry': 'false' }),
    'refused',
  ],
  [
    'Stripe, a rate',
    answer(429, {}, { 'stripe-should-retry': 'false', 'stripe-rate-limited-reason': 'global-rate' }),
    'throttled',
  ],
  [
    'Notion, a conflict',
    answer(409, { code: 'conflict_error', message: 'Conflict occurred while saving' }),
    'passing',
  ],
  [
    'Notion, overloaded',
    answer(529, { code: 'service_overload' }, { 'retry-after': '5' }),
    'passing',
    5 * second,
  ],
  ['another conflict', answer(409, { message: 'already exists' }), 'refused'],
  ['a credential', answer(401, { error: 'nope' }), 'credential'],
  [
    'Zendesk, an offset too deep',
    answer(400, { errors: [{ code: 'InvalidPaginationDepth', title: 'Invalid' }] }),
    'too-deep',
  ],
  [
    'Zendesk, a search too deep',
    answer(422, {
      error: 'invalid',
      description: 'Invalid search: Requested response size was greater than Search Response Limits',
    }),
    'too-deep',
  ],
  [
    'GitHub, a search too deep',
    answer(422, { message: 'Only the first 1000 search results are available' }),
    'too-deep',
  ],
  [
    'HubSpot, a search too deep',
    answer(400, { status: 'error', message: 'paging past 10000 results is not supported' }),
    'too-deep',
  ],
  [
    'Elasticsearch',
    answer(400, {
      error: {
        type: 'illegal_argument_exception',
        reason: 'Result window is too large, from + size must be less than or equal to: [10000]',
      },
    }),
    'too-deep',
  ],
  [
    'GitLab, an offset too deep',
    answer(405, {
      error:
        'Offset pagination has a maximum allowed offset of 50000 for requests that return objects of type Project.',
    }),
    'too-deep',
  ],
  ['a bad parameter', answer(422, { message: 'per_page must be at most 100' }), 'refused'],
  [
    'Airtable, an iterator',
    answer(422, { error: { type: 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE', message: '' } }),
    'expired',
  ],
  [
    'Google Calendar, a sync token',
    answer(410, { error: { errors: [{ reason: 'fullSyncRequired' }], code: 410 } }),
    'expired',
  ],
  ['Microsoft Graph, a delta token', answer(410, { error: { code: 'resyncRequired' } }), 'expired'],
]

test.for(cases)('%s', ([, response, kind, retryAfterMs]) => {
  expect(diagnose(response, now)).toMatchObject({ kind, retryAfterMs })
})

test("Discord: a 202 that says when to come back isn't ready yet, in its body or its header; any other 202 is a success", () => {
  expect(notReady(answer(202, { code: 110000, retry_after: 2 }), now)).toEqual({
    kind: 'not-ready',
    retryAfterMs: 2000,
  })
  expect(notReady(answer(202, '', { 'retry-after': '5' }), now)).toEqual({
    kind: 'not-ready',
    retryAfterMs: 5000,
  })
  expect(notReady(answer(202, { id: 1 }), now)).toBeUndefined()
  expect(notReady(answer(200, { retry_after: 2 }), now)).toBeUndefined()
})

const message = (response: Answer) => statusError(response, { now }).message

test('a budget that is spent says so, and when it is full again where that is known', () => {
  expect(
    message(
      answer(429, { status: 'error', message: 'You have reached your daily limit.', policyName: 'DAILY' }),
    ),
  ).toBe(
    'GET https://api.test/items answered 429: You have reached your daily limit. (this budget is spent, and waiting is not worth it: run again when it is full again, or have it raised)',
  )
  expect(
    message(answer(429, google('dailyLimitExceeded', 'Daily limit'), { 'retry-after': '7200' })),
  ).toContain('run again when it is full again, at 2026-01-01T02:00:00.000Z, or have it raised')
})

test('a list that is too deep says how to read it instead', () => {
  const error = statusError(answer(422, { message: 'Only the first 1000 search results are available' }), {
    now,
  })
  expect(error.recovery).toBe('fix-config')
  expect(error.message).toBe(
    'GET https://api.test/items answered 422: Only the first 1000 search results are available (the API ends a list here: read it in `slices` of time, small enough for it, and say in their `cap` how many records a list may have)',
  )
})

test('a position that is expired is told from an endpoint that is gone, and from a declared reaction', () => {
  const expired = (response: Answer) => isPositionExpired(statusError(response, { now }))
  expect(expired(answer(410))).toBe(true)
  expect(expired(answer(422, { error: { type: 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE' } }))).toBe(true)
  const history = 'https://gmail.googleapis.com/gmail/v1/users/me/history?startHistoryId=7'
  expect(expired(answer(404, '', {}, history))).toBe(true)
  expect(expired(answer(404))).toBe(false)
  expect(expired(answer(422, { message: 'bad' }))).toBe(false)
  expect(isPositionExpired(new Error('410'))).toBe(false)
  expect(isPositionExpired(statusError(answer(410), { now, ruling: { action: 'ignore' } }))).toBe(false)
  expect(message(answer(410, { error: { code: 'resyncRequired' } }))).toContain(
    'the API no longer knows this position: the list has to be read from its start',
  )
})

test('a message names what the request was for', () => {
  const error = statusError(answer(404, { message: 'Not Found' }), { now, about: 'parent.id 7' })
  expect(error.message).toBe(
    'GET https://api.test/items answered 404 for parent.id 7: Not Found (check baseUrl and path)',
  )
})

test('no body and no header makes the diagnosis throw', () => {
  const headers = fc.dictionary(
    fc.constantFrom('retry-after', 'stripe-should-retry', 'x-ratelimit-type'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), fc.jsonValue(), headers, (status, body, header) => {
      const error = statusError(answer(status, JSON.stringify(body), header), { now })
      expect(error).toBeInstanceOf(HttpStatusError)
      expect(error.retryAfterMs === undefined || error.retryAfterMs >= 0).toBe(true)
    }),
  )
})

test.for([
  ['Twilio', answer(429, { code: 20429, message: 'Too Many Requests', status: 429 })],
  ['Stripe', answer(429, '', { 'stripe-rate-limited-reason': 'endpoint-concurrency' })],
  ['Stripe, an object that is locked', answer(429, { error: { code: 'lock_timeout' } })],
  [
    'Okta',
    answer(
      429,
      { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit due to too many requests.' },
      { 'x-rate-limit-limit': '0', 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '1767225660' },
    ),
  ],
  [
    'Okta, with a budget that is not spent',
    answer(429, { errorCode: 'E0000047' }, { 'x-rate-limit-limit': '600', 'x-rate-limit-remaining': '590' }),
  ],
  ['Zendesk, jobs', answer(429, { error: 'TooManyJobs' })],
  [
    'Salesforce',
    answer(403, [
      {
        message: 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
        errorCode: 'REQUEST_LIMIT_EXCEEDED',
      },
    ]),
  ],
  [
    'Microsoft Graph, a mailbox',
    answer(429, {
      error: { code: 'ApplicationThrottled', message: 'Application is over its MailboxConcurrency limit.' },
    }),
  ],
] as const)('a refusal of too many at once is told from one of a rate: %s', ([, response]) => {
  expect(statusError(response, { now })).toMatchObject({ kind: 'throttled', limit: 'concurrency' })
})

test.for([
  ['Stripe', answer(429, '', { 'stripe-rate-limited-reason': 'global-rate' })],
  ['Slack', answer(429, { ok: false, error: 'ratelimited' }, { 'retry-after': '30' })],
  [
    'Mixpanel',
    answer(429, {
      code: 429,
      error: 'Project exceeded rate limits. Please retry the request with exponential backoff.',
    }),
  ],
  ['Shopify', answer(429, { errors: 'Exceeded 2 calls per second for api client.' })],
  ['Zendesk', answer(429, { error: 'APIRateLimitExceeded' })],
  [
    'Salesforce',
    answer(403, [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }]),
  ],
  [
    'Okta',
    answer(429, { errorCode: 'E0000047' }, { 'x-rate-limit-limit': '600', 'x-rate-limit-remaining': '0' }),
  ],
  [
    'X, whose budget of the day is spent',
    answer(429, '', { 'x-rate-limit-remaining': '14', 'x-app-limit-24hour-remaining': '0' }),
  ],
  ['a wait that is asked for', answer(429, '', { 'x-rate-limit-remaining': '14', 'retry-after': '3' })],
] as const)('a refusal of a rate is one: %s', ([, response]) => {
  expect(statusError(response, { now })).toMatchObject({ kind: 'throttled', limit: 'rate' })
})

test('a budget of the day says when it makes sense to come back, where that is documented', () => {
  const resumeAt = (response: Answer) => statusError(response, { now }).resumeAt
  expect(resumeAt(answer(403, google('dailyLimitExceeded')))).toBe(Date.UTC(2026, 0, 1, 8))
  expect(resumeAt(answer(429, { code: 429 }, { 'x-ratelimit-type': 'Daily-limit' }))).toBe(
    Date.UTC(2026, 0, 2),
  )
  const capped = { title: 'UsageCapExceeded', type: 'https://api.x.com/2/problems/usage-capped' }
  expect(resumeAt(answer(429, capped, { 'x-rate-limit-reset': '1769904000' }))).toBe(Date.UTC(2026, 1, 1))
  expect(resumeAt(answer(429, capped))).toBeUndefined()
})
