import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { pemOf, rsaKeys } from '../../test/auth/keys.ts'
import { env } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import { oauth2 } from './oauth2.ts'
import type { OAuth2Options } from './oauth2-options.ts'
import { authOptions, createAuthenticator } from './options.ts'
import { basicHeader } from './token-endpoint.ts'

const tokenUrl = 'https://auth.test/token'
const { privateKey, publicKey } = rsaKeys()
const pem = pemOf(privateKey)
const granted = { body: { access_token: 'granted-token', expires_in: 3600 } }

function build(options: Omit<OAuth2Options, 'type'>, variables: Record<string, string> = {}) {
  const bench = authBench({ replies: [granted, granted], variables: { KEY: pem, ...variables } })
  const auth = createAuthenticator(authOptions.parse(oauth2(options)), bench.context)
  return { ...bench, auth, sign: () => auth.sign(get('https://api.test/')) }
}
const inYaml = (name: string) => `$\{env:${name}}`
const formOf = (request: HttpRequest | undefined) =>
  Object.fromEntries(new URLSearchParams(String(request?.body)))
const verify = (token: string | undefined, now: number) =>
  jwtVerify(token ?? '', publicKey, { currentDate: new Date(now) })

// PEERS: dlt OAuthJWTAuth
// PEERS: dlt test_client JWT
test('jwt_bearer trades a token that is signed here for an access token (RFC 7523 §2.1)', async () => {
  const { sign, requests, clock, secrets } = build({
    grant: 'jwt_bearer',
    tokenUrl,
    scope: 'read write',
    assertion: {
      key: env('KEY'),
      issuer: 'client-478',
      subject: 'ann@example.com',
      keyId: 'k1',
      expiresIn: '3m',
    },
  })
  expect((await sign()).headers['authorization']).toBe('Bearer granted-token')
  const form = formOf(requests[0])
  expect(form).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: expect.any(String),
  })
  const { payload, protectedHeader } = await verify(form['assertion'], clock.now())
  const issued = clock.now() / 1000 - 10
  expect(payload).toEqual({
    iss: 'client-478',
    sub: 'ann@example.com',
    aud: tokenUrl,
    scope: 'read write',
    iat: issued,
    exp: issued + 180,
    jti: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' })
  expect(secrets).toEqual(expect.arrayContaining([pem, form['assertion'], 'granted-token']))
})

test('each assertion has an id of its own', async () => {
  const { sign, requests, clock } = build({
    grant: 'jwt_bearer',
    tokenUrl,
    clientId: 'client-1',
    assertion: { key: env('KEY') },
  })
  await sign()
  await clock.advance(3_600_000)
  await sign()
  const claims = requests.map((request) => decodeJwt(formOf(request)['assertion']!))
  expect(claims.map(({ iss }) => iss)).toEqual(['client-1', 'client-1'])
  expect(new Set(claims.map(({ jti }) => jti)).size).toBe(2)
})

const keyFile = {
  type: 'service_account',
  client_email: 'robot@project.iam.gserviceaccount.com',
  private_key: pem,
  private_key_id: 'abc123',
  token_uri: 'https://oauth2.googleapis.com/token',
}
const serviceAccount = (more: Partial<OAuth2Options> = {}) =>
  ({
    grant: 'jwt_bearer',
    serviceAccount: env('GOOGLE'),
    scope: 'https://www.googleapis.com/auth/drive.readonly',
    ...more,
  }) as const

test.each([
  ['as it is', JSON.stringify(keyFile)],
  ['in base64', Buffer.from(JSON.stringify(keyFile)).toString('base64')],
])('a Google service account is its key file, %s', async (_name, GOOGLE) => {
  const { sign, requests, clock, secrets } = build(serviceAccount({ subject: 'boss@example.com' }), {
    GOOGLE,
  })
  await sign()
  expect(requests[0]?.url).toBe('https://oauth2.googleapis.com/token')
  const form = formOf(requests[0])
  const { payload, protectedHeader } = await verify(form['assertion'], clock.now())
  expect(payload).toMatchObject({
    iss: keyFile.client_email,
    sub: 'boss@example.com',
    aud: keyFile.token_uri,
    scope: 'https://www.googleapis.com/auth/drive.readonly',
  })
  expect(payload.exp! - payload.iat!).toBe(3600)
  expect(protectedHeader.kid).toBe('abc123')
  expect(secrets).toEqual(expect.arrayContaining([GOOGLE, pem]))
})

test('what is no key file is refused without being quoted', async () => {
  const { sign } = build(serviceAccount(), { GOOGLE: '{"client_email":"robot@x","private":"s3cr3t-value"}' })
  expect(await messageOf(sign())).toBe(
    'sources.desk.auth.serviceAccount: this is no key file of a service account: it is the whole JSON, with client_email and private_key, as it is or in base64',
  )
})

test('a key file that names another token endpoint is not sent there unasked (R3)', async () => {
  const GOOGLE = JSON.stringify({ ...keyFile, token_uri: 'https://elsewhere.test/token' })
  expect(await messageOf(build(serviceAccount(), { GOOGLE }).sign())).toBe(
    "sources.desk.auth.tokenUrl: the key file names the token endpoint https://elsewhere.test/token, which is not Google's https://oauth2.googleapis.com/token: set tokenUrl to it, if it is right",
  )
  const { sign, requests } = build(serviceAccount({ tokenUrl }), { GOOGLE })
  await sign()
  expect(requests[0]?.url).toBe(tokenUrl)
})

// PEERS: dlt lacks private_key_jwt
test('private_key_jwt: the client signs a token of its own in place of a secret (RFC 7523 §2.2)', async () => {
  const { sign, requests, clock } = build({
    grant: 'client_credentials',
    tokenUrl,
    clientId: 'client-1',
    clientAuth: 'private_key_jwt',
    assertion: { key: env('KEY'), algorithm: 'PS256', keyId: 'k2' },
  })
  await sign()
  expect(requests[0]?.headers['authorization']).toBeUndefined()
  const { client_assertion: assertion, ...form } = formOf(requests[0])
  expect(form).toEqual({
    grant_type: 'client_credentials',
    client_id: 'client-1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  })
  const { payload } = await verify(assertion, clock.now())
  expect(payload).toMatchObject({ iss: 'client-1', sub: 'client-1', aud: tokenUrl })
  expect(decodeProtectedHeader(assertion!)).toMatchObject({ alg: 'PS256', kid: 'k2' })
})

test('a public client sends its id alone', async () => {
  const options = { grant: 'refresh_token', tokenUrl, clientId: 'app', refreshToken: 'refresh-1' } as const
  const { sign, requests } = build({ ...options, clientAuth: 'none' })
  await sign()
  expect(formOf(requests[0])).toEqual({
    grant_type: 'refresh_token',
    refresh_token: 'refresh-1',
    client_id: 'app',
  })
})

test('the grant password sends user and password, which is a secret', async () => {
  const { sign, requests, secrets } = build({
    grant: 'password',
    tokenUrl,
    clientId: 'app',
    username: 'ann',
    password: 'pass word',
    scope: 'read',
  })
  await sign()
  expect(formOf(requests[0])).toEqual({
    grant_type: 'password',
    username: 'ann',
    password: 'pass word',
    scope: 'read',
    client_id: 'app',
  })
  expect(secrets).toContain('pass word')
  expect(secrets).not.toContain('ann')
})

// PEERS: dlt test_client custom token request (Zoom)
// PEERS: dlt auth access_token_request_data
test('parameters of a grant that no standard knows take the place of the usual ones', async () => {
  const { sign, requests } = build(
    {
      grant: 'client_credentials',
      tokenUrl,
      clientId: 'app',
      clientSecret: 'secret-1',
      params: { grant_type: 'account_credentials', account_id: 'acc-1' },
      headers: { 'X-Tenant': env('TENANT') },
    },
    { TENANT: 'tenant-9' },
  )
  await sign()
  expect(formOf(requests[0])).toEqual({ grant_type: 'account_credentials', account_id: 'acc-1' })
  expect(requests[0]?.headers['x-tenant']).toBe('tenant-9')
})

test.each(['form', 'json'] as const)(
  'parameters may be secrets, which no message shows (S1): %s',
  async (bodyFormat) => {
    const options = {
      grant: 'client_credentials',
      tokenUrl,
      clientId: 'app',
      clientSecret: 'secret-1',
      bodyFormat,
      params: {
        grant_type: 'account_credentials',
        account_id: inYaml('ACCOUNT'),
        tenant: `of-${inYaml('TENANT')}`,
        device: env('DEVICE'),
        ttl: 60,
      },
    } as const
    const variables = { ACCOUNT: 'acc/478 &', TENANT: 'tenant-9', DEVICE: 'device-1' }
    const { sign, requests, secrets } = build(options, variables)
    await sign()
    const sent = bodyFormat === 'form' ? formOf(requests[0]) : JSON.parse(String(requests[0]?.body))
    expect(sent).toEqual({
      grant_type: 'account_credentials',
      account_id: 'acc/478 &',
      tenant: 'of-tenant-9',
      device: 'device-1',
      ttl: bodyFormat === 'form' ? '60' : 60,
    })
    expect(secrets).toEqual(expect.arrayContaining(['acc/478 &', 'of-tenant-9', 'tenant-9', 'device-1']))

    const refusing = authBench({
      replies: [
        { status: 400, body: { error: 'bad', error_description: 'no acc%2F478%20%26 for device-1' } },
      ],
      variables,
    })
    const auth = createAuthenticator(authOptions.parse(oauth2(options)), refusing.context)
    const message = await messageOf(auth.sign(get('https://api.test/')))
    expect(message).toContain('bad (no *** for ***)')
    expect(JSON.stringify(authOptions.parse(oauth2(options)))).not.toContain('478')
  },
)

test('a variable of the parameters that is not set is named, and one in the shown address is refused', async () => {
  const options = {
    grant: 'client_credentials',
    tokenUrl,
    clientId: 'app',
    clientSecret: 'secret-1',
  } as const
  expect(await messageOf(build({ ...options, params: { account_id: env('ACCOUNT') } }).sign())).toBe(
    'the environment variable ACCOUNT is not set: set it before the run, or name another one in the pipeline',
  )
  const shown = authOptions.safeParse({
    ...oauth2(options),
    grant: 'authorization_code',
    authorizationUrl: 'https://auth.test/authorize',
    authorizationParams: { login_hint: inYaml('HINT') },
  })
  expect(shown.error?.issues[0]?.message).toBe(
    'this is a part of an address that is shown, so it takes no variable: write the text itself, a number, true or false',
  )
})

test('the value of a variable that holds no address is not quoted, for it may be a secret (S1)', () => {
  const of = (url: string) => () =>
    build(
      { grant: 'client_credentials', tokenUrl: env('URL'), clientId: 'a', clientSecret: 'b' },
      { URL: url },
    )
  expect(of('s3cr3t-put-in-the-wrong-place')).toThrow(
    'desk.auth.tokenUrl: the value of URL is no address: it starts with https://',
  )
  expect(of('http://auth.test/token?key=s3cr3t')).toThrow(
    'desk.auth.tokenUrl: "http://auth.test/token" would send the credential in clear text',
  )
})

// PEERS: airbyte-python-cdk#1081
test('a client id that looks like a number stays the text that it is', async () => {
  const options = { grant: 'client_credentials', tokenUrl, clientSecret: '007' } as const
  const { sign, requests } = build({ ...options, clientId: '0478', clientAuth: 'body', bodyFormat: 'json' })
  await sign()
  expect(JSON.parse(String(requests[0]?.body))).toMatchObject({ client_id: '0478', client_secret: '007' })
})

// PEERS: dlt #4206
test('client_secret_basic: any id and secret arrive whole where the server decodes them as a form (RFC 6749 §2.3.1)', () => {
  const formDecode = (text: string) => new URLSearchParams(`v=${text}`).get('v')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (id, secret) => {
      const pair = Buffer.from(basicHeader(id, secret).slice(6), 'base64').toString()
      expect(pair).toMatch(/^[\x21-\x7e]*$/)
      const [first, second, ...more] = pair.split(':')
      expect([formDecode(first!), formDecode(second!), more]).toEqual([id, secret, []])
    }),
  )
})

const problemsOf = (options: object) =>
  authOptions
    .safeParse({ type: 'oauth2', ...options })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
const key = { key: 'k' }

test.each<[string, object, string[]]>([
  ['client_credentials', {}, ['clientSecret', 'clientId', 'tokenUrl']],
  ['refresh_token', { tokenUrl }, ['refreshToken', 'clientId']],
  ['jwt_bearer', {}, ['tokenUrl', 'assertion']],
  ['password', { tokenUrl }, ['username', 'password']],
  ['authorization_code', { tokenUrl }, ['authorizationUrl', 'clientId']],
])('the grant %s says what it needs', (grant, options, missing) => {
  expect(problemsOf({ grant, ...options })).toEqual(
    missing.map((name) => `${name}: the grant ${grant} needs ${name}`),
  )
})

test.each<[object, string]>([
  [
    { grant: 'jwt_bearer', tokenUrl, assertion: key, username: 'ann' },
    'username: username belongs to the grant password: this one is jwt_bearer',
  ],
  [
    { grant: 'client_credentials', tokenUrl, clientId: 'a', clientSecret: 's', assertion: key },
    'assertion: nothing uses the assertion: set `grant: jwt_bearer` or `clientAuth: private_key_jwt`',
  ],
  [
    { grant: 'client_credentials', tokenUrl, clientId: 'a', clientAuth: 'private_key_jwt' },
    'assertion: private_key_jwt needs `assertion: { key: … }`, the key that the client signs with',
  ],
  [
    { grant: 'jwt_bearer', tokenUrl, clientAuth: 'private_key_jwt', assertion: key },
    'clientId: private_key_jwt needs clientId',
  ],
  [
    {
      grant: 'refresh_token',
      tokenUrl,
      clientId: 'a',
      refreshToken: 'r',
      clientSecret: 's',
      clientAuth: 'none',
    },
    'clientSecret: clientAuth: none sends no secret: leave clientSecret out, or set clientAuth: basic or body',
  ],
  [
    { grant: 'jwt_bearer', serviceAccount: 'x', assertion: key },
    'assertion: a service account signs with its own key: leave the assertion out, or the serviceAccount',
  ],
  [
    { grant: 'jwt_bearer', tokenUrl, assertion: key, subject: 'ann' },
    'subject: subject belongs to a serviceAccount; elsewhere it is assertion.subject',
  ],
])('options that do not go together are refused: %#', (options, problem) => {
  expect(problemsOf(options)).toEqual([problem])
})
