// The login of a session: one request, and what its reply has of a token.
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { firstHeader } from '../http/headers.ts'
import { encodeBody } from '../http/request-body.ts'
import { withQuery } from '../http/request-url.ts'
import { lateIdentifier } from '../options/late-secret.ts'
import { type Secret, secret, textOrSecret } from '../options/secret.ts'
import { compilePath } from '../pagination/path.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { HttpHeaders, HttpRequest } from '../ports/runtime.ts'
import { apiKeyAuthenticator, apiKeyOptions } from './api-key.ts'
import type { AuthContext } from './auth-context.ts'
import { basicAuthenticator, basicOptions } from './basic.ts'
import { bearerAuthenticator, bearerOptions } from './bearer.ts'
import { jsonWithSecrets, revealJson } from './json-with-secrets.ts'
import { jwtAuthenticator, jwtOptions } from './jwt.ts'
import { clearText, isPrivateEnough } from './oauth2-options.ts'
import type { TokenReply } from './token-endpoint.ts'
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

const loginAuthOptions = z.discriminatedUnion('type', [
  basicOptions,
  bearerOptions,
  apiKeyOptions,
  jwtOptions,
])

export const loginOptions = z.strictObject({
  url: secret.describe(
    'Path below `baseUrl`, or an absolute address. It must be https, except on this machine.',
  ),
  method: z.enum(['POST', 'GET', 'PUT']).default('POST').describe('Default: POST.'),
  query: z
    .record(z.string(), z.union([textOrSecret, z.number(), z.boolean()]))
    .default({})
    .describe('Query parameters; they may be secrets.'),
  headers: z
    .record(z.string().toLowerCase(), textOrSecret)
    .default({})
    .describe('Headers; they may be secrets.'),
  body: jsonWithSecrets
    .exactOptional()
    .describe('The body, as in `{ user: "ann", password: env("PASSWORD") }`. Its texts may be secrets.'),
  bodyFormat: z.enum(['json', 'form']).default('json').describe('How the body is written. Default: json.'),
  auth: loginAuthOptions
    .exactOptional()
    .describe(
      'A credential of the login itself: basic, bearer, api_key, or a jwt that is signed here, as GitHub Apps need.',
    ),
})

/** Where the token and its end stand in the reply. */
export interface LoginReply {
  readonly token: string | { readonly header: string } | { readonly cookie: string }
  readonly expires?: string
}

export interface SessionLogin {
  /** Names the source and the login in messages. */
  readonly place: string
  /** One attempt. @throws TransientTokenError, TokenRefusedError, and what the transport throws */
  ask(sentAt: number): Promise<TokenReply>
  readonly onSecret: (value: string) => void
}

/** @param prefix what stands in front of a token; a reply that has it there already is not given it twice */
export function sessionLogin(
  options: LoginReply & { readonly login: z.output<typeof loginOptions> },
  prefix: string,
  outer: AuthContext,
): SessionLogin {
  const { login } = options
  const known = new Set<string>()
  const onSecret = (value: string) => {
    if (known.has(value)) return
    known.add(value)
    outer.onSecret(value)
  }
  const context: AuthContext = { ...outer, onSecret }
  const address = lateIdentifier(login.url, 'auth.login.url', context)
  const auth = login.auth === undefined ? undefined : loginAuthenticator(login.auth, context)
  const place =
    `${context.source}: the login ${login.method} ${typeof login.url === 'string' ? withoutQuery(login.url) : ''}`.trimEnd()

  async function request(): Promise<HttpRequest> {
    const headers = revealJson(login.headers, context) as Record<string, string>
    const url = withQuery(
      absolute(address(), login.url, context),
      revealJson(login.query, context) as Record<string, string>,
    )
    const plain: HttpRequest = {
      method: login.method,
      url,
      headers: { accept: 'application/json', ...headers },
    }
    if (login.body === undefined) return auth ? auth.sign(plain) : plain
    const type = login.bodyFormat === 'form' ? 'application/x-www-form-urlencoded' : headers['content-type']
    const { text, contentType } = encodeBody(revealJson(login.body, context), type)
    const full = { ...plain, headers: { ...plain.headers, 'content-type': contentType }, body: text }
    return auth ? auth.sign(full) : full
  }

  return {
    place,
    onSecret,
    async ask(sentAt) {
      const response = await context.runtime.transport(await request())
      const { status, headers } = response
      // After a login a browser is led on: the token is in the headers then. A body that is asked for is elsewhere, where no password goes (R3).
      if (status >= 300 && status < 400 && typeof options.token === 'string') {
        await response.discard()
        const target = quotable(firstHeader(headers, 'location') ?? 'nowhere', known)
        throw new TokenRefusedError(
          `${place} answered ${status} and points to ${target}: set auth.login.url to the address that answers itself`,
          status,
        )
      }
      const text = await readReplyText(response, place, 'auth.login.url is the login')
      const reply = parseReply(text, firstHeader(headers, 'content-type') ?? '')
      const error = reply && serverError(reply)
      const said = quotable(error ? describeError(error) : text || 'an empty body', known)
      if (isTransient(status, error)) throw new TransientTokenError(`it answered ${status}: ${said}`, headers)
      const found = status < 400 ? findToken(options.token, text, reply, headers) : undefined
      if (found === undefined || error) {
        throw new TokenRefusedError(
          status >= 400 || error
            ? `${place} answered ${status}: ${said}. Check the options below auth.login against the API's documentation`
            : `${place} answered ${status} without a token at ${whereOf(options.token)}, but with ${describeReply(reply, text, known)}: set auth.token to where it stands`,
          status,
        )
      }
      const accessToken = found.startsWith(prefix) ? found.slice(prefix.length) : found
      return {
        accessToken,
        refreshToken: undefined,
        expiresAt: endOf(options, reply, accessToken, headers, sentAt),
      }
    },
  }
}

function loginAuthenticator(options: z.output<typeof loginAuthOptions>, context: AuthContext): Authenticator {
  switch (options.type) {
    case 'basic':
      return basicAuthenticator(options, context, 'auth.login.auth')
    case 'bearer':
      return bearerAuthenticator(options, context, 'auth.login.auth')
    case 'api_key':
      return apiKeyAuthenticator(options, context, 'auth.login.auth')
    // Its tokens are no news: the session's own are.
    case 'jwt':
      return jwtAuthenticator(options, { ...context, onEvent() {} }, 'auth.login.auth')
  }
}

function absolute(url: string, configured: Secret | string, { baseUrl, source }: AuthContext): string {
  if (!URL.canParse(url, baseUrl)) {
    throw new ConfigError(
      `sources.${source}.auth.login.url`,
      `${typeof configured === 'string' ? JSON.stringify(withoutQuery(url)) : `the value of ${configured.variables.join(', ')}`} is no URL: write a path below baseUrl, or an address that starts with https://`,
    )
  }
  const { href } = new URL(url, baseUrl)
  if (!isPrivateEnough(href))
    throw new ConfigError(
      `sources.${source}.auth.login.url`,
      `${JSON.stringify(withoutQuery(href))} ${clearText}`,
    )
  return href
}

type Reply = ReturnType<typeof parseReply>

function findToken(
  at: LoginReply['token'],
  text: string,
  reply: Reply,
  headers: HttpHeaders,
): string | undefined {
  if (typeof at === 'object') {
    const value =
      'header' in at ? firstHeader(headers, at.header.toLowerCase()) : cookie(at.cookie, headers)?.value
    return value === '' ? undefined : value
  }
  if (at === '$') {
    const whole = jsonText(text) ?? text.trim()
    // A page that asks for a login, or a message, is no token.
    return whole === '' || /[\s<>{}]/.test(whole) ? undefined : whole
  }
  const value = compilePath(at)(reply as never)
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined
}

/** A body that is one text in JSON, as in `"eyJ…"`. */
function jsonText(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

interface Cookie {
  readonly value: string
  /** Seconds that it lives. */
  readonly maxAge: number | undefined
  /** An HTTP date; `Max-Age` outranks it (RFC 6265 §4.1.2.2). */
  readonly expires: string | undefined
}

/** The cookie as a browser would keep it: of several of one name the last one, and none that is set only to be taken away. */
function cookie(name: string, headers: HttpHeaders): Cookie | undefined {
  let kept: Cookie | undefined
  for (const line of [headers['set-cookie'] ?? []].flat()) {
    if (!line.startsWith(`${name}=`)) continue
    const [pair = ''] = line.split(';', 1)
    const attribute = (name: string) => new RegExp(`;\\s*${name}=([^;]+)`, 'i').exec(line)?.[1]?.trim()
    const maxAge = attribute('max-age')
    kept = {
      value: pair.slice(name.length + 1).trim(),
      maxAge: maxAge !== undefined && /^-?\d+$/.test(maxAge) ? Number(maxAge) : undefined,
      expires: attribute('expires'),
    }
    if (kept.maxAge !== undefined && kept.maxAge <= 0) kept = undefined
  }
  return kept
}

/** A number below this counts seconds of life; a time since 1970 is above it (it was passed in 2001). */
const longestLife = 1e9

function endOf(
  { token, expires }: LoginReply,
  reply: Reply,
  accessToken: string,
  headers: HttpHeaders,
  sentAt: number,
): number | undefined {
  const said = expires === undefined ? undefined : compilePath(expires)(reply as never)
  const life = Number(said) < longestLife ? said : undefined
  const ofCookie = typeof token === 'object' && 'cookie' in token ? cookie(token.cookie, headers) : undefined
  const facts = { expires_in: life ?? ofCookie?.maxAge, expires_at: said ?? ofCookie?.expires }
  return tokenExpiry({ reply: facts, accessToken, headers, sentAt })
}

function whereOf(token: LoginReply['token']): string {
  if (typeof token === 'string') return token
  return 'header' in token ? `the header ${token.header}` : `the cookie ${token.cookie}`
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
