// Stripe's manners, under /pay.
//
// Wire facts and where they stand (docs.stripe.com):
// - api/pagination: `{"object":"list","url","has_more","data"}`, newest first; `limit` 1 to 100, default 10; `starting_after` and
//   `ending_before` take an id, never both; a page of `ending_before` is newest first too.
// - api/balance_transactions/list: filters `created`, `created[gt|gte|lt|lte]`, in epoch seconds.
// - api/errors: `{"error":{"type","code","message","param","doc_url"}}`; an unknown id in a cursor is `resource_missing`, 400.
// - rate-limits: 25 requests a second for each endpoint. This one answers 429 without `Retry-After` and without a budget header.
// Several transactions share a second, and new ones arrive at the head while a reader pages.
import { transactionIndex } from './data.ts'
import type { Limiter } from './limiter.ts'
import {
  basicCredentials,
  bearerToken,
  type Call,
  json,
  type Reply,
  type Service,
  wholeNumber,
} from './service.ts'
import { CREDENTIALS } from './tokens.ts'
import type { World } from './world.ts'

const PATH = '/pay/v1/balance_transactions'
const DEFAULT_LIMIT = 10
const LARGEST_LIMIT = 100
const DOCS = 'https://stripe.com/docs/error-codes'

export function pay(world: World, limiter: Limiter | undefined): Service {
  return {
    prefix: '/pay',
    endpoints: [
      {
        name: 'pay.transactions',
        method: 'GET',
        path: PATH,
        limiters: limiter ? [limiter] : [],
        faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'short'],
        answer: (call) => refuseKey(call) ?? list(world, call),
      },
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

function list(world: World, call: Call): Reply {
  const query = call.url.searchParams
  const limit = query.has('limit') ? wholeNumber(query.get('limit')) : DEFAULT_LIMIT
  if (limit === undefined)
    return invalid('limit', `Invalid integer: ${query.get('limit')}`, 'parameter_invalid_integer')
  if (limit < 1 || limit > LARGEST_LIMIT) {
    return invalid('limit', `This value must be between 1 and ${LARGEST_LIMIT}.`, 'parameter_invalid_integer')
  }
  const range = createdRange(world, query)
  if ('status' in range) return range

  const after = cursorIndex(world, query, 'starting_after')
  const before = cursorIndex(world, query, 'ending_before')
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
  for (let index = last - 1; index >= first; index--) rows.push(world.transactionJson(index))
  return json(
    200,
    `{"object":"list","url":"/v1/balance_transactions","has_more":${hasMore},"data":[${rows.join(',')}]}`,
    { 'stripe-version': '2026-07-29.dahlia' },
    rows.length,
  )
}

function createdRange(world: World, query: URLSearchParams): { first: number; last: number } | Reply {
  let first = 0
  let last = world.transactions.count
  for (const [param, text] of query) {
    const match = /^created(?:\[(gte|gt|lte|lt)\])?$/.exec(param)
    if (!match) continue
    const second = wholeNumber(text)
    if (second === undefined) return invalid(param, `Invalid integer: ${text}`, 'parameter_invalid_integer')
    const operator = match[1]
    const log = world.transactions
    if (operator === 'gte' || operator === undefined) first = Math.max(first, log.firstSince(second))
    if (operator === 'gt') first = Math.max(first, log.firstSince(second + 1))
    if (operator === 'lt') last = Math.min(last, log.firstSince(second))
    if (operator === 'lte' || operator === undefined) last = Math.min(last, log.firstSince(second + 1))
  }
  return { first, last }
}

function cursorIndex(world: World, query: URLSearchParams, param: string): number | undefined | Reply {
  const id = query.get(param)
  if (id === null) return undefined
  const index = transactionIndex(world.seed, id)
  if (index !== undefined && index < world.transactions.count) return index
  return failure(400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such balance_transaction: '${id}'`,
    param,
    doc_url: `${DOCS}/resource-missing`,
  })
}
