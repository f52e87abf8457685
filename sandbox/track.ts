// Mixpanel's manners, under /track.
//
// Wire facts and where they stand (docs.mixpanel.com and developer.mixpanel.com/reference):
// - raw-event-export: `from_date` and `to_date` as yyyy-mm-dd, both included, UTC days; a `to_date` after today is 400; JSON Lines as
//   text/plain, gzip when the client asks for it and the body is over 1400 bytes; no cursor, no total; chunks don't end where lines end.
// - raw exports aren't deduplicated: a line may come twice. The key is `properties.$insert_id`.
// - the stream may end early under HTTP 200, with the line `export terminated early` (mixpanel/mixpanel-utils issue 5).
// - events arrive late, up to five days here; `mp_processing_time_ms` says when.
// - service-accounts: Basic user:secret, and `project_id` in the query. 401 `{"code":401,"error":"Invalid credentials","status":"Unauthorized"}`.
// - rate-limits: 3 requests a second on the export; 429 with a JSON body and no header.
// The event query by `offset` and `limit` with a `total` is this sandbox's own, in the older error style of Mixpanel's query API.

import { gzipPieces } from './gzip.ts'
import type { Limiter } from './limiter.ts'
import { hashText, mix } from './random.ts'
import { basicCredentials, type Call, json, type Reply, type Service, wholeNumber } from './service.ts'
import { CREDENTIALS } from './tokens.ts'
import type { World } from './world.ts'

const DAY_MS = 86_400_000
const LARGEST_PAGE = 1000
const GZIP_FROM_BYTES = 1400
const PIECE_CHARACTERS = 65_536
/** One line in so many comes twice. */
const REPEAT_ONE_IN = 53

export function track(
  world: World,
  limiters: { query: Limiter | undefined; export: Limiter | undefined },
): Service {
  return {
    prefix: '/track',
    endpoints: [
      {
        name: 'track.events',
        method: 'GET',
        path: '/track/api/query/events',
        limiters: limiters.query ? [limiters.query] : [],
        faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'short'],
        answer: (call) => refuseAccount(call) ?? query(world, call),
      },
      {
        name: 'track.export',
        method: 'GET',
        path: '/track/api/2.0/export',
        limiters: limiters.export ? [limiters.export] : [],
        faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'terminate'],
        answer: (call) => refuseAccount(call) ?? exportDays(world, call),
      },
    ],
    throttled: () =>
      json(429, {
        code: 429,
        error: 'Project exceeded rate limits. Please retry the request with exponential backoff.',
        status: 'Too Many Requests',
      }),
    unavailable: (_call, retryAfter) =>
      json(
        503,
        { code: 503, error: 'Service unavailable', status: 'Service Unavailable' },
        retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
      ),
    notFound: (call) => json(404, { error: 'Not found', request: requestOf(call) }),
    errorBody: () => JSON.stringify({ error: 'an internal error occurred', status: 'error' }),
  }
}

/** Path and query as Mixpanel repeats them in an error. */
const requestOf = (call: Call): string => `${call.url.pathname.slice('/track'.length)}${call.url.search}`

const badRequest = (call: Call, error: string): Reply => json(400, { error, request: requestOf(call) })

function refuseAccount(call: Call): Reply | undefined {
  const [username, secret] = basicCredentials(call.headers) ?? []
  const { track: account } = CREDENTIALS
  if (username !== account.username || secret !== account.secret) {
    return json(401, { code: 401, error: 'Invalid credentials', status: 'Unauthorized' })
  }
  const project = call.url.searchParams.get('project_id')
  if (project === null) return badRequest(call, 'project_id is a required parameter for service accounts')
  if (project !== account.projectId) {
    return json(403, { code: 403, error: `Account has no access to project ${project}`, status: 'Forbidden' })
  }
  return undefined
}

function query(world: World, call: Call): Reply {
  const given = call.url.searchParams
  const offset = given.has('offset') ? wholeNumber(given.get('offset')) : 0
  const limit = given.has('limit') ? wholeNumber(given.get('limit')) : 100
  if (offset === undefined)
    return badRequest(call, `offset must be a whole number, not ${given.get('offset')}`)
  if (limit === undefined || limit < 1 || limit > LARGEST_PAGE) {
    return badRequest(
      call,
      `limit must be a whole number from 1 to ${LARGEST_PAGE}, not ${given.get('limit')}`,
    )
  }
  const total = world.events.count
  const rows: string[] = []
  for (let index = offset; index < Math.min(total, offset + limit); index++) rows.push(world.eventJson(index))
  return json(
    200,
    `{"results":[${rows.join(',')}],"total":${total},"offset":${offset},"limit":${limit}}`,
    {},
    rows.length,
  )
}

function exportDays(world: World, call: Call): Reply {
  const given = call.url.searchParams
  const from = dayOf(given.get('from_date'))
  const to = dayOf(given.get('to_date'))
  if (from === undefined || to === undefined)
    return badRequest(call, 'from_date and to_date must be in yyyy-mm-dd format')
  if (to < from) return badRequest(call, 'to_date must not be before from_date')
  if (to > Math.floor(call.now / DAY_MS)) return badRequest(call, 'to_date cannot be later than today')

  const lines = call.fault === 'terminate' ? cutLines(world, from, to, call) : exportLines(world, from, to)
  const pieces = bytePieces(lines)
  const first = pieces.next()
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (first.done) return { status: 200, headers, body: [] }
  const all = prepend(first.value, pieces)
  const wantsGzip = /\bgzip\b/.test(call.headers['accept-encoding'] ?? '')
  return wantsGzip && first.value.length > GZIP_FROM_BYTES
    ? { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipPieces(all) }
    : { status: 200, headers, body: all }
}

/** Days since 1970 of a yyyy-mm-dd that exists. */
function dayOf(text: string | null): number | undefined {
  if (text === null || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const time = Date.parse(`${text}T00:00:00Z`)
  return new Date(Number.isNaN(time) ? 0 : time).toISOString().startsWith(text) ? time / DAY_MS : undefined
}

function* exportLines(world: World, from: number, to: number): Generator<string> {
  for (let day = from; day <= to; day++) {
    for (const event of world.exportEvents.day(day)) {
      const line = `${world.exportJson(event)}\n`
      yield line
      if (mix(world.seed, 0xd0b1e, event.index) % REPEAT_ONE_IN === 0) yield line
    }
  }
}

/** Stops after some hundred lines at most, and says so in a line that isn't JSON. */
function* cutLines(world: World, from: number, to: number, call: Call): Generator<string> {
  let left = mix(world.seed, hashText(call.url.search)) % 400
  for (const line of exportLines(world, from, to)) {
    if (left-- <= 0) break
    yield line
  }
  yield 'export terminated early\n'
}

/** Text as UTF-8 in pieces whose ends fall inside lines, and now and then inside a character. */
function* bytePieces(lines: Iterable<string>): Generator<Uint8Array> {
  let text = ''
  let rest: Buffer = Buffer.alloc(0)
  for (const line of lines) {
    text += line
    if (text.length < PIECE_CHARACTERS) continue
    const bytes = Buffer.concat([rest, Buffer.from(text)])
    const end = bytes.length - 5 - (bytes.length % 97)
    rest = bytes.subarray(end)
    text = ''
    yield bytes.subarray(0, end)
  }
  const last = Buffer.concat([rest, Buffer.from(text)])
  if (last.length > 0) yield last
}

function* prepend(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first
  yield* rest
}
