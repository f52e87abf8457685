// GitLab's manners, under /code.
//
// Wire facts and where they stand (docs.gitlab.com):
// - api/rest, "Keyset-based pagination": `pagination=keyset&order_by=id&sort=asc`, all three needed; `per_page` 1 to 100, default 20;
//   the next page stands in the `Link` header alone, with `id_after` in it. The list ends with an empty page without the header: one
//   request more than there are pages with records.
// - api/projects: `id_after` gives the projects whose id is greater.
// - api/rest/authentication: `PRIVATE-TOKEN`, or a bearer token; else 401 `{"message":"401 Unauthorized"}`.
// - administration/settings/user_and_ip_rate_limits: `RateLimit-*` on every response, the reset as an epoch; 429 as plain text `Retry later`
//   with `Retry-After`.
// Ids grow, with gaps. What is changed later keeps its id, so that a reader of new ids never sees the change.
import { firstProjectAfter, projectId } from './data.ts'
import type { Limiter, Verdict } from './limiter.ts'
import { bearerToken, type Call, json, type Reply, type Service, wholeNumber } from './service.ts'
import { CREDENTIALS } from './tokens.ts'
import type { World } from './world.ts'

const PATH = '/code/api/v4/projects'
const DEFAULT_PAGE = 20
const LARGEST_PAGE = 100
const KEYSET = { pagination: 'keyset', order_by: 'id', sort: 'asc' } as const

export function code(world: World, limiter: Limiter | undefined): Service {
  return {
    prefix: '/code',
    endpoints: [
      {
        name: 'code.projects',
        method: 'GET',
        path: PATH,
        limiters: limiter ? [limiter] : [],
        faults: ['unavailable', 'throttle', 'reset', 'slow', 'truncate', 'short'],
        answer: (call) => refuseToken(call) ?? list(world, call),
      },
    ],
    throttled: (_call, { resetMs }) => ({
      status: 429,
      headers: {
        'content-type': 'text/plain',
        'retry-after': `${Math.max(1, Math.ceil(resetMs / 1000))}`,
      },
      body: 'Retry later\n',
    }),
    unavailable: (_call, retryAfter) => ({
      status: 503,
      headers: {
        'content-type': 'text/html',
        ...(retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }),
      },
      body: '<!DOCTYPE html><title>GitLab is not responding (503)</title>',
    }),
    notFound: () => json(404, { error: '404 Not Found' }),
    errorBody: () => JSON.stringify({ message: '500 Internal Server Error' }),
    headers: rateHeaders,
  }
}

function rateHeaders([verdict]: readonly Verdict[], { now }: Call): Record<string, string> {
  if (verdict === undefined) return {}
  return {
    'ratelimit-name': 'throttle_authenticated_api',
    'ratelimit-limit': `${verdict.limit}`,
    'ratelimit-observed': `${verdict.limit - verdict.remaining}`,
    'ratelimit-remaining': `${verdict.remaining}`,
    'ratelimit-reset': `${Math.ceil((now + verdict.resetMs) / 1000)}`,
  }
}

function refuseToken(call: Call): Reply | undefined {
  const token = call.headers['private-token'] ?? bearerToken(call.headers)
  return token === CREDENTIALS.code.token ? undefined : json(401, { message: '401 Unauthorized' })
}

function list(world: World, call: Call): Reply {
  const query = call.url.searchParams
  for (const [param, value] of Object.entries(KEYSET)) {
    if (query.get(param) !== value)
      return json(400, { error: `this sandbox lists by keyset alone: ${param}=${value}` })
  }
  const size = query.has('per_page') ? wholeNumber(query.get('per_page')) : DEFAULT_PAGE
  if (size === undefined || size < 1) return json(400, { error: 'per_page is invalid' })
  const after = query.has('id_after') ? wholeNumber(query.get('id_after')) : 0
  if (after === undefined) return json(400, { error: 'id_after is invalid' })

  const first = firstProjectAfter(world.seed, after)
  const last = Math.min(world.projects.count, first + Math.min(size, LARGEST_PAGE))
  const rows: string[] = []
  for (let index = first; index < last; index++) rows.push(world.projectJson(index))
  return json(200, `[${rows.join(',')}]`, rows.length > 0 ? nextLink(world, call, last) : {}, rows.length)
}

function nextLink(world: World, call: Call, last: number): Record<string, string> {
  const next = new URL(call.url)
  next.searchParams.set('id_after', `${projectId(world.seed, last - 1)}`)
  return { link: `<${next.href}>; rel="next"` }
}
