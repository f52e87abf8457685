// Stripe's manners, under /pay.
//
// Wire facts and where they stand (docs.stripe.com):
// - api/pagination: `{"object":"list","url","has_more","data"}`, newest first; `limit` 1 to 100, default 10; `starting_after` and
//   `ending_before` take an id, never both; a page of `ending_before` is newest first too.
// - api/balance_transactions/list and api/charges/list: filters `created`, `created[gt|gte|lt|lte]`, in epoch seconds.
// - api/errors: `{"error":{"type","code","message","param","doc_url"}}`; an unknown id in a cursor is `resource_missing`, 400.
// - rate-limits: 25 requests a second for each endpoint. This one answers 429 without `Retry-After` and without a budget header.
// Several records share a second, and new ones arrive at the head while a reader pages.
import { chargeIndex, transactionIndex } from './data.ts'
import type { Limiter } from './limiter.ts'
import {
  basicCredentials,
  bearerToken,
  type Call,
  type Endpoint,
  json,
  type Reply,
  type Service,
  wholeNumber,
} from './service.ts'
import type { AppendLog } from './tables.ts'
import { CREDENTIALS } from './tokens.ts'
import type { World } from './world.ts'

const DEFAULT_LIMIT = 10
const LARGEST_LIMIT = 100
const DOCS = 'https://stripe.com/docs/error-codes'

/** A list of this API: what it holds, oldest first. */
interface Listed {
  /** The end of its path, and of the `url` in its envelope. */
  readonly path: string
  /** As in an error's message. */
  readonly kind: string
  readonly log: AppendLog
  json(index: number): string
  indexOf(id: string): number | undefined
}

export function pay(
  world: World,
  limiters: { transactions: Limiter | undefined; charges: Limiter | undefined },
): Service {
  const endpoint = (name: string, limiter: Limiter | undefined, listed: Listed): Endpoint => ({
    name,
    method: 'GET',
    path: `/pay/v1/${listed.path}`,
    limiters: limiter ? [limiter] : [],
    faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'short'],
    answer: (call) => refuseKey(call) ?? list(listed, call),
  })
  return {
    prefix: '/pay',
    endpoints: [
      endpoint('pay.transactions', limiters.transactions, {
        path: 'balance_transactions',
        kind: 'balance_transaction',
        log: world.transactions,
        json: (index) => world.transactionJson(index),
        indexOf: (id) => transactionIndex(world.seed, id),
      }),
      endpoint('pay.charges', limiters.charges, {
        path: 'charges',
        kind: 'charge',
        log: world.charges,
        json: (index) => world.chargeJson(index),
        indexOf: (id) => chargeIndex(world.seed, id),
      }),
    ],
    throttled: () =>
      failure(429, {
        type: 'invalid_request_error',
        code: 'rate_limit',
        message:
          'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
        doc_url: `${DOCS}/rate-limit`,
      }),
    unavailable: (_call, retryAfter) =>
      failure(
        503,
        { type: 'api_error', message: 'Stripe is temporarily unavailable. Please retry your request.' },
        retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
      ),
    notFound: (call) =>
      failure(404, {
        type: 'invalid_request_error',
        message: `Unrecognized request URL (${call.method}: ${call.url.pathname.slice('/pay'.length)}).`,
      }),
    errorBody: () =>
      JSON.stringify({ error: { type: 'api_error', message: 'An unexpected error occurred.' } }),
  }
}

function failure(status: number, error: Record<string, string>, headers: Record<string, string> = {}): Reply {
  return json(status, { error }, headers)
}

function invalid(param: string, message: string, code?: string): Reply {
  return failure(400, { type: 'invalid_request_error', ...(code ? { code } : {}), message, param })
}

function refuseKey(call: Call): Reply | undefined {
  const key = bearerToken(call.headers) ?? basicCredentials(call.headers)?.[0]
  if (key === CREDENTIALS.pay.secretKey) return undefined
  const message =
    key === undefined
      ? 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.'
      : `Invalid API Key provided: ${key.slice(0, 8)}${'*'.repeat(Math.max(0, key.length - 12))}${key.slice(-4)}`
  return failure(401, { type: 'invalid_request_error', message })
}

function list(listed: Listed, call: Call): Reply {
  const query = call.url.searchParams
  const limit = query.has('limit') ? wholeNumber(query.get('limit')) : DEFAULT_LIMIT
  if (limit === undefined)
    return invalid('limit', `Invalid integer: ${query.get('limit')}`, 'parameter_invalid_integer')
  if (limit < 1 || limit > LARGEST_LIMIT) {
    return invalid('limit', `This value must be between 1 and ${LARGEST_LIMIT}.`, 'parameter_invalid_integer')
  }
  const range = createdRange(listed.log, query)
  if ('status' in range) return range

  const after = cursorIndex(listed, query, 'starting_after')
  const before = cursorIndex(listed, query, 'ending_before')
  if (typeof after === 'object') return after
  if (typeof before === 'object') return before
  if (after !== undefined && before !== undefined) {
    return invalid('ending_before', 'You cannot parameterize both starting_after and ending_before.')
  }

  // Indexes run from the oldest to the newest; the page is [first, last), sent backwards.
  let { first, last } = range
  let hasMore: boolean
  if (before !== undefined) {
    first = Math.max(first, before + 1)
    hasMore = last - first > limit
    last = Math.min(last, first + limit)
  } else {
    last = Math.min(last, after ?? last)
    hasMore = last - first > limit
    first = Math.max(first, last - limit)
  }
  const rows: string[] = []
  for (let index = last - 1; index >= first; index--) rows.push(listed.json(index))
  return json(
    200,
    `{"object":"list","url":"/v1/${listed.path}","has_more":${hasMore},"data":[${rows.join(',')}]}`,
    { 'stripe-version': '2026-07-29.dahlia' },
    rows.length,
  )
}

function createdRange(log: AppendLog, query: URLSearchParams): { first: number; last: number } | Reply {
  let first = 0
  let last = log.count
  for (const [param, text] of query) {
    const match = /^created(?:\[(gte|gt|lte|lt)\])?$/.exec(param)
    if (!match) continue
    const second = wholeNumber(text)
    if (second === undefined) return invalid(param, `Invalid integer: ${text}`, 'parameter_invalid_integer')
    const operator = match[1]
    if (operator === 'gte' || operator === undefined) first = Math.max(first, log.firstSince(second))
    if (operator === 'gt') first = Math.max(first, log.firstSince(second + 1))
    if (operator === 'lt') last = Math.min(last, log.firstSince(second))
    if (operator === 'lte' || operator === undefined) last = Math.min(last, log.firstSince(second + 1))
  }
  return { first, last }
}

function cursorIndex(listed: Listed, query: URLSearchParams, param: string): number | undefined | Reply {
  const id = query.get(param)
  if (id === null) return undefined
  const index = listed.indexOf(id)
  if (index !== undefined && index < listed.log.count) return index
  return failure(400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${listed.kind}: '${id}'`,
    param,
    doc_url: `${DOCS}/resource-missing`,
  })
}
