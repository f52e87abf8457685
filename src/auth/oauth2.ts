import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { duration } from '../options/duration.ts'
import { address, isAddress, isSecret, revealSecret, secret } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { AuthContext, Authenticator } from './authenticator.ts'
import { checkHeaderText, lateCredential } from './credential.ts'
import { askForToken, basicHeader, type TokenEndpoint } from './token-endpoint.ts'
import { createTokenManager, type TokenManager } from './token-manager.ts'

const clearText = 'would send the credential in clear text: use https (plain http is for this machine only)'

export const oauth2Options = z
  .strictObject({
    type: z.literal('oauth2').describe('An access token that is fetched and refreshed (RFC 6749).'),
    grant: z
      .enum(['client_credentials', 'refresh_token'])
      .describe('How a token is got: by the client alone, or by a refresh token that a user has granted.'),
    tokenUrl: address
      .refine((url) => isSecret(url) || isPrivateEnough(url), {
        error: (issue) => `${JSON.stringify(issue.input)} ${clearText}`,
      })
      .describe('Address of the token endpoint. It must be https, except on the loopback interface.'),
    clientId: secret.describe('The client, as it is registered at the authorization server.'),
    clientSecret: secret.exactOptional().describe('Its secret. Absent: a public client.'),
    clientAuth: z
      .enum(['basic', 'body'])
      .default('basic')
      .describe(
        'Where the client id and secret go: an Authorization header (basic) or the body. Default: basic, as RFC 6749 asks of every server.',
      ),
    bodyFormat: z
      .enum(['form', 'json'])
      .default('form')
      .describe('How the request is written. Default: form, the standard; some APIs (Zendesk) take json.'),
    scope: z
      .string()
      .min(1)
      .exactOptional()
      .describe('Scopes to ask for, with spaces between. Default: what the server gives.'),
    audience: z
      .string()
      .min(1)
      .exactOptional()
      .describe('The API for which the token is, where the server asks for it.'),
    params: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .default({})
      .describe(
        'Further parameters of the token request, as in `{ redirect_uri: … }`. No secret belongs here.',
      ),
    refreshToken: secret
      .exactOptional()
      .describe(
        'Required with `grant: refresh_token`. The refresh token. Where the server rotates it, the newest one is kept in the token store and outranks this one, until this one is changed.',
      ),
    expiresInDefault: duration
      .exactOptional()
      .describe(
        'How long a token lives where the server does not say. Default: until the API refuses it with a 401.',
      ),
    refreshBefore: duration
      .exactOptional()
      .describe(
        'How long before its end a token is refreshed. Default: a fifth of its life, at most a minute. At most half of its life.',
      ),
  })
  .check((context) => {
    const { grant, refreshToken, clientSecret } = context.value
    const missing =
      grant === 'refresh_token' && refreshToken === undefined
        ? 'refreshToken'
        : grant === 'client_credentials' && clientSecret === undefined
          ? 'clientSecret'
          : undefined
    if (missing) {
      context.issues.push({
        code: 'custom',
        path: [missing],
        input: undefined,
        message: `the grant ${grant} needs ${missing}`,
      })
    }
  })
export type OAuth2Options = z.input<typeof oauth2Options>
type Options = z.output<typeof oauth2Options>

/**
 * An access token that is fetched and refreshed:
 * `oauth2({ grant: 'client_credentials', tokenUrl: 'https://…', clientId: env('ID'), clientSecret: env('SECRET') })`.
 */
export function oauth2(options: Omit<OAuth2Options, 'type'>): OAuth2Options {
  return { type: 'oauth2', ...options }
}

export function oauth2Authenticator(options: Options, context: AuthContext): Authenticator {
  const manager = oauth2TokenManager(options, context)
  return {
    async sign(request, signal) {
      const token = await manager.token(signal)
      checkHeaderText(token, 'auth', context.source)
      return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }
    },
    async prepare(signal) {
      await manager.token(signal)
    },
    isReady: () => manager.isFresh(),
    renew: (refused, signal) => manager.renew(bearerOf(refused), signal),
  }
}

function bearerOf(request: HttpRequest): string {
  return (request.headers['authorization'] ?? '').replace(/^Bearer /, '')
}

/** The token manager alone, for requests that are sent by other means. */
export function oauth2TokenManager(options: Options, context: AuthContext): TokenManager {
  const { runtime, source } = context
  const tokenUrl = revealSecret(options.tokenUrl, context.lookup)
  if (!isAddress(tokenUrl)) {
    throw new ConfigError(
      `${source}.auth.tokenUrl`,
      `${JSON.stringify(tokenUrl)} is no address: it starts with https://`,
    )
  }
  if (!isPrivateEnough(tokenUrl))
    throw new ConfigError(`${source}.auth.tokenUrl`, `${JSON.stringify(tokenUrl)} ${clearText}`)
  const known = new Set<string>()
  const onSecret = (value: string) => {
    if (known.has(value)) return
    known.add(value)
    context.onSecret(value)
  }
  const credentials = { ...context, onSecret }
  const clientId = lateCredential(options.clientId, 'auth.clientId', { ...context, onSecret: () => {} })
  const clientSecret =
    options.clientSecret === undefined
      ? undefined
      : lateCredential(options.clientSecret, 'auth.clientSecret', credentials)
  const refreshToken =
    options.refreshToken && options.grant === 'refresh_token'
      ? lateCredential(options.refreshToken, 'auth.refreshToken', credentials)
      : undefined
  const place = `${source}: the token endpoint ${withoutQuery(tokenUrl)}`

  function endpoint(spent: string | undefined): TokenEndpoint {
    const id = clientId()
    const secretText = clientSecret?.()
    if (secretText !== undefined && options.clientAuth === 'basic') {
      onSecret(basicHeader(id, secretText).slice('Basic '.length))
    }
    return {
      url: tokenUrl,
      clientId: id,
      clientSecret: secretText,
      clientAuth: options.clientAuth,
      bodyFormat: options.bodyFormat,
      params: {
        ...options.params,
        grant_type: options.grant,
        ...(spent === undefined ? {} : { refresh_token: spent }),
        ...(options.scope === undefined ? {} : { scope: options.scope }),
        ...(options.audience === undefined ? {} : { audience: options.audience }),
      },
    }
  }

  return createTokenManager({
    runtime,
    place,
    source,
    onEvent: context.onEvent,
    onSecret,
    ask: (spent, sentAt) =>
      askForToken(endpoint(spent), { transport: runtime.transport, sentAt, place, secrets: known }),
    ...(refreshToken && {
      refreshToken,
      store: {
        tokens: context.tokenStore,
        name: () => tokenName(tokenUrl, clientId(), refreshToken()),
      },
    }),
    ...(options.expiresInDefault !== undefined && { expiresInDefault: options.expiresInDefault }),
    ...(options.refreshBefore !== undefined && { refreshBefore: options.refreshBefore }),
  })
}

/**
 * The name of a credential in the token store. The configured refresh token is a part of it, as a hash: two sources with one
 * credential share its tokens, and one whose refresh token the user has replaced starts afresh.
 */
function tokenName(tokenUrl: string, clientId: string, refreshToken: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tokenUrl, clientId, refreshToken]))
    .digest('hex')
  return `${new URL(tokenUrl).hostname.replace(/[^a-z0-9.-]/g, '')}-${hash.slice(0, 32)}`
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** What is no URL at all is refused elsewhere. */
function isPrivateEnough(url: string): boolean {
  if (!URL.canParse(url)) return true
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
