// Asks a token endpoint for a token (RFC 6749 §4.4, §6). Written by hand: Zendesk's endpoint takes JSON, Slack and GitHub report errors
// under 200, some servers leave token_type out or name one of their own, and some don't decode the client id in the Basic
// header; oauth4webapi's checks allow none of this.
import { firstHeader } from '../http/headers.ts'
import type { HttpRequest, Transport } from '../ports/runtime.ts'
import { quotable, TokenRefusedError } from './token-error.ts'
import { tokenExpiry } from './token-expiry.ts'
import {
  describeError,
  describeReply,
  isTransient,
  parseReply,
  readReplyText,
  serverError,
  TransientTokenError,
} from './token-reply.ts'

export interface TokenEndpoint {
  readonly url: string
  /** Absent where the grant alone says who asks. */
  readonly clientId: string | undefined
  /** Absent for a public client. */
  readonly clientSecret: string | undefined
  readonly clientAuth: 'basic' | 'body'
  readonly bodyFormat: 'form' | 'json'
  /** Further headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  /** What the body holds besides the client: grant type, scope, audience, … */
  readonly params: Readonly<Record<string, string | number | boolean>>
}

/** A token as the endpoint gave it. */
export interface TokenReply {
  readonly accessToken: string
  /** Absent where the server keeps the old one valid. */
  readonly refreshToken: string | undefined
  /** Milliseconds since 1970 on our clock; `undefined` where the reply does not say. */
  readonly expiresAt: number | undefined
}

export function tokenRequest(endpoint: TokenEndpoint): HttpRequest {
  const { clientId, clientSecret } = endpoint
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': endpoint.bodyFormat === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
    ...endpoint.headers,
  }
  const params: Record<string, string | number | boolean> = { ...endpoint.params }
  if (endpoint.clientAuth === 'basic' && clientId !== undefined && clientSecret !== undefined) {
    headers['authorization'] = basicHeader(clientId, clientSecret)
  } else {
    if (clientId !== undefined) params['client_id'] = clientId
    if (clientSecret !== undefined) params['client_secret'] = clientSecret
  }
  const body = endpoint.bodyFormat === 'json' ? JSON.stringify(params) : form(params)
  return { method: 'POST', url: endpoint.url, headers, body }
}

function form(params: TokenEndpoint['params']): string {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) fields.set(name, String(value))
  return fields.toString()
}

/**
 * RFC 6749 §2.3.1 encodes both parts before they are joined. Characters that need no encoding stay as they are, so that
 * servers that forget to decode understand the usual ids, too.
 */
export function basicHeader(clientId: string, clientSecret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/**
 * One attempt.
 * @throws TransientTokenError, TokenRefusedError, and what the transport throws
 */
export async function askForToken(
  endpoint: TokenEndpoint,
  ask: {
    readonly transport: Transport
    readonly sentAt: number
    /** Names the source and the endpoint, for messages. */
    readonly place: string
    readonly secrets: Iterable<string>
    /** What to do where the grant has ended. Default: to set another refresh token. */
    readonly ended?: string
  },
): Promise<TokenReply> {
  const response = await ask.transport(tokenRequest(endpoint))
  const { status } = response
  if (status >= 300 && status < 400) {
    await response.discard()
    const target = quotable(firstHeader(response.headers, 'location') ?? 'nowhere', ask.secrets)
    // The client's secret goes to the configured address only (R3).
    throw new TokenRefusedError(
      `${ask.place} answered ${status} and points to ${target}: set auth.tokenUrl to the address that answers itself`,
      status,
    )
  }
  const text = await readReplyText(response, ask.place, 'auth.tokenUrl is the token endpoint')
  const reply = parseReply(text, firstHeader(response.headers, 'content-type') ?? '')
  const error = reply && serverError(reply)
  if (isTransient(status, error)) {
    const said = error ? `: ${quotable(describeError(error), ask.secrets)}` : ''
    throw new TransientTokenError(`it answered ${status}${said}`, response.headers)
  }
  if (error || status >= 400) {
    const said = error ? describeError(error) : text || 'an empty body'
    throw new TokenRefusedError(
      `${ask.place} answered ${status}: ${quotable(said, ask.secrets)}. ${advice(error?.name, status, ask.ended)}`,
      status,
      error && quotable(error.name, ask.secrets),
    )
  }
  const accessToken = reply?.['access_token']
  if (!reply || typeof accessToken !== 'string' || accessToken === '') {
    const found = describeReply(reply, text, ask.secrets)
    throw new TokenRefusedError(
      `${ask.place} answered ${status} without an access_token, but with ${found}: check that auth.tokenUrl is the token endpoint`,
      status,
    )
  }
  const refreshToken = reply['refresh_token']
  return {
    accessToken,
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
    expiresAt: tokenExpiry({ reply, accessToken, headers: response.headers, sentAt: ask.sentAt }),
  }
}

const refreshTokenEnded =
  'The refresh token has expired, was revoked or was used already: authorize the application again and set the new one as auth.refreshToken'

function advice(error: string | undefined, status: number, ended = refreshTokenEnded): string {
  switch (error) {
    case 'invalid_client':
    case 'incorrect_client_credentials':
      return 'Check auth.clientId and auth.clientSecret, and whether the server wants them in the header (clientAuth: basic) or in the body (clientAuth: body)'
    case 'invalid_grant':
    case 'bad_refresh_token':
    case 'invalid_refresh_token':
      return ended
    case 'unauthorized_client':
    case 'unsupported_grant_type':
      return 'Allow this grant for the client at the server, or change auth.grant'
    case 'invalid_scope':
    case 'invalid_target':
      return 'Check auth.scope, auth.audience and auth.params'
    case 'invalid_request':
      return 'Check auth.bodyFormat (form or json) and auth.params against what the API asks for'
    default:
      return status === 404 || status === 405
        ? 'Check that auth.tokenUrl is the token endpoint'
        : "Check the options below auth against the API's documentation"
  }
}
