// When a token's life ends, on our own clock. Servers say it in one of three ways:
//   expires_in        seconds from when the server made the token: counted from when the request was sent, so never too long
//   expires_at        a time on the server's clock (Square), brought over to ours by the reply's Date header
//   exp inside a JWT  the same
import type { HttpHeaders } from '../ports/runtime.ts'

export interface ExpiryFacts {
  /** The token endpoint's reply. */
  readonly reply: Readonly<Record<string, unknown>>
  readonly accessToken: string
  readonly headers: HttpHeaders
  /** Milliseconds since 1970, when the request was sent. */
  readonly sentAt: number
}

/** Milliseconds since 1970 on our clock, or `undefined` where the reply does not say. */
export function tokenExpiry({ reply, accessToken, headers, sentAt }: ExpiryFacts): number | undefined {
  // Some servers write a number as text, and 0 where a token does not expire.
  const seconds = Number(reply['expires_in'])
  if (Number.isFinite(seconds) && seconds > 0) return sentAt + seconds * 1000
  const absolute = readTime(reply['expires_at']) ?? jwtExpiry(accessToken)
  if (absolute === undefined) return undefined
  const serverNow = Date.parse(String(headers['date'] ?? ''))
  return Number.isNaN(serverNow) ? absolute : sentAt + (absolute - serverNow)
}

/** A time as seconds or milliseconds since 1970, or as ISO 8601 text; in milliseconds. */
function readTime(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
  // Seconds stay below 10^11 until the year 5138, milliseconds are above it since 1973.
  if (typeof number === 'number' && number > 0) return number < 1e11 ? number * 1000 : number
  if (typeof number !== 'string') return undefined
  const parsed = Date.parse(number)
  return Number.isNaN(parsed) ? undefined : parsed
}

function jwtExpiry(token: string): number | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString())
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined
    return typeof exp === 'number' && exp > 0 ? exp * 1000 : undefined
  } catch {
    return undefined
  }
}
