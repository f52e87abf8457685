// What every vendor's part of the sandbox is made of.
import type { FaultKind } from './faults.ts'
import type { Limiter, Verdict } from './limiter.ts'

/** One request, read. */
export interface Call {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly fault: FaultKind | undefined
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A text goes out with its Content-Length; chunks go out as they come. */
  readonly body: string | Iterable<Uint8Array>
  /** How many records it holds, for the statistics. */
  readonly records?: number
}

export interface Endpoint {
  /** For statistics and logs: `desk.tickets`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The quotas that a request spends, the widest first. */
  readonly limiters: readonly Limiter[]
  /** The faults that may strike here by chance. */
  readonly faults: readonly FaultKind[]
  answer(call: Call): Reply
}

export interface Service {
  /** The first segment of its paths: `/desk`. */
  readonly prefix: string
  readonly endpoints: readonly Endpoint[]
  /** 429, with whatever the vendor says about waiting. */
  throttled(call: Call, verdict: Verdict): Reply
  /** 503. `retryAfter` in seconds. */
  unavailable(call: Call, retryAfter: number | undefined): Reply
  notFound(call: Call): Reply
  /** An error in the vendor's envelope, for the fault that sends it under HTTP 200. */
  errorBody(): string
  /** Headers that go on every reply of an endpoint, given what its limiters said. */
  headers?(verdicts: readonly Verdict[], call: Call): Record<string, string>
  /** Makes the access token of this request invalid from now on. */
  revoke?(call: Call): void
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
  records?: number,
): Reply {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: text,
    ...(records === undefined ? {} : { records }),
  }
}

/** The user and password of a Basic credential. Mixpanel also takes them in plain text after the word. */
export function basicCredentials(headers: Readonly<Record<string, string>>): [string, string] | undefined {
  const match = /^basic\s+(\S+)$/i.exec(headers['authorization'] ?? '')
  if (!match) return undefined
  const given = match[1] as string
  const text = given.includes(':') ? given : Buffer.from(given, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

export function bearerToken(headers: Readonly<Record<string, string>>): string | undefined {
  return /^bearer\s+(\S+)$/i.exec(headers['authorization'] ?? '')?.[1]
}

/** A whole number, or undefined for anything else. */
export function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
