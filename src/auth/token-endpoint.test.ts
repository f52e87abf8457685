import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { SluiceError } from '../errors.ts'
import { env } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { ScriptedReply } from '../testing/scripted-transport.ts'
import { oauth2 } from './oauth2.ts'
import { type OAuth2Options, oauth2Options } from './oauth2-options.ts'
import { createAuthenticator } from './options.ts'
import { quotable } from './token-error.ts'

const variables = { ID: 'client-1', SECRET: 's3cr3t/&+%', REFRESH: 'r3fr3sh-0' }
const tokenUrl = 'https://login.test/oauth/tokens?tenant=9'
const base = { tokenUrl, clientId: env('ID'), clientSecret: env('SECRET') }

function desk(replies: Iterable<ScriptedReply>, options: Partial<OAuth2Options> = {}) {
  const bench = authBench({ replies, variables })
  const parsed = oauth2Options.parse(oauth2({ grant: 'client_credentials', ...base, ...options }))
  const auth = createAuthenticator(parsed, bench.context)
  return { ...bench, auth, sign: () => auth.sign(get('https://api.test/items')) }
}

const granted = { body: { access_token: 'acc3ss-1', token_type: 'bearer', expires_in: 3600 } }

test('client credentials: a form, and the client in the Basic header, each part encoded', async () => {
  const { sign, requests, events, secrets } = desk([granted], {
    scope: 'read write',
    audience: 'https://api.test',
  })
  expect((await sign()).headers['authorization']).toBe('Bearer acc3ss-1')
  const [request] = requests
  expect(request).toMatchObject({ method: 'POST', url: tokenUrl })
  expect(request!.headers['content-type']).toBe('application/x-www-form-urlencoded')
  const sent = Buffer.from(request!.headers['authorization']!.slice(6), 'base64').toString()
  expect(sent).toBe('client-1:s3cr3t%2F%26%2B%25')
  expect(Object.fromEntries(new URLSearchParams(String(request!.body)))).toEqual({
    grant_type: 'client_credentials',
    scope: 'read write',
    audience: 'https://api.test',
  })
  expect(events).toEqual([
    expect.objectContaining({ type: 'token.refresh', source: 'desk', reason: 'first' }),
  ])
  expect(secrets).toEqual(['s3cr3t/&+%', request!.headers['authorization']!.slice(6), 'acc3ss-1'])
})

// PEERS: dlt auth access_token_request_data
test('Zendesk: JSON with the client in the body, numbers as numbers', async () => {
  const { sign, requests } = desk([granted], {
    clientAuth: 'body',
    bodyFormat: 'json',
    params: { expires_in: 600 },
  })
  await sign()
  expect(requests[0]!.headers).toEqual({ accept: 'application/json', 'content-type': 'application/json' })
  expect(JSON.parse(String(requests[0]!.body))).toEqual({
    expires_in: 600,
    grant_type: 'client_credentials',
    client_id: 'client-1',
    client_secret: 's3cr3t/&+%',
  })
})

// PEERS: Airbyte OAuthAuthenticator
test('replies that leave the standard are understood', async () => {
  const form = {
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: 'access_token=from-form&scope=',
  }
  expect((await desk([form]).sign()).headers['authorization']).toBe('Bearer from-form')
  const odd = { headers: { 'content-type': 'text/html' }, body: '{"access_token":"odd","token_type":"BOT"}' }
  expect((await desk([odd]).sign()).headers['authorization']).toBe('Bearer odd')
})

/** S1: neither in the message nor in a field, a cause or the stack. */
function expectNoSecret(what: unknown): void {
  const text = inspect(what, { depth: 10 })
  const basic = Buffer.from(`client-1:${encodeURIComponent(variables.SECRET)}`).toString('base64')
  for (const secret of [variables.SECRET, encodeURIComponent(variables.SECRET), variables.REFRESH, basic]) {
    expect(text).not.toContain(secret)
  }
}

const place = 'desk: the token endpoint https://login.test/oauth/tokens'
const refusals: [string, ScriptedReply, string][] = [
  [
    'an unknown client',
    {
      status: 401,
      body: { error: 'invalid_client', error_description: 'no client with s3cr3t/&+% or s3cr3t%2F%26%2B%25' },
    },
    `${place} answered 401: invalid_client (no client with *** or ***). Check auth.clientId and auth.clientSecret, and whether the server wants them in the header (clientAuth: basic) or in the body (clientAuth: body)`,
  ],
  [
    'a spent refresh token',
    { status: 400, body: { error: 'invalid_grant', error_description: 'r3fr3sh-0 was used' } },
    `${place} answered 400: invalid_grant (*** was used). The refresh token has expired, was revoked or was used already: authorize the application again and set the new one as auth.refreshToken`,
  ],
  [
    'GitHub, an error under 200',
    {
      body: {
        error: 'bad_refresh_token',
        error_description: 'The refresh token passed is incorrect or expired.',
      },
    },
    `${place} answered 200: bad_refresh_token (The refresh token passed is incorrect or expired.). The refresh token has expired, was revoked or was used already: authorize the application again and set the new one as auth.refreshToken`,
  ],
  [
    'Slack, not ok under 200',
    { body: { ok: false, error: 'invalid_refresh_token' } },
    `${place} answered 200: invalid_refresh_token. The refresh token has expired, was revoked or was used already: authorize the application again and set the new one as auth.refreshToken`,
  ],
  [
    'a scope that the server does not know',
    { status: 400, body: { error: 'invalid_scope' } },
    `${place} answered 400: invalid_scope. Check auth.scope, auth.audience and auth.params`,
  ],
  [
    'a grant that the client may not use',
    { status: 400, body: { error: 'unauthorized_client' } },
    `${place} answered 400: unauthorized_client. Allow this grant for the client at the server, or change auth.grant`,
  ],
  [
    'a body that the server cannot read',
    { status: 400, body: { error: 'invalid_request' } },
    `${place} answered 400: invalid_request. Check auth.bodyFormat (form or json) and auth.params against what the API asks for`,
  ],
  [
    'an error as an object',
    { status: 403, body: { error: { code: 403, message: 'disabled\nby admin' } } },
    `${place} answered 403: 403 (disabled by admin). Check the options below auth against the API's documentation`,
  ],
  [
    'the wrong address',
    { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>not here</html>' },
    `${place} answered 404: <html>not here</html>. Check that auth.tokenUrl is the token endpoint`,
  ],
  [
    'a redirect, to which no secret is sent',
    { status: 302, headers: { location: 'https://elsewhere.test/token' } },
    `${place} answered 302 and points to https://elsewhere.test/token: set auth.tokenUrl to the address that answers itself`,
  ],
  [
    'a page instead of a token',
    { body: `<html>${'x'.repeat(200)}` },
    `${place} answered 200 without an access_token, but with <html>${'x'.repeat(114)}…: check that auth.tokenUrl is the token endpoint`,
  ],
  [
    'JSON without a token',
    { body: { id: 1, name: 'x' } },
    `${place} answered 200 without an access_token, but with the fields id, name: check that auth.tokenUrl is the token endpoint`,
  ],
  [
    'a reply without an end',
    { body: new Uint8Array((1 << 20) + 1) },
    `${place} answered 200 with more than 1048576 bytes: check that auth.tokenUrl is the token endpoint`,
  ],
]
test.each(refusals)('refused for good, and asked once: %s', async (_, reply, message) => {
  const { sign, requests } = desk([reply], { grant: 'refresh_token', refreshToken: env('REFRESH') })
  const error = await sign().catch((caught) => caught)
  expect(error).toMatchObject({ code: 'TOKEN_REFUSED', recovery: 'fix-config', message })
  expectNoSecret(error)
  expect(requests).toHaveLength(1)
})

test('a refused credential is not shown to the server again for a minute', async () => {
  const { sign, requests, clock } = desk([{ status: 401, body: { error: 'invalid_client' } }, granted])
  const message = await messageOf(sign())
  expect(await messageOf(sign())).toBe(message)
  await clock.advance(60_000)
  expect((await sign()).headers['authorization']).toBe('Bearer acc3ss-1')
  expect(requests).toHaveLength(2)
})

class Lost extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery = 'retry'
}

test('passing failures are asked again, after Retry-After at least', async () => {
  const at: number[] = []
  const step = (reply: ScriptedReply) => () => {
    at.push(bench.clock.now())
    return reply
  }
  const bench = desk([
    step(new Lost('connection reset')),
    step({ status: 429, headers: { 'retry-after': '7.5' } }),
    step({ status: 503, headers: { 'retry-after': 'Sat, 31 Jan 2026 00:00:30 GMT' } }),
    step({ body: { error: 'temporarily_unavailable' } }),
    step(granted),
  ])
  const signed = bench.sign()
  await bench.clock.advance(60_000)
  expect((await signed).headers['authorization']).toBe('Bearer acc3ss-1')
  const start = Date.parse('2026-01-31T00:00:00Z')
  const waits = at.slice(1).map((time, i) => time - at[i]!)
  expect(waits[0]).toBeLessThanOrEqual(500)
  expect(waits[1]).toBeGreaterThanOrEqual(7500)
  expect(waits[1]).toBeLessThanOrEqual(8500)
  expect(at[3]).toBeGreaterThanOrEqual(start + 30_000)
  expect(waits[3]).toBeLessThanOrEqual(4000)
})

test('a body that breaks off is asked again', async () => {
  const { sign, clock } = desk([{ body: '{"access', bodyError: new Lost('body truncated') }, granted])
  const signed = sign()
  await clock.advance(1000)
  expect((await signed).headers['authorization']).toBe('Bearer acc3ss-1')
})

test('it gives up after five attempts, and says what the last one met', async () => {
  const { sign, clock, requests } = desk(Array(5).fill({ status: 503, body: 'down' }))
  const failed = sign().catch((caught) => caught)
  await clock.advance(120_000)
  expect(await failed).toMatchObject({
    code: 'RETRIES_EXHAUSTED',
    recovery: 'stop-stream',
    message: `${place} gave no token, asked 5 times: it answered 503. Run again when it is available`,
  })
  expect(requests).toHaveLength(5)
})

test('S1: neither an error nor an event holds a secret that the server repeats', async () => {
  const echo = (request: HttpRequest): ScriptedReply => ({
    status: 503,
    headers: { 'content-type': 'application/json' },
    body: { error: 'server_error', error_description: `${request.body} ${request.headers['authorization']}` },
  })
  const { sign, clock, events } = desk([...Array(5).fill(echo), granted], {
    grant: 'refresh_token',
    refreshToken: env('REFRESH'),
  })
  const failed = sign().catch((caught) => caught)
  await clock.advance(60_000)
  const error = await failed
  expect(error.message).toContain('server_error (grant_type=refresh_token&refresh_token=*** Basic ***)')
  expectNoSecret(error)
  await sign()
  expect(events).toHaveLength(1)
  expectNoSecret(events)
})

test('it does not wait longer than two minutes for a server that asks for more', async () => {
  const { sign, clock } = desk([
    { status: 429, headers: { 'retry-after': '3600' }, body: { error: 'slow_down' } },
  ])
  expect(await messageOf(sign())).toBe(
    `${place} gave no token, asked once: it answered 429: slow_down and asks for 3600 s before the next request. Run again when it is available`,
  )
  expect(clock.sleepers).toBe(0)
})

test('an error that is no failure of the network is passed on as it is', async () => {
  expect(await messageOf(desk([new TypeError('broken transport')]).sign())).toBe('broken transport')
})

test.each([
  [
    { tokenUrl: 'http://login.test/token' },
    'tokenUrl',
    '"http://login.test/token" would send the credential in clear text: use https (plain http is for this machine only)',
  ],
  [
    { tokenUrl: 'login.test' },
    'tokenUrl',
    '"login.test" is no address: write one that starts with http:// or https://, or env(\'NAME\')',
  ],
  [{ grant: 'refresh_token' as const }, 'refreshToken', 'the grant refresh_token needs refreshToken'],
])('options: %o is refused', (options, path, message) => {
  const wrong = oauth2Options.safeParse(oauth2({ grant: 'client_credentials', ...base, ...options }))
  expect(wrong.error?.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([[path, message]])
})

test('options: client credentials need a secret', () => {
  const wrong = oauth2Options.safeParse({
    type: 'oauth2',
    grant: 'client_credentials',
    tokenUrl,
    clientId: 'x',
  })
  expect(wrong.error?.issues.map((issue) => issue.message)).toEqual([
    'the grant client_credentials needs clientSecret',
  ])
})

test('plain http is taken on the loopback interface', () => {
  for (const url of ['http://127.0.0.1:9/t', 'http://localhost/t', 'http://[::1]:8/t']) {
    expect(
      oauth2Options.safeParse(oauth2({ ...base, grant: 'client_credentials', tokenUrl: url })).success,
    ).toBe(true)
  }
})

test.each([
  [
    'plain text',
    { headers: { 'content-type': 'text/plain' }, body: 'eyJ.fresh-token' },
    '15 bytes that are no JSON object',
  ],
  ['a text in JSON', { body: '"eyJ.fresh-token"' }, '17 bytes that are no JSON object'],
  [
    'a form under another name',
    { headers: { 'content-type': 'text/plain' }, body: 'access_token=fresh-token&x=1' },
    '28 bytes that are no JSON object',
  ],
  ['XML', { headers: {}, body: '<string>fresh-token</string>' }, '28 bytes that are no JSON object'],
])('S1: a reply that may be the token itself is not quoted: %s', async (_name, reply, found) => {
  const message = await messageOf(desk([reply]).sign())
  expect(message).toContain(`without an access_token, but with ${found}: check that auth.tokenUrl`)
})

test('S1: a secret with half a character in it is replaced as any other, and breaks no message', () => {
  expect(quotable('no key-1\ud800, no key-2', ['key-1\ud800', 'key-2'])).toBe('no ***, no ***')
})
