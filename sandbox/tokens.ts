// OAuth at the desk: client credentials, and refresh tokens that rotate.
//
// Wire facts: RFC 6749 sections 4.4, 5.1, 5.2 and 6; the token endpoint takes JSON at Zendesk, a form elsewhere: here both. A client
// credentials grant gives no refresh token (RFC 6749, 4.4.3). A refresh token works once; who shows a used one loses the whole family
// (RFC 9700, 4.14.2).
import { mix } from './random.ts'
import { type Call, json, type Reply } from './service.ts'

/** What the sandbox accepts. Not secrets: they open nothing else. */
export const CREDENTIALS = {
  desk: { clientId: 'sluice', clientSecret: 'desk-sandbox-secret', refreshToken: 'desk-sandbox-refresh-0' },
  pay: { secretKey: 'sk_test_sluice' },
  track: { username: 'sluice.service', secret: 'track-sandbox-secret', projectId: '1' },
  code: { token: 'glpat-sandbox' },
} as const

const REFRESH_TOKEN_SECONDS = 2_592_000

export class TokenDesk {
  readonly #seed: number
  readonly #lifeSeconds: number
  /** Access tokens that are alive, with the time of their end. */
  readonly #expiry = new Map<string, number>()
  #refreshToken: string | undefined = CREDENTIALS.desk.refreshToken
  readonly #usedRefreshTokens = new Set<string>()
  #issued = 0

  constructor(seed: number, lifeSeconds: number) {
    this.#seed = seed
    this.#lifeSeconds = lifeSeconds
  }

  /** Access tokens issued so far. */
  get issued(): number {
    return this.#issued
  }

  isValid(token: string, now: number): boolean {
    return (this.#expiry.get(token) ?? Number.NEGATIVE_INFINITY) > now
  }

  revoke(token: string | undefined): void {
    if (token !== undefined) this.#expiry.delete(token)
  }

  revokeAll(): void {
    this.#expiry.clear()
  }

  grant(call: Call): Reply {
    const given = parameters(call)
    if (given === undefined) return refuse(400, 'invalid_request', 'The body is neither JSON nor a form')
    if (
      given['client_id'] !== CREDENTIALS.desk.clientId ||
      given['client_secret'] !== CREDENTIALS.desk.clientSecret
    ) {
      return refuse(
        401,
        'invalid_client',
        'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
      )
    }
    if (given['grant_type'] === 'client_credentials') return this.#issue(call.now)
    if (given['grant_type'] === 'refresh_token') return this.#refresh(given['refresh_token'], call.now)
    return refuse(400, 'unsupported_grant_type', 'The authorization grant type is not supported')
  }

  #refresh(token: unknown, now: number): Reply {
    if (typeof token === 'string' && token === this.#refreshToken) {
      this.#usedRefreshTokens.add(token)
      this.#refreshToken = `desk-rt-${this.#issued + 1}-${mix(this.#seed, 0x4e, this.#issued).toString(36)}`
      return this.#issue(now, this.#refreshToken)
    }
    if (typeof token === 'string' && this.#usedRefreshTokens.has(token)) {
      this.#refreshToken = undefined
      this.revokeAll()
    }
    return refuse(400, 'invalid_grant', 'The refresh token is invalid, expired, revoked or already used')
  }

  #issue(now: number, refreshToken?: string): Reply {
    for (const [token, end] of this.#expiry) if (end <= now) this.#expiry.delete(token)
    const token = `desk-at-${++this.#issued}-${mix(this.#seed, 0xacce, this.#issued).toString(36)}`
    this.#expiry.set(token, now + this.#lifeSeconds * 1000)
    return json(
      200,
      {
        access_token: token,
        token_type: 'bearer',
        scope: 'read',
        expires_in: this.#lifeSeconds,
        ...(refreshToken === undefined
          ? {}
          : { refresh_token: refreshToken, refresh_token_expires_in: REFRESH_TOKEN_SECONDS }),
      },
      { 'cache-control': 'no-store' },
    )
  }
}

function refuse(status: number, error: string, description: string): Reply {
  return json(status, { error, error_description: description }, { 'cache-control': 'no-store' })
}

/** The body's parameters; a client that authenticates by HTTP Basic (RFC 6749, 2.3.1) has its two added. */
function parameters(call: Call): Record<string, unknown> | undefined {
  const isForm = (call.headers['content-type'] ?? '').includes('x-www-form-urlencoded')
  let body: unknown
  try {
    body = isForm ? Object.fromEntries(new URLSearchParams(call.body)) : JSON.parse(call.body)
  } catch {
    return undefined
  }
  if (typeof body !== 'object' || body === null) return undefined
  const basic = /^basic\s+(\S+)$/i.exec(call.headers['authorization'] ?? '')
  if (!basic) return body as Record<string, unknown>
  const [id, secret] = Buffer.from(basic[1] as string, 'base64')
    .toString('utf8')
    .split(':')
    .map(formDecode)
  return { client_id: id, client_secret: secret, ...body }
}

const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
