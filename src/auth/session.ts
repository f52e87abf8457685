import { z } from 'zod'
import { duration } from '../options/duration.ts'
import { path } from '../pagination/path.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'
import { checkPlacement, type Placement, placementFields, placementOf, placeName } from './placement.ts'
import { loginOptions, sessionLogin } from './session-login.ts'
import { tokenAuthenticator } from './token-authenticator.ts'
import { createTokenManager } from './token-manager.ts'

const sessionFields = z.strictObject({
  type: z
    .literal('session')
    .describe('A token that a login request gives, for APIs with a login of their own kind.'),
  login: loginOptions.describe('The request that logs in.'),
  token: z
    .union([
      path,
      z.strictObject({ header: placeName.describe('Name of a header of the reply.') }),
      z.strictObject({ cookie: placeName.describe('Name of a cookie that the reply sets.') }),
    ])
    .describe(
      'Where the login\'s reply has the token: a path of the body ("data.token"; "$" is the whole body), `{ header: … }` or `{ cookie: … }`.',
    ),
  expires: path
    .exactOptional()
    .describe(
      'Path of its end in the body: seconds that it lives, or a time (ISO 8601, seconds or milliseconds since 1970). Default: what a JWT or a cookie says of itself.',
    ),
  expiresIn: duration
    .exactOptional()
    .describe(
      'How long it lives where the reply does not say. Default: until the API refuses it with a 401.',
    ),
  ...placementFields,
})

export const sessionOptions = sessionFields.check((context) => {
  if (cookieOf(context.value.token) === undefined) checkPlacement(context)
})
export type SessionOptions = z.input<typeof sessionOptions>
type Settings = z.output<typeof sessionOptions>

/**
 * A token that a login request gives:
 * `session({ login: { url: 'login', body: { user: 'ann', password: env('PASSWORD') } }, token: 'data.token' })`.
 */
export function session(options: Omit<SessionOptions, 'type'>): SessionOptions {
  return { type: 'session', ...options }
}

export function sessionAuthenticator(options: Settings, context: AuthContext): Authenticator {
  const placement = placementIn(options)
  const login = sessionLogin(options, placement.prefix, context)
  const manager = createTokenManager({
    runtime: context.runtime,
    place: login.place,
    source: context.source,
    onEvent: context.onEvent,
    onSecret: login.onSecret,
    ask: (_refreshToken, sentAt) => login.ask(sentAt),
    ...(options.expiresIn !== undefined && { expiresInDefault: options.expiresIn }),
  })
  return tokenAuthenticator(manager, placement, context)
}

/** A token from a cookie goes back as that cookie, unless the options say otherwise. */
function placementIn(options: Settings): Placement {
  const cookie = cookieOf(options.token)
  const untold = options.in === undefined && options.name === undefined
  return placementOf(cookie !== undefined && untold ? { ...options, in: 'cookie', name: cookie } : options)
}

function cookieOf(token: Settings['token']): string | undefined {
  return typeof token === 'object' && 'cookie' in token ? token.cookie : undefined
}
