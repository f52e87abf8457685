// JSON Web Tokens that are signed here (RFC 7519): sent as a credential themselves, or traded for a token (RFC 7523).
import { type JWTPayload, SignJWT } from 'jose'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { duration, formatDuration } from '../options/duration.ts'
import { lateIdentifier, lateSecret } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { AuthContext } from './auth-context.ts'
import { jsonWithSecrets, revealJson } from './json-with-secrets.ts'
import { keyEncoding, privateKey, sharedKey } from './signing-key.ts'

/** JWA names (RFC 7518, RFC 8037) that jose signs with. */
export const jwtAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const

/** The options of a token that is signed here. */
export const jwtFields = {
  algorithm: z
    .enum(jwtAlgorithms)
    .default('RS256')
    .describe('How it is signed. HS… with a shared key, all others with a private key. Default: RS256.'),
  key: secret.describe(
    'The key: a private key in PEM (PKCS#8 or PKCS#1), base64 of that, or a JWK; with HS… the shared key. Line breaks may be written as `\\n`.',
  ),
  keyEncoding,
  passphrase: secret.exactOptional().describe('Opens a private key that is encrypted.'),
  keyId: secret.exactOptional().describe('Names the key to the server: `kid` of the header.'),
  header: z
    .record(z.string(), z.json())
    .default({})
    .describe('Further fields of the header, as in `{ x5t: … }`. Default: `alg`, `typ` and `kid` alone.'),
  issuer: secret.exactOptional().describe('Who signs: the claim `iss`.'),
  subject: secret.exactOptional().describe('For whom: the claim `sub`.'),
  audience: z
    .union([secret, z.array(secret).min(1)])
    .exactOptional()
    .describe('Whom it is meant for: the claim `aud`, a text or a list.'),
  expiresIn: duration
    .prefault('5m')
    .describe('How long it is good: `exp` less `iat`. APIs set a maximum of their own. Default: 5m.'),
  backdate: duration
    .prefault('10s')
    .describe('How far `iat` lies in the past, for servers whose clock is behind. Default: 10s.'),
  claims: z
    .record(z.string(), jsonWithSecrets)
    .default({})
    .describe('Further claims; they take the place of those above.'),
}

/** A token whose end has passed when it is signed helps nobody. For zod's `check`. */
export function checkLifetime({
  value,
  issues,
}: z.core.ParsePayload<Pick<JwtFields, 'expiresIn' | 'backdate' | 'claims'>>): void {
  const { expiresIn, backdate, claims } = value
  if ('exp' in claims || expiresIn - backdate >= 1000) return
  issues.push({
    code: 'custom',
    path: ['expiresIn'],
    input: undefined,
    message: `each token would have ended before it is sent: it counts from \`backdate\`, ${formatDuration(backdate)} ago, so that \`expiresIn\` has to be longer than that by a second at least`,
  })
}

const jwtObject = z.strictObject(jwtFields)
export type JwtFields = z.output<typeof jwtObject>

/** Claims that a use of the token brings, where the options name no other. */
export interface DefaultClaims {
  readonly iss?: string | undefined
  readonly sub?: string | undefined
  readonly aud?: string | undefined
  readonly scope?: string | undefined
  readonly jti?: string
}

export interface SignedJwt {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Signs a token that is issued now. */
export type JwtSigner = (defaults?: DefaultClaims) => Promise<SignedJwt>

/**
 * @param option the options' path below the source, for messages: `auth.assertion`
 * @throws ConfigError where the key can't be used, SecretMissingError
 */
export function jwtSigner(options: JwtFields, option: string, context: AuthContext): JwtSigner {
  const place = (name: string) => `sources.${context.source}.${option}.${name}`
  const identifier = (value: JwtFields['issuer'], name: string) =>
    value === undefined ? () => undefined : lateIdentifier(value, `${option}.${name}`, context)
  const issuer = identifier(options.issuer, 'issuer')
  const subject = identifier(options.subject, 'subject')
  const keyId = identifier(options.keyId, 'keyId')
  const audiences = [options.audience ?? []]
    .flat()
    .map((one) => lateIdentifier(one, `${option}.audience`, context))
  // One audience is a text: some servers know no list of one.
  const audience = () => {
    const found = audiences.map((late) => late())
    return found.length > 1 ? found : found[0]
  }
  const keyText = lateSecret(options.key, context)
  const passphrase = options.passphrase === undefined ? undefined : lateSecret(options.passphrase, context)
  let key: ReturnType<typeof privateKey> | Uint8Array | undefined
  const shared = options.algorithm.startsWith('HS')

  return async (defaults = {}) => {
    key ??= shared
      ? sharedKey(keyText(), options.keyEncoding, place('key'))
      : privateKey(keyText(), passphrase?.(), place('key'))
    // Whole seconds: RFC 7519 allows fractions, many servers do not.
    const issuedAt = Math.floor((context.runtime.clock.now() - options.backdate) / 1000)
    const expiry = issuedAt + Math.floor(options.expiresIn / 1000)
    const claims: JWTPayload = {
      ...known({ ...defaults }),
      ...known({ iss: issuer(), sub: subject(), aud: audience() }),
      iat: issuedAt,
      exp: expiry,
      ...(revealJson(options.claims, context) as object),
    }
    const header = { typ: 'JWT', ...options.header, ...known({ kid: keyId() }), alg: options.algorithm }
    try {
      const token = await new SignJWT(claims).setProtectedHeader(header).sign(key)
      context.onSecret(token)
      return { token, expiresAt: (typeof claims.exp === 'number' ? claims.exp : expiry) * 1000 }
    } catch (error) {
      // jose says what does not fit (the kind of key, its size), and nothing of the key itself.
      const problem = error instanceof Error ? error.message : String(error)
      throw new ConfigError(
        place('key'),
        `the key can't sign with ${options.algorithm}: ${problem}. Set algorithm to what the key is made for`,
      )
    }
  }
}

/** An id that no other token has, for `jti` (RFC 7519 §4.1.7): 128 bits. */
export function tokenId(random: () => number): string {
  return Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}

function known(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
