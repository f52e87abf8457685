import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { pemOf, rsaKeys } from '../../test/auth/keys.ts'
import { openClient } from '../config/open-client.ts'
import { systemRuntime } from '../http/system-runtime.ts'
import { env } from '../options/secret.ts'
import type { ScriptedReply } from '../testing/scripted-transport.ts'
import { basic } from './basic.ts'
import { jwt } from './jwt.ts'
import { authOptions, createAuthenticator } from './options.ts'
import { type SessionOptions, session } from './session.ts'

const variables = { PASSWORD: 'p4ss word', KEY: pemOf(rsaKeys().privateKey), INSTALLATION: '4711' }
const login = { url: 'login', body: { user: 'ann', password: env('PASSWORD') } }

function build(options: Partial<SessionOptions>, replies: Iterable<ScriptedReply>) {
  const bench = authBench({ replies, variables, context: { baseUrl: 'https://api.test/v2/' } })
  const parsed = authOptions.parse(session({ login, token: 'data.token', ...options } as never))
  const auth = createAuthenticator(parsed, bench.context)
  return { ...bench, auth, sign: () => auth.sign(get('https://api.test/v2/items')) }
}
const reply = (token: string, more: object = {}) => ({ body: { data: { token }, ...more } })

// PEERS: Airbyte SessionTokenAuthenticator
// PEERS: Airbyte SessionTokenRequestBearerAuthenticator
test('it logs in with secrets in the body, below baseUrl, and sends the token as bearer', async () => {
  const { sign, requests, secrets } = build({}, [reply('session-token-1')])
  expect((await sign()).headers).toEqual({ authorization: 'Bearer session-token-1' })
  expect(requests).toEqual([
    {
      method: 'POST',
      url: 'https://api.test/v2/login',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: '{"user":"ann","password":"p4ss word"}',
    },
  ])
  expect(secrets).toEqual(['p4ss word', 'session-token-1'])
})

// PEERS: Airbyte SessionTokenRequestApiKeyAuthenticator
// PEERS: Airbyte LegacySessionTokenAuthenticator
test('the token goes into the header, parameter or cookie that the options name', async () => {
  const sent = async (options: Partial<SessionOptions>) => {
    const { authorization, ...headers } = (await build(options, [reply('tok')]).sign()).headers
    return authorization ?? headers
  }
  expect(await sent({ name: 'X-Metabase-Session' })).toEqual({ 'x-metabase-session': 'tok' })
  expect(await sent({ prefix: 'Token ' })).toBe('Token tok')
  expect(await sent({ in: 'cookie', name: 'sid' })).toEqual({ cookie: 'sid=tok' })
  expect((await build({ in: 'query', name: 'key' }, [reply('tok')]).sign()).url).toBe(
    'https://api.test/v2/items?key=tok',
  )
})

test('the token may stand in a header, with its prefix, or in a cookie, which is sent back as that cookie', async () => {
  const ofHeader = build({ token: { header: 'X-Auth-Token' } }, [
    { headers: { 'x-auth-token': 'Bearer tok-1' } },
  ])
  expect((await ofHeader.sign()).headers).toEqual({ authorization: 'Bearer tok-1' })
  const ofCookie = build({ token: { cookie: 'JSESSIONID' } }, [
    {
      status: 302,
      headers: { location: '/', 'set-cookie': ['a=1; Path=/', 'JSESSIONID=tok-2; Max-Age=600'] },
    },
  ])
  expect((await ofCookie.sign()).headers).toEqual({ cookie: 'JSESSIONID=tok-2' })
  await ofCookie.clock.advance(599_000)
  expect(ofCookie.auth.isReady!()).toBe(false)
})

test('of several cookies of one name the last one holds, as in a browser, until its own end', async () => {
  const { sign, auth, clock } = build({ token: { cookie: 'sid' } }, [
    {
      headers: {
        date: 'Tue, 20 Jan 2026 10:00:00 GMT',
        'set-cookie': [
          'sid=old; Max-Age=0',
          'sid="tok-3=" ; Path=/; Expires=Tue, 20 Jan 2026 10:10:00 GMT; HttpOnly',
          'sidecar=1; Max-Age=5',
        ],
      },
    },
  ])
  expect((await sign()).headers).toEqual({ cookie: 'sid="tok-3="' })
  await clock.advance(530_000)
  expect(auth.isReady!()).toBe(true)
  await clock.advance(69_000)
  expect(auth.isReady!()).toBe(false)
})

test.each([
  ['a text', { headers: { 'content-type': 'text/plain' }, body: 'tok-9\n' }],
  ['a text in JSON', { body: '"tok-9"' }],
])('the whole body may be the token, as %s', async (_name, answer) => {
  expect((await build({ token: '$' }, [answer]).sign()).headers).toEqual({ authorization: 'Bearer tok-9' })
})

test('a login may be a form, with query and headers of its own', async () => {
  const { sign, requests } = build(
    {
      login: {
        url: 'https://login.test/session?v=1',
        method: 'PUT',
        bodyFormat: 'form',
        body: { user: 'ann', password: env('PASSWORD') },
        query: { tenant: 7 },
        headers: { 'X-Key': env('PASSWORD') },
        auth: basic({ username: 'app', password: 'pw' }),
      },
    },
    [reply('tok')],
  )
  await sign()
  expect(requests[0]).toEqual({
    method: 'PUT',
    url: 'https://login.test/session?v=1&tenant=7',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'x-key': 'p4ss word',
      authorization: `Basic ${Buffer.from('app:pw').toString('base64')}`,
    },
    body: 'user=ann&password=p4ss+word',
  })
})

test('a GitHub App signs a token, and trades it for one of its installation', async () => {
  const { sign, requests, clock, auth } = build(
    {
      login: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable as YAML spells it
        url: 'app/installations/${env:INSTALLATION}/access_tokens',
        auth: jwt({ key: env('KEY'), issuer: '12345', expiresIn: '9m', backdate: '60s' }),
      },
      token: 'token',
      expires: 'expires_at',
    },
    [{ status: 201, body: { token: 'ghs_installation', expires_at: '2026-01-31T01:00:00Z' } }],
  )
  await clock.advance(Date.parse('2026-01-31T00:00:00Z') - clock.now())
  expect((await sign()).headers['authorization']).toBe('Bearer ghs_installation')
  expect(requests[0]?.url).toBe('https://api.test/v2/app/installations/4711/access_tokens')
  const signed = requests[0]!.headers['authorization']!.replace('Bearer ', '')
  await jwtVerify(signed, rsaKeys().publicKey, { currentDate: new Date(clock.now()), issuer: '12345' })
  expect(decodeJwt(signed)).toEqual({
    iss: '12345',
    iat: clock.now() / 1000 - 60,
    exp: clock.now() / 1000 + 480,
  })
  await clock.advance(3_545_000)
  expect(auth.isReady!()).toBe(false)
})

test.each<[string, Partial<SessionOptions>, object]>([
  ['expiresIn', { expiresIn: '10m' }, {}],
  ['seconds in the body', { expires: 'ttl' }, { ttl: 600 }],
  ['seconds as text', { expires: 'ttl' }, { ttl: '600' }],
  ['a time in the body', { expires: 'until' }, { until: '1970-01-01T00:10:00.000Z' }],
])('by %s it logs in again shortly before the end', async (_name, options, more) => {
  const shifted = JSON.parse(JSON.stringify(more))
  const { auth, sign, clock, events } = build(options, [
    () => {
      if ('until' in shifted) shifted.until = new Date(clock.now() + 600_000).toISOString()
      return reply('tok-1', shifted)
    },
    reply('tok-2'),
  ])
  await sign()
  await clock.advance(530_000)
  expect(auth.isReady!()).toBe(true)
  await clock.advance(20_000)
  expect(auth.isReady!()).toBe(false)
  expect((await sign()).headers['authorization']).toBe('Bearer tok-2')
  expect(events.map((event) => 'reason' in event && event.reason)).toEqual(['first', 'expiring'])
})

// PEERS: airbyte#31687
test('one login serves all that were refused together, and all that begin together', async () => {
  const { auth, sign, requests } = build({}, [reply('tok-1'), reply('tok-2')])
  const signed = await Promise.all(Array.from({ length: 5 }, sign))
  expect(requests).toHaveLength(1)
  expect(await Promise.all(signed.map((refused) => auth.renew!(refused)))).toEqual(Array(5).fill(true))
  expect(requests).toHaveLength(2)
  expect((await sign()).headers['authorization']).toBe('Bearer tok-2')
})

test('a login that is down is tried again, and told of when it stays down', async () => {
  const { sign, requests, clock } = build({}, [{ status: 503 }, { status: 429 }, reply('tok')])
  const signing = sign()
  await clock.advance(60_000)
  expect((await signing).headers['authorization']).toBe('Bearer tok')
  expect(requests).toHaveLength(3)
  const down = build({}, Array(5).fill({ status: 503, body: 'maintenance' }))
  const failing = messageOf(down.sign())
  await down.clock.advance(120_000)
  expect(await failing).toBe(
    'desk: the login POST login gave no token, asked 5 times: it answered 503: maintenance. Run again when it is available',
  )
})

const wrong = "Check the options below auth.login against the API's documentation"
test.each<[string, Partial<SessionOptions>, ScriptedReply, string]>([
  [
    'refused',
    {},
    { status: 401, body: { error: 'bad password p4ss word' } },
    `desk: the login POST login answered 401: bad password ***. ${wrong}`,
  ],
  [
    'refused under 200',
    {},
    { body: { ok: false, error: 'invalid_user', data: { token: 'x' } } },
    `desk: the login POST login answered 200: invalid_user. ${wrong}`,
  ],
  [
    'answered without a token at its path',
    {},
    { body: { data: { tokem: 'abc' }, user: 1 } },
    'desk: the login POST login answered 200 without a token at data.token, but with the fields data, user: set auth.token to where it stands',
  ],
  [
    'answered without its header',
    { token: { header: 'X-Token' } },
    { headers: {}, body: 'hello' },
    'desk: the login POST login answered 200 without a token at the header X-Token, but with 5 bytes that are no JSON object: set auth.token to where it stands',
  ],
  [
    'answered with the token as its whole body, which is not shown (S1)',
    {},
    { headers: { 'content-type': 'text/plain' }, body: 'eyJ.fresh-token' },
    'desk: the login POST login answered 200 without a token at data.token, but with 15 bytes that are no JSON object: set auth.token to where it stands',
  ],
  [
    'answered with a page where the token was expected',
    { token: '$' },
    { headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>Sign in' },
    'desk: the login POST login answered 200 without a token at $, but with <!doctype html><p>Sign in: set auth.token to where it stands',
  ],
  [
    'led elsewhere, where no password goes (R3)',
    {},
    { status: 307, headers: { location: 'https://evil.test/login?p=p4ss%20word' } },
    'desk: the login POST login answered 307 and points to https://evil.test/login?p=***: set auth.login.url to the address that answers itself',
  ],
  [
    'answered with a cookie that is taken away',
    { token: { cookie: 'sid' } },
    { headers: { 'set-cookie': 'sid=deleted; Max-Age=0' }, body: {} },
    'desk: the login POST login answered 200 without a token at the cookie sid, but with the fields (none): set auth.token to where it stands',
  ],
  [
    'answered without its cookie',
    { token: { cookie: 'sid' } },
    { headers: { 'set-cookie': 'other=1' }, body: {} },
    'desk: the login POST login answered 200 without a token at the cookie sid, but with the fields (none): set auth.token to where it stands',
  ],
])('a login that is %s says so, and never the password', async (_name, options, answer, message) => {
  expect(await messageOf(build(options, [answer]).sign())).toBe(message)
})

test('a password does not go to an address in clear text, nor to one that is none', async () => {
  const to = (url: string) => messageOf(build({ login: { ...login, url } }, []).sign())
  expect(await to('http://login.test/session?x=1')).toBe(
    'sources.desk.auth.login.url: "http://login.test/session" would send the credential in clear text: use https (plain http is for this machine only)',
  )
  expect(await to('https://')).toBe(
    'sources.desk.auth.login.url: "https://" is no URL: write a path below baseUrl, or an address that starts with https://',
  )
})

test('the value of a variable that is no address is not quoted, for it may be a secret (S1)', async () => {
  const bench = authBench({ variables: { LOGIN: 'https://s3cr3t:x' } })
  const options = session({ login: { url: env('LOGIN') }, token: 't' })
  const auth = createAuthenticator(authOptions.parse(options), bench.context)
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    'sources.desk.auth.login.url: the value of LOGIN is no URL: write a path below baseUrl, or an address that starts with https://',
  )
})

test('over HTTP: a session that the API has ended is renewed by one login, and nobody else notices', async () => {
  let valid = ''
  let logins = 0
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url === '/api/login') {
      const { password } = JSON.parse(Buffer.concat(await request.toArray()).toString())
      if (password !== 'p4ss word') return response.writeHead(403).end('{"error":"wrong"}')
      valid = `session-${++logins}`
      return response.end(JSON.stringify({ token: valid }))
    }
    if (request.headers['x-session'] !== valid) return response.writeHead(401).end('{}')
    return response.end('{"ok":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const runtime = systemRuntime()
  try {
    const client = openClient(
      'desk',
      {
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
        auth: session({ login, token: 'token', name: 'X-Session' }),
      },
      { runtime, lookup: (name) => variables[name as 'PASSWORD'] },
    )
    const ask = () =>
      client.request({ method: 'GET', url: 'items', query: {}, headers: {} }, async (response) => {
        await response.discard()
        return response.status
      })
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200])
    valid = 'ended'
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200])
    expect(logins).toBe(2)
  } finally {
    await runtime.transport.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
