import { expect, test } from 'vitest'
import { type Ask, deskAuth, grant, testWorld } from './ask.ts'
import { CREDENTIALS } from './tokens.ts'

const TICKETS = '/desk/api/v2/incremental/tickets/cursor'

/** Follows the cursor to the end of the stream; one token is enough, since the clock stands still. */
async function readAll(ask: Ask, first: string, perPage = 50) {
  const auth = await deskAuth(ask)
  const pages = []
  for (let query = first; ; ) {
    const { status, body } = await ask(`${TICKETS}?${query}&per_page=${perPage}`, auth)
    expect(status).toBe(200)
    pages.push(body)
    if (body.end_of_stream) return pages
    query = `cursor=${encodeURIComponent(body.after_cursor)}`
  }
}

test('the cursor leads through every ticket, and each page begins with the record that ended the page before', async () => {
  const { ask, sandbox } = testWorld()
  const pages = await readAll(ask, 'start_time=0')
  for (let i = 1; i < pages.length; i++) expect(pages[i].tickets[0]).toEqual(pages[i - 1].tickets.at(-1))
  const read = new Map(pages.flatMap((page) => page.tickets).map((ticket) => [`${ticket.id}`, ticket]))
  const truth = [...sandbox.truth.tickets()].map(({ key, json }) => [key, JSON.parse(json)] as const)
  expect(read).toEqual(new Map(truth))
  const order = pages.flatMap((page) =>
    page.tickets.map((t: { generated_timestamp: number }) => t.generated_timestamp),
  )
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

test('the cursor is base64 of generated timestamp and id, and after_url carries it', async () => {
  const { ask } = testWorld()
  const { body } = await ask(`${TICKETS}?start_time=0&per_page=10`, await deskAuth(ask))
  const last = body.tickets.at(-1)
  expect(atob(body.after_cursor)).toBe(`${last.generated_timestamp}.0||${last.id}|`)
  const next = new URL(body.after_url)
  expect(next.pathname).toBe(TICKETS)
  expect(next.searchParams.get('cursor')).toBe(body.after_cursor)
  expect(body).toMatchObject({ before_url: null, before_cursor: null, end_of_stream: false })
})

test('a page of one record moves on, although the boundary record would fill it', async () => {
  const { ask, sandbox } = testWorld({ records: { tickets: 9 } })
  const pages = await readAll(ask, 'start_time=0', 1)
  expect(pages.map((page) => `${page.tickets[0].id}`)).toEqual(
    [...sandbox.truth.tickets()].map(({ key }) => key),
  )
})

test('the cursor at the end of the stream stays valid and later returns what has changed', async () => {
  const { ask, sandbox, clock } = testWorld()
  const end = (await readAll(ask, 'start_time=0')).at(-1).after_cursor
  sandbox.mutate({ inserts: 2, updates: 3, deletes: 2 })
  await clock.advance(61_000)
  const changed = (await readAll(ask, `cursor=${end}`)).flatMap((page) => page.tickets)
  const generated = clock.now() / 1000 - 61
  const fresh = changed.filter((ticket) => ticket.generated_timestamp === generated)
  expect(fresh.length).toBeGreaterThanOrEqual(6)
  expect(fresh.filter((ticket) => ticket.status === 'deleted').length).toBeGreaterThan(0)
  expect(changed.length - fresh.length).toBeLessThanOrEqual(1)
  const truth = new Map([...sandbox.truth.tickets()].map(({ key, json }) => [key, JSON.parse(json)]))
  for (const ticket of changed) expect(ticket).toEqual(truth.get(`${ticket.id}`))
})

test('what changed in the last minute is withheld until the minute is over', async () => {
  const { ask, sandbox, clock } = testWorld({ records: { tickets: 5 } })
  const end = (await readAll(ask, 'start_time=0')).at(-1).after_cursor
  sandbox.mutate({ inserts: 1, updates: 0, deletes: 0 })
  await clock.advance(59_000)
  expect((await readAll(ask, `cursor=${end}`)).flatMap((page) => page.tickets)).toHaveLength(1)
  await clock.advance(1_000)
  expect((await readAll(ask, `cursor=${end}`)).flatMap((page) => page.tickets)).toHaveLength(2)
})

test('deleted tickets stay in the stream unless they are excluded, and a deleted user is inactive', async () => {
  const { ask, sandbox, clock } = testWorld({ records: { tickets: 20, users: 20 } })
  sandbox.mutate({ inserts: 0, updates: 0, deletes: 5 })
  await clock.advance(61_000)
  const auth = await deskAuth(ask)
  const statuses = async (more: string) =>
    (await ask(`${TICKETS}?start_time=0${more}`, auth)).body.tickets.map((t: { status: string }) => t.status)
  const all = await statuses('')
  expect(all).toHaveLength(20)
  expect(all).toContain('deleted')
  expect(await statuses('&exclude_deleted=true')).toEqual(
    all.filter((status: string) => status !== 'deleted'),
  )
  const users = await ask('/desk/api/v2/incremental/users/cursor?start_time=0', auth)
  expect(users.body.users.map((user: { active: boolean }) => user.active)).toContain(false)
})

test('some tickets were updated long before the generated timestamp that orders them', async () => {
  const { ask } = testWorld()
  const { body } = await ask(`${TICKETS}?start_time=0`, await deskAuth(ask))
  const lag = body.tickets.map(
    (t: { generated_timestamp: number; updated_at: string }) =>
      t.generated_timestamp - Date.parse(t.updated_at) / 1000,
  )
  expect(Math.max(...lag)).toBeGreaterThan(86_400)
  expect(Math.min(...lag)).toBe(0)
})

test('a stream without a record gives no cursor, and one that had a cursor keeps it', async () => {
  const { ask } = testWorld({ records: 0 })
  const auth = await deskAuth(ask)
  expect((await ask(`${TICKETS}?start_time=0`, auth)).body).toMatchObject({
    tickets: [],
    after_cursor: null,
    after_url: null,
    end_of_stream: true,
  })
  const cursor = btoa('1576613539.0||467|')
  expect((await ask(`${TICKETS}?cursor=${cursor}`, auth)).body.after_cursor).toBe(cursor)
})

test.each([
  [
    'start_time in the last minute',
    () => `start_time=${Date.parse('2026-01-31T00:00:00Z') / 1000 - 59}`,
    'Too recent start_time. Use a start_time older than 60 seconds',
  ],
  ['no start_time', () => '', 'start_time must be a Unix epoch in seconds'],
  ['a cursor that is none', () => 'cursor=abc', 'cursor is not valid'],
  ['an empty page', () => 'start_time=0&per_page=0', 'per_page must be a whole number from 1 to 1000'],
])('400 for %s', async (_what, query, description) => {
  const { ask } = testWorld()
  const answer = await ask(`${TICKETS}?${query()}`, await deskAuth(ask))
  expect(answer.status).toBe(400)
  expect(answer.body.description).toBe(description)
})

test('a page holds at most 1000 records, which is also the default', async () => {
  const { ask } = testWorld({ records: { tickets: 1_200 } })
  const auth = await deskAuth(ask)
  expect((await ask(`${TICKETS}?start_time=0`, auth)).body.tickets).toHaveLength(1_000)
  expect((await ask(`${TICKETS}?start_time=0&per_page=5000`, auth)).body.tickets).toHaveLength(1_000)
})

test('every reply tells the account window in seconds to its reset, and past 700 it is 429 with Retry-After', async () => {
  const { ask, sandbox, clock } = testWorld({ records: 10, tokenSeconds: 600 })
  await clock.advance(15_500)
  const auth = await deskAuth(ask)
  const first = await ask('/desk/api/v2/users/me.json', auth)
  expect(first.headers).toMatchObject({
    'ratelimit-limit': '700',
    'ratelimit-remaining': '699',
    'ratelimit-reset': '45',
    'x-rate-limit': '700',
    'x-rate-limit-remaining': '699',
  })
  for (let i = 1; i < 700; i++) await ask('/desk/api/v2/users/me.json', auth)
  expect(sandbox.stats.breachesTotal).toBe(0)
  const refused = await ask(`${TICKETS}?start_time=0`, auth)
  expect(refused.status).toBe(429)
  expect(refused.headers).toMatchObject({ 'retry-after': '45', 'ratelimit-remaining': '0' })
  expect(refused.body.error).toBe('APIRateLimitExceeded')
  expect(sandbox.stats.breaches).toEqual({ 'desk.tickets': 1 })
  await clock.advance(45_000)
  expect((await ask(`${TICKETS}?start_time=0`, auth)).status).toBe(200)
})

test('the export bucket is told in a header of its own when there is one, and not otherwise', async () => {
  const HEADER = 'zendesk-ratelimit-incremental-exports-cursor'
  const plain = testWorld()
  expect(
    (await plain.ask(`${TICKETS}?start_time=0`, await deskAuth(plain.ask))).headers[HEADER],
  ).toBeUndefined()
  const { ask } = testWorld({ limits: { deskExport: { requests: 2, perMs: 60_000, kind: 'fixed' } } })
  const auth = await deskAuth(ask)
  const told = async () => {
    const { status, headers } = await ask(`${TICKETS}?start_time=0`, auth)
    return [status, headers[HEADER]]
  }
  expect(await told()).toEqual([200, 'total=2; remaining=1; resets=60'])
  expect(await told()).toEqual([200, 'total=2; remaining=0; resets=60'])
  expect(await told()).toEqual([429, 'total=2; remaining=0; resets=60'])
})

test('a token lives 20 seconds, and then and when it is revoked the answer is 401 invalid_token', async () => {
  const { ask, sandbox, clock } = testWorld()
  const auth = await deskAuth(ask)
  await clock.advance(19_999)
  expect((await ask(`${TICKETS}?start_time=0`, auth)).status).toBe(200)
  await clock.advance(1)
  const expired = await ask(`${TICKETS}?start_time=0`, auth)
  expect(expired.status).toBe(401)
  expect(expired.body.error).toBe('invalid_token')
  expect(expired.headers['www-authenticate']).toContain('error="invalid_token"')
  const fresh = await deskAuth(ask)
  sandbox.revokeTokens()
  expect((await ask(`${TICKETS}?start_time=0`, fresh)).body.error).toBe('invalid_token')
  expect(sandbox.stats).toMatchObject({ tokensIssued: 2, unauthorised: 2 })
})

test('without a credential the export says 401, while users/me answers 200 as an anonymous user', async () => {
  const { ask } = testWorld()
  const refused = await ask(`${TICKETS}?start_time=0`)
  expect([refused.status, refused.body]).toEqual([401, { error: "Couldn't authenticate you" }])
  const me = await ask('/desk/api/v2/users/me.json')
  expect([me.status, me.body.user.id]).toEqual([200, null])
  expect((await ask('/desk/api/v2/users/me.json', await deskAuth(ask))).body.user.id).toBeTypeOf('number')
})

test('the token endpoint takes JSON, a form, and a client in Basic, and gives no refresh token for client credentials', async () => {
  const { ask } = testWorld()
  const { clientId, clientSecret } = CREDENTIALS.desk
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const asJson = await ask('/desk/oauth/tokens', grant())
  const asForm = await ask('/desk/oauth/tokens', {
    method: 'POST',
    headers: form,
    body: `grant_type=client_credentials&client_id=${clientId}&client_secret=${clientSecret}`,
  })
  const asBasic = await ask('/desk/oauth/tokens', {
    method: 'POST',
    headers: { ...form, authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: 'grant_type=client_credentials',
  })
  for (const { status, body } of [asJson, asForm, asBasic]) {
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      scope: 'read',
      expires_in: 20,
    })
  }
})

test.each([
  ['a wrong secret', grant({ client_secret: 'x' }), 401, 'invalid_client'],
  ['another grant', grant({ grant_type: 'password' }), 400, 'unsupported_grant_type'],
  [
    'an unknown refresh token',
    grant({ grant_type: 'refresh_token', refresh_token: 'x' }),
    400,
    'invalid_grant',
  ],
  ['a body that is no JSON', { ...grant(), body: '{' }, 400, 'invalid_request'],
])('the token endpoint refuses %s', async (_what, asking, status, error) => {
  const answer = await testWorld().ask('/desk/oauth/tokens', asking)
  expect([answer.status, answer.body.error]).toEqual([status, error])
})

test('a refresh token rotates, and showing a used one again ends the whole family', async () => {
  const { ask } = testWorld()
  const refresh = (token: string) =>
    ask('/desk/oauth/tokens', grant({ grant_type: 'refresh_token', refresh_token: token }))
  const first = await refresh(CREDENTIALS.desk.refreshToken)
  const second = await refresh(first.body.refresh_token)
  expect(second.body.refresh_token).not.toBe(first.body.refresh_token)
  const auth = { headers: { authorization: `Bearer ${second.body.access_token}` } }
  expect((await ask(`${TICKETS}?start_time=0`, auth)).status).toBe(200)
  expect((await refresh(first.body.refresh_token)).body.error).toBe('invalid_grant')
  expect((await refresh(second.body.refresh_token)).body.error).toBe('invalid_grant')
  expect((await ask(`${TICKETS}?start_time=0`, auth)).status).toBe(401)
})
