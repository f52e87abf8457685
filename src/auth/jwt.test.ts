import { createHmac, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { ecKeys, edKeys, pemOf, rsaKeys } from '../../test/auth/keys.ts'
import { env } from '../options/secret.ts'
import { type JwtOptions, jwt } from './jwt.ts'
import { jwtAlgorithms } from './jwt-signer.ts'
import { authOptions, createAuthenticator } from './options.ts'

function build(options: Omit<JwtOptions, 'type'>, variables: Record<string, string> = {}) {
  const bench = authBench({ variables })
  const auth = createAuthenticator(authOptions.parse(jwt(options)), bench.context)
  const sent = async () => (await auth.sign(get('https://api.test/'))).headers['authorization']!
  return { ...bench, auth, sent, token: async () => (await sent()).replace('Bearer ', '') }
}
const shared = 'a shared key of thirty-two bytes!'
const keysFor = (algorithm: string): { privateKey: KeyObject; publicKey: KeyObject } =>
  algorithm === 'EdDSA'
    ? edKeys()
    : algorithm.startsWith('ES')
      ? ecKeys(({ ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const)[algorithm as 'ES256'])
      : rsaKeys()

// PEERS: Airbyte JwtAuthenticator
test.each(jwtAlgorithms)(
  'a token signed with %s is valid, and says what the options say',
  async (algorithm) => {
    const symmetric = algorithm.startsWith('HS')
    const { token, clock, secrets } = build(
      {
        algorithm,
        key: env('KEY'),
        keyId: 'key-1',
        issuer: 'me',
        subject: 'you',
        audience: 'api',
        expiresIn: '20m',
        header: { x5t: 'thumb' },
        claims: { scope: 'read', level: 3, account: env('ACCOUNT') },
      },
      { KEY: symmetric ? shared : pemOf(keysFor(algorithm).privateKey), ACCOUNT: 'acct-478' },
    )
    const signed = await token()
    const verified = await jwtVerify(signed, symmetric ? Buffer.from(shared) : keysFor(algorithm).publicKey, {
      currentDate: new Date(clock.now()),
      issuer: 'me',
      audience: 'api',
    })
    const issued = clock.now() / 1000 - 10
    expect(verified.payload).toEqual({
      iss: 'me',
      sub: 'you',
      aud: 'api',
      iat: issued,
      exp: issued + 1200,
      scope: 'read',
      level: 3,
      account: 'acct-478',
    })
    expect(verified.protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: 'key-1', x5t: 'thumb' })
    expect(secrets).toEqual(expect.arrayContaining([signed, 'acct-478']))
  },
)

test('the bytes that are signed are those of RFC 7515, by another way of computing them', async () => {
  const { token } = build({ algorithm: 'HS256', key: shared, issuer: 'joe' })
  const [header, claims, signature] = (await token()).split('.')
  expect(createHmac('sha256', shared).update(`${header}.${claims}`).digest('base64url')).toBe(signature)
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ typ: 'JWT', alg: 'HS256' })
})

test.each([
  ['text', shared],
  ['base64', Buffer.from(shared).toString('base64')],
  ['base64', Buffer.from(shared).toString('base64url')],
  ['hex', Buffer.from(shared).toString('hex')],
] as const)('a shared key may be written as %s', async (keyEncoding, key) => {
  const { token } = build({ algorithm: 'HS256', key, keyEncoding })
  const [header, claims, signature] = (await token()).split('.')
  expect(createHmac('sha256', shared).update(`${header}.${claims}`).digest('base64url')).toBe(signature)
})

const { privateKey: rsa, publicKey: rsaPublic } = rsaKeys()
const pkcs8 = pemOf(rsa)
const pkcs1 = rsa.export({ type: 'pkcs1', format: 'pem' }).toString()
const encrypted = rsa
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
  .toString()
const legacy = rsa
  .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'open sesame' })
  .toString()

test.each<[string, string, string?]>([
  ['PKCS#8', pkcs8],
  ['PKCS#1', pkcs1],
  ['PEM whose line breaks are written out', pkcs8.replaceAll('\n', '\\n')],
  ['PEM whose line breaks have become spaces', pkcs8.replaceAll('\n', ' ')],
  ['PEM with the line breaks of Windows', pkcs1.replaceAll('\n', '\r\n')],
  ['base64 of PEM', Buffer.from(pkcs8).toString('base64')],
  ['base64 of DER (PKCS#8)', rsa.export({ type: 'pkcs8', format: 'der' }).toString('base64')],
  ['base64 of DER (PKCS#1)', rsa.export({ type: 'pkcs1', format: 'der' }).toString('base64')],
  ['a JWK', JSON.stringify(rsa.export({ format: 'jwk' }))],
  ['encrypted PKCS#8', encrypted, 'open sesame'],
  ['encrypted PKCS#8 on one line', encrypted.replaceAll('\n', '\\n'), 'open sesame'],
  ['encrypted PKCS#1', legacy, 'open sesame'],
])('a private key may be %s', async (_name, key, passphrase) => {
  const { token, clock } = build({ key: env('KEY'), ...(passphrase && { passphrase }) }, { KEY: key })
  const options = { currentDate: new Date(clock.now()) }
  await expect(jwtVerify(await token(), rsaPublic, options)).resolves.toBeDefined()
})

test('an elliptic key may be SEC 1', async () => {
  const { privateKey, publicKey } = ecKeys('P-256')
  const key = privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  const { token, clock } = build({ algorithm: 'ES256', key: env('KEY') }, { KEY: key })
  const options = { currentDate: new Date(clock.now()) }
  await expect(jwtVerify(await token(), publicKey, options)).resolves.toBeDefined()
})

const notAKey =
  'sources.desk.auth.key: this is no private key: it is PEM (-----BEGIN PRIVATE KEY-----), base64 of that, or a JWK. Where it comes from a variable, check that it arrived whole'
test.each<[string, Omit<JwtOptions, 'type' | 'key'>, string, string]>([
  ['no key at all', {}, 'not a key at all', notAKey],
  ['half a key', {}, `${pkcs8.slice(0, 800)}\n-----END PRIVATE KEY-----`, notAKey],
  ['a JWK that is none', {}, '{"kty":"RSA"}', notAKey],
  [
    'a public key',
    {},
    rsaPublic.export({ type: 'spki', format: 'pem' }).toString(),
    'sources.desk.auth.key: this is a public key or a certificate: to sign, the private key is needed',
  ],
  [
    'an encrypted key without its passphrase',
    {},
    encrypted,
    'sources.desk.auth.key: the private key is encrypted: set its passphrase',
  ],
  [
    'an encrypted key with another passphrase',
    { passphrase: 'close sesame' },
    encrypted,
    'sources.desk.auth.key: the passphrase does not open the private key (ERR_OSSL_BAD_DECRYPT)',
  ],
  [
    'a key of another kind',
    { algorithm: 'ES256' },
    pkcs8,
    "sources.desk.auth.key: the key can't sign with ES256: ",
  ],
  [
    'a shared key in another encoding',
    { algorithm: 'HS256', keyEncoding: 'hex' },
    'xyz',
    'sources.desk.auth.key: the key is not written in hex, as keyEncoding says: check which of text, base64 and hex it is',
  ],
])('%s is refused without being quoted', async (_name, options, key, message) => {
  const { sent } = build({ ...options, key: env('KEY') }, { KEY: key })
  const said = await messageOf(sent())
  expect(said.slice(0, message.length)).toBe(message)
  expect(said).not.toContain(key.slice(30, 60) || key)
})

test('the token serves until shortly before its end, and then there is another one', async () => {
  const { token, clock, auth, events } = build({ algorithm: 'HS256', key: shared, expiresIn: '10m' })
  const first = await token()
  await clock.advance(480_000)
  expect(await token()).toBe(first)
  expect(auth.isReady!()).toBe(true)
  await clock.advance(60_000)
  expect(auth.isReady!()).toBe(false)
  const second = await token()
  expect(decodeJwt(second).exp! * 1000).toBeGreaterThan(clock.now() + 500_000)
  expect(events.map((event) => 'reason' in event && event.reason)).toEqual(['first', 'expiring'])
})

test('a token that the API refuses is signed anew, unless that would give the same one', async () => {
  const { auth, clock, events } = build({ algorithm: 'HS256', key: shared })
  const refused = await auth.sign(get('https://api.test/'))
  expect(await auth.renew!(refused)).toBe(false)
  await clock.advance(1000)
  expect(await auth.renew!(refused)).toBe(true)
  expect((await auth.sign(get('https://api.test/'))).headers).not.toEqual(refused.headers)
  expect(events.at(-1)).toMatchObject({ type: 'token.refresh', reason: 'refused' })
})

test('it may go into another header, the query or a cookie, with a prefix of its own', async () => {
  const at = async (options: Partial<JwtOptions>) => {
    const { auth } = build({ algorithm: 'HS256', key: shared, ...options })
    return auth.sign(get('https://api.test/a?b=1'))
  }
  expect((await at({ name: 'X-Token' })).headers['x-token']).toMatch(/^eyJ/)
  expect((await at({ prefix: 'JWT ' })).headers['authorization']).toMatch(/^JWT eyJ/)
  expect((await at({ in: 'query', name: 'jwt' })).url).toMatch(/\?b=1&jwt=eyJ/)
  expect((await at({ in: 'cookie', name: 'jwt' })).headers['cookie']).toMatch(/^jwt=eyJ/)
  const nameless = authOptions.safeParse(jwt({ key: 'k', in: 'query' }))
  expect(nameless.error?.issues).toMatchObject([
    { path: ['name'], message: '`in: query` needs the name of the parameter' },
  ])
})

test('several audiences are a list, one is a text', async () => {
  const audienceOf = async (audience: string | string[]) =>
    decodeJwt(await build({ algorithm: 'HS256', key: shared, audience }).token()).aud
  expect(await audienceOf('one')).toBe('one')
  expect(await audienceOf(['one'])).toBe('one')
  expect(await audienceOf(['one', 'two'])).toEqual(['one', 'two'])
})

test('claims arrive as they are written, whatever JSON they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.stringMatching(/^x[a-z]{1,8}$/), fc.jsonValue()), async (claims) => {
      fc.pre(!JSON.stringify(claims).includes('${') && !JSON.stringify(claims).includes('__proto__'))
      const { token } = build({ algorithm: 'HS256', key: shared, claims: claims as never })
      const { iat: _iat, exp: _exp, ...rest } = decodeJwt(await token())
      expect(rest).toEqual(JSON.parse(JSON.stringify(claims)))
    }),
    { numRuns: 50 },
  )
})

test('the header can change typ, and never alg', async () => {
  const { token } = build({ algorithm: 'HS256', key: shared, header: { typ: 'at+jwt', alg: 'none' } })
  expect(decodeProtectedHeader(await token())).toEqual({ typ: 'at+jwt', alg: 'HS256' })
})

test('a token that would have ended before it is sent is refused when the pipeline is loaded', () => {
  const lifetimeOf = (more: object) =>
    authOptions.safeParse({ ...jwt({ key: 'k', algorithm: 'HS256' }), ...more }).error?.issues[0]
  expect(lifetimeOf({ expiresIn: '10s' })).toMatchObject({
    path: ['expiresIn'],
    message:
      'each token would have ended before it is sent: it counts from `backdate`, 10s ago, so that `expiresIn` has to be longer than that by a second at least',
  })
  expect(lifetimeOf({ expiresIn: '11s' })).toBeUndefined()
  expect(lifetimeOf({ expiresIn: '10s', backdate: '0s' })).toBeUndefined()
  expect(lifetimeOf({ expiresIn: '10s', claims: { exp: 4_000_000_000 } })).toBeUndefined()
})

test('of a file with several blocks the private key is taken, whatever stands before it', async () => {
  const { privateKey } = ecKeys('P-256')
  const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  const curve = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
  const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  for (const file of [curve + sec1, certificate + pemOf(privateKey), sec1 + certificate]) {
    const { token } = build({ algorithm: 'ES256', key: env('KEY') }, { KEY: file })
    expect(decodeProtectedHeader(await token())).toMatchObject({ alg: 'ES256' })
  }
  const { token } = build({ algorithm: 'ES256', key: env('KEY') }, { KEY: certificate })
  expect(await messageOf(token())).toContain('this is a public key or a certificate')
})
