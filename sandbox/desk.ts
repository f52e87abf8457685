// Zendesk's manners, under /desk.
//
// Wire facts and where they stand (developer.zendesk.com/api-reference):
// - ticketing/ticket-management/incremental_exports: `start_time` first, then only `cursor`; `per_page` up to 1000, which is the
//   default; `after_cursor` is base64 of `{generated_timestamp}||{id}|`; `end_of_stream`; the cursor at the end of the stream stays valid and later
//   returns what has changed; the record at the boundary may come again; ordered by `generated_timestamp`, not by `updated_at`;
//   the most recent minute is withheld; `start_time` must be more than 60 s ago; deleted tickets stay, with `"status":"deleted"`.
// - introduction/rate-limits: 700 requests a minute for an Enterprise account; `ratelimit-reset` in seconds to the reset; 429 with
//   `Retry-After` in whole seconds; exports have a bucket of their own, told in `zendesk-ratelimit-incremental-exports-cursor`.
// - ticketing/oauth/oauth_tokens: `POST /oauth/tokens` takes JSON. Zendesk's shortest token lives 300 s; here it lives 20.
// - users/me without a credential answers 200 with an anonymous user.
import { ticketId, ticketIndex, userId, userIndex } from './data.ts'
import type { Limiter, Verdict } from './limiter.ts'
import {
  bearerToken,
  type Call,
  type Endpoint,
  json,
  type Reply,
  type Service,
  wholeNumber,
} from './service.ts'
import type { ChangeFeed, Place } from './tables.ts'
import type { TokenDesk } from './tokens.ts'
import type { World } from './world.ts'

const WITHHELD_SECONDS = 60
const LARGEST_PAGE = 1000

export interface DeskSettings {
  readonly tokens: TokenDesk
  readonly account: Limiter | undefined
  /** One for each of the two exports, or none. */
  readonly exports: { readonly tickets: Limiter | undefined; readonly users: Limiter | undefined }
}

interface Export {
  readonly name: 'tickets' | 'users'
  readonly feed: ChangeFeed
  idOf(index: number): number
  indexOf(id: number): number
  render(index: number): string
}

export function desk(world: World, settings: DeskSettings): Service {
  const { tokens } = settings
  const account = settings.account ? [settings.account] : []

  const authorised = (answer: (call: Call) => Reply) => (call: Call) => {
    const token = bearerToken(call.headers)
    if (token === undefined) return json(401, { error: "Couldn't authenticate you" })
    return tokens.isValid(token, call.now) ? answer(call) : invalidToken()
  }

  const incremental = (source: Export): Endpoint => {
    const bucket = settings.exports[source.name]
    return {
      name: `desk.${source.name}`,
      method: 'GET',
      path: `/desk/api/v2/incremental/${source.name}/cursor`,
      limiters: bucket ? [...account, bucket] : account,
      faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'short', 'revoke'],
      answer: authorised((call) => readExport(source, call)),
    }
  }

  const me: Endpoint = {
    name: 'desk.me',
    method: 'GET',
    path: '/desk/api/v2/users/me.json',
    limiters: account,
    faults: ['unavailable', 'throttle', 'reset'],
    answer: (call) => {
      const token = bearerToken(call.headers)
      if (token === undefined) {
        return json(200, {
          user: { id: null, name: 'Anonymous user', email: 'invalid@example.com', role: 'end-user' },
        })
      }
      if (!tokens.isValid(token, call.now)) return invalidToken()
      return json(200, {
        user: { id: userId(0), name: 'Sluice', email: 'sluice@example.com', role: 'admin' },
      })
    },
  }

  return {
    prefix: '/desk',
    endpoints: [
      {
        name: 'desk.token',
        method: 'POST',
        path: '/desk/oauth/tokens',
        limiters: [],
        // A reply that is lost after a refresh token was rotated would lock the client out for good: only what strikes before that.
        faults: ['unavailable', 'throttle', 'reset', 'slow'],
        answer: (call) => tokens.grant(call),
      },
      incremental({
        name: 'tickets',
        feed: world.tickets,
        idOf: ticketId,
        indexOf: ticketIndex,
        render: (index) => world.ticketJson(index),
      }),
      incremental({
        name: 'users',
        feed: world.users,
        idOf: userId,
        indexOf: userIndex,
        render: (index) => world.userJson(index),
      }),
      me,
    ],
    throttled: (_call, verdict) =>
      json(
        429,
        { error: 'APIRateLimitExceeded', description: 'Number of allowed API requests per minute exceeded' },
        { 'retry-after': `${Math.max(1, Math.ceil(verdict.resetMs / 1000))}` },
      ),
    unavailable: (_call, retryAfter) => ({
      status: 503,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        ...(retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }),
      },
      body: '<html><head><title>503 Service Temporarily Unavailable</title></head></html>',
    }),
    notFound: () => json(404, { error: { title: 'Invalid endpoint', message: 'Not found' } }),
    errorBody: () => JSON.stringify({ error: 'InternalError', description: 'Something went wrong' }),
    headers: rateHeaders,
    revoke: (call) => tokens.revoke(bearerToken(call.headers)),
  }
}

function invalidToken(): Reply {
  const description = 'The access token provided is expired, revoked, malformed or invalid for other reasons.'
  return json(
    401,
    { error: 'invalid_token', error_description: description },
    {
      'www-authenticate': `Bearer realm="Zendesk", error="invalid_token", error_description="${description}"`,
    },
  )
}

/** The account's window first, then the export's own bucket. */
function rateHeaders([account, bucket]: readonly Verdict[]): Record<string, string> {
  const headers: Record<string, string> = {}
  if (account) {
    headers['x-rate-limit'] = headers['ratelimit-limit'] = `${account.limit}`
    headers['x-rate-limit-remaining'] = headers['ratelimit-remaining'] = `${account.remaining}`
    headers['ratelimit-reset'] = `${seconds(account)}`
  }
  if (bucket) {
    headers['zendesk-ratelimit-incremental-exports-cursor'] =
      `total=${bucket.limit}; remaining=${bucket.remaining}; resets=${seconds(bucket)}`
  }
  return headers
}

const seconds = (verdict: Verdict): number => Math.ceil(verdict.resetMs / 1000)

function readExport(source: Export, call: Call): Reply {
  const query = call.url.searchParams
  const perPage = query.has('per_page') ? wholeNumber(query.get('per_page')) : LARGEST_PAGE
  if (!perPage) return badRequest('InvalidValue', `per_page must be a whole number from 1 to ${LARGEST_PAGE}`)
  const size = Math.min(perPage, LARGEST_PAGE)

  const cursor = query.get('cursor')
  const from =
    cursor === null ? startPlace(query.get('start_time'), call.now) : cursorPlace(source, cursor, size)
  if ('status' in from) return from

  const withDeleted = query.get('exclude_deleted') !== 'true'
  let rows = ''
  let count = 0
  let place: Place | undefined
  let end = true
  for (const record of source.feed.from(from, Math.floor(call.now / 1000) - WITHHELD_SECONDS)) {
    if (count === size) {
      end = false
      break
    }
    place = { second: record.generated, index: record.index }
    if (!withDeleted && record.deleted) continue
    rows += count++ === 0 ? source.render(record.index) : `,${source.render(record.index)}`
  }
  const after = place ? encodeCursor(place.second, source.idOf(place.index)) : cursor
  const afterUrl =
    after === null
      ? null
      : `${call.url.origin}${call.url.pathname}?cursor=${encodeURIComponent(after)}&per_page=${size}`
  return json(
    200,
    `{"${source.name}":[${rows}],"after_url":${JSON.stringify(afterUrl)},"after_cursor":${JSON.stringify(after)},` +
      `"before_url":null,"before_cursor":null,"end_of_stream":${end}}`,
    {},
    count,
  )
}

function startPlace(text: string | null, now: number): Place | Reply {
  const second = wholeNumber(text)
  if (second === undefined) return badRequest('InvalidValue', 'start_time must be a Unix epoch in seconds')
  if (second > now / 1000 - WITHHELD_SECONDS) {
    return badRequest('StartTimeTooRecent', 'Too recent start_time. Use a start_time older than 60 seconds')
  }
  return { second, index: 0 }
}

/** The record at the cursor comes again, unless a page has room for one record only. */
function cursorPlace(source: Export, cursor: string, size: number): Place | Reply {
  const match = /^(-?\d+)\.0\|\|(\d+)\|$/.exec(Buffer.from(cursor, 'base64').toString('latin1'))
  if (!match) return badRequest('InvalidPaginationParameter', 'cursor is not valid')
  const index = source.indexOf(Number(match[2]))
  return { second: Number(match[1]), index: size === 1 ? index + 1 : index }
}

function encodeCursor(second: number, id: number): string {
  return Buffer.from(`${second}.0||${id}|`, 'latin1').toString('base64')
}

function badRequest(error: string, description: string): Reply {
  return json(400, { error, description })
}
