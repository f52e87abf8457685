import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { env } from '../options/secret.ts'
import { apiKey } from './api-key.ts'
import { basic } from './basic.ts'
import { bearer } from './bearer.ts'
import { none } from './none.ts'
import { type AuthOptions, authOptions, createAuthenticator } from './options.ts'

const variables = { TOKEN: 't0k-value', USER_NAME: 'ann@example.com', TRAILING: 'abc123\n', BAD: 'a“b' }

function build(options: AuthOptions) {
  const bench = authBench({ variables })
  return { ...bench, auth: createAuthenticator(authOptions.parse(options), bench.context) }
}

// PEERS: dlt auth bearer
// PEERS: dlt test_client basic, bearer, API key
// PEERS: Airbyte BearerAuthenticator
test('a bearer token is looked up late, sent in the header and reported as a secret', async () => {
  const { auth, secrets } = build(bearer({ token: env('TOKEN') }))
  expect(secrets).toEqual([])
  const signed = await auth.sign(get('https://api.test/a', { accept: 'application/json' }))
  expect(signed.headers).toEqual({ accept: 'application/json', authorization: 'Bearer t0k-value' })
  await auth.sign(get('https://api.test/b'))
  expect(secrets).toEqual(['t0k-value'])
  expect(auth.renew).toBeUndefined()
})

test('YAML and TypeScript give the same options', () => {
  expect(bearer({ token: 'x' })).toEqual({ type: 'bearer', token: 'x' })
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a secret as YAML spells it
  const { auth } = build({ type: 'bearer', token: '${env:TOKEN}' })
  return expect(auth.sign(get('https://api.test/'))).resolves.toMatchObject({
    headers: { authorization: 'Bearer t0k-value' },
  })
})

test('a missing variable is named', async () => {
  const { auth } = build(bearer({ token: env('NOT_THERE') }))
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    'the environment variable NOT_THERE is not set: set it before the run, or name another one in the pipeline',
  )
})

test('a credential with a line break is refused without being quoted', async () => {
  const { auth } = build(bearer({ token: env('TRAILING') }))
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    "sources.desk.auth.token: the value of TRAILING holds a line break or another control character, which a credential cannot: remove it (a file's last line break is a common cause)",
  )
})

test('a credential that no header can carry is refused without being quoted', async () => {
  const { auth } = build(bearer({ token: env('BAD') }))
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    'sources.desk.auth.token: the value holds a character that an HTTP header cannot carry: check that the right secret was set',
  )
})

// PEERS: dlt auth http_basic
// PEERS: dlt test_client basic, bearer, API key
// PEERS: Airbyte BasicHttpAuthenticator
test('basic sends user and password as UTF-8, and reports the encoded pair as a secret', async () => {
  const { auth, secrets } = build(basic({ username: 'ann', password: 'grün:e' }))
  const encoded = Buffer.from('ann:grün:e').toString('base64')
  expect((await auth.sign(get('https://api.test/'))).headers['authorization']).toBe(`Basic ${encoded}`)
  expect(secrets).toContain(encoded)
})

test('basic takes a user name alone', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a secret as YAML spells it
  const { auth } = build(basic({ username: '${env:USER_NAME}/token' }))
  const sent = (await auth.sign(get('https://api.test/'))).headers['authorization']!
  expect(Buffer.from(sent.slice(6), 'base64').toString()).toBe('ann@example.com/token:')
})

test('basic refuses a user name with a colon', async () => {
  const { auth } = build(basic({ username: 'ann:secretpart' }))
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    'sources.desk.auth.username: the user name holds a colon, where the password would begin (RFC 7617): put what follows it into auth.password',
  )
})

// PEERS: dlt auth api_key
// PEERS: dlt test_client basic, bearer, API key
// PEERS: Airbyte ApiKeyAuthenticator
test('an API key goes into the header of its name, after its prefix', async () => {
  const { auth } = build(apiKey({ name: 'Authorization', key: env('TOKEN'), prefix: 'SSWS ' }))
  expect((await auth.sign(get('https://api.test/'))).headers).toEqual({ authorization: 'SSWS t0k-value' })
})

// PEERS: dlt auth api_key
test('an API key in the query takes the place of its parameter and leaves the rest as it is written', async () => {
  const { auth, secrets } = build(apiKey({ in: 'query', name: 'api_key', key: 'k/ey+1' }))
  const signed = await auth.sign(get('https://api.test/a?DateSent>=2026-01-01&q=a%20b&api_key=old#part'))
  expect(signed.url).toBe('https://api.test/a?DateSent>=2026-01-01&q=a%20b&api_key=k%2Fey%2B1#part')
  expect((await auth.sign(get('https://api.test/a'))).url).toBe('https://api.test/a?api_key=k%2Fey%2B1')
  expect(secrets).toContain('k%2Fey%2B1')
})

test('any API key arrives whole through the query', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (key) => {
      fc.pre(!/[\0-\x1f\x7f]/.test(key) && !key.includes('${'))
      const { auth } = build(apiKey({ in: 'query', name: 'k', key }))
      const url = new URL((await auth.sign(get('https://api.test/?a=1&k=2'))).url)
      expect([...url.searchParams]).toEqual([
        ['a', '1'],
        ['k', key],
      ])
    }),
  )
})

// PEERS: dlt auth api_key
test('an API key in a cookie joins the other cookies', async () => {
  const { auth } = build(apiKey({ in: 'cookie', name: 'session', key: env('TOKEN') }))
  expect((await auth.sign(get('https://api.test/'))).headers['cookie']).toBe('session=t0k-value')
  const signed = await auth.sign(get('https://api.test/', { cookie: 'a=1; session=old' }))
  expect(signed.headers['cookie']).toBe('a=1; session=t0k-value')
})

test('a cookie refuses a key that it cannot carry', async () => {
  const { auth } = build(apiKey({ in: 'cookie', name: 'session', key: 'a;b' }))
  expect(await messageOf(auth.sign(get('https://api.test/')))).toBe(
    'sources.desk.auth.key: the key holds a character that a cookie cannot carry (a space, a quote, a comma, a semicolon or a backslash): encode it as the API expects it',
  )
})

test('an impossible name is refused by its own message', () => {
  const wrong = authOptions.safeParse(apiKey({ name: 'X Key', key: 'k' }))
  expect(wrong.error?.issues[0]?.message).toBe(
    '"X Key" is no name for a header, a query parameter or a cookie',
  )
})

// PEERS: Airbyte NoAuth
test('no credential leaves a request alone', async () => {
  const request = get('https://api.test/')
  expect(await build(none()).auth.sign(request)).toBe(request)
})

test('every option of every kind says what it means', () => {
  const kinds = authOptions.options.map((kind) => Object.entries(kind.shape))
  const silent = kinds.flat().filter(([, schema]) => !(schema as z.ZodType).description)
  expect(kinds).toHaveLength(10)
  expect(silent.map(([name]) => name)).toEqual([])
})

test('an unknown kind or option is refused', () => {
  expect(authOptions.safeParse({ type: 'digest' }).success).toBe(false)
  expect(authOptions.safeParse({ type: 'bearer', token: 'x', prefix: 'Bot' }).success).toBe(false)
})
