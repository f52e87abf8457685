import { createHash } from 'node:crypto'
import { ConfigError } from '../errors.ts'
import { lateCredential, lateIdentifier } from '../options/late-secret.ts'
import { isAddress, isSecret, revealSecret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'
import { revealJson } from './json-with-secrets.ts'
import { type JwtSigner, jwtSigner, tokenId } from './jwt-signer.ts'
import { clearText, isPrivateEnough, type OAuth2Options, type OAuth2Settings } from './oauth2-options.ts'
import { placementOf } from './placement.ts'
import { googleTokenUrl, serviceAccountSigner } from './service-account.ts'
import { tokenAuthenticator } from './token-authenticator.ts'
import { askForToken, basicHeader, type TokenEndpoint } from './token-endpoint.ts'
import { LoginRequiredError } from './token-error.ts'
import { createTokenManager, type TokenManager } from './token-manager.ts'

/**
 * An access token that is fetched and refreshed:
 * `oauth2({ grant: 'client_credentials', tokenUrl: 'https://…', clientId: env('ID'), clientSecret: env('SECRET') })`.
 */
export function oauth2(options: Omit<OAuth2Options, 'type'>): OAuth2Options {
  return { type: 'oauth2', ...options }
}

export function oauth2Authenticator(options: OAuth2Settings, context: AuthContext): Authenticator {
  return tokenAuthenticator(oauth2TokenManager(options, context), placementOf({}), context)
}

/** The client of an authorization server: what token requests need, whatever they ask for. */
export interface OAuth2Client {
  readonly tokenUrl: string
  /** Names the source and the endpoint in messages. */
  readonly place: string
  readonly clientId: () => string | undefined
  /** The endpoint as one request sees it; an assertion of the client is signed for each. */
  endpoint(params: TokenEndpoint['params']): Promise<TokenEndpoint>
  /** Every secret that was told so far, for messages that quote the server. */
  readonly known: ReadonlySet<string>
  /** The same context, with `onSecret` told each value once. */
  readonly context: AuthContext
}

/** @throws ConfigError where the token endpoint's address can't be used */
export function oauth2Client(options: OAuth2Settings, outer: AuthContext): OAuth2Client {
  const { source } = outer
  const tokenUrl = checkedAddress(options.tokenUrl ?? googleTokenUrl, 'tokenUrl', outer)
  const known = new Set<string>()
  const context: AuthContext = {
    ...outer,
    onSecret(value) {
      if (known.has(value)) return
      known.add(value)
      outer.onSecret(value)
    },
  }
  const clientId =
    options.clientId === undefined
      ? () => undefined
      : lateIdentifier(options.clientId, 'auth.clientId', context)
  const clientSecret =
    options.clientSecret === undefined
      ? undefined
      : lateCredential(options.clientSecret, 'auth.clientSecret', context)
  const clientAssertion =
    options.clientAuth === 'private_key_jwt' && options.assertion
      ? jwtSigner(options.assertion, 'auth.assertion', context)
      : undefined

  return {
    tokenUrl,
    place: `${source}: the token endpoint ${withoutQuery(tokenUrl)}`,
    clientId,
    known,
    context,
    async endpoint(params) {
      const id = clientId()
      const secretText = clientSecret?.()
      const inHeader = options.clientAuth === 'basic'
      if (id !== undefined && secretText !== undefined && inHeader) {
        context.onSecret(basicHeader(id, secretText).slice('Basic '.length))
      }
      return {
        url: tokenUrl,
        clientId: id,
        clientSecret: secretText,
        clientAuth: inHeader ? 'basic' : 'body',
        bodyFormat: options.bodyFormat,
        headers: revealJson(options.headers, context) as Record<string, string>,
        params: {
          ...params,
          ...(clientAssertion && {
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await assert(clientAssertion, { iss: id, sub: id, aud: tokenUrl }, context),
          }),
          ...(revealJson(options.params, context) as TokenEndpoint['params']),
        },
      }
    },
  }
}

async function assert(
  sign: JwtSigner,
  claims: Parameters<JwtSigner>[0],
  context: AuthContext,
): Promise<string> {
  return (await sign({ ...claims, jti: tokenId(context.runtime.random) })).token
}

/** The token manager alone, for requests that are sent by other means. */
export function oauth2TokenManager(options: OAuth2Settings, outer: AuthContext): TokenManager {
  const client = oauth2Client(options, outer)
  const { context, place } = client
  const { runtime, source } = context
  const grantParams = grantOf(options, client)
  const again = `run \`sluice auth login ${source}\``
  const login = options.grant === 'authorization_code'
  const refreshToken = login
    ? () => {
        throw new LoginRequiredError(
          `${source}: nobody has logged in yet, or the login has ended and left no refresh token: ${again}`,
        )
      }
    : options.refreshToken && options.grant === 'refresh_token'
      ? lateCredential(options.refreshToken, 'auth.refreshToken', context)
      : undefined

  return createTokenManager({
    runtime,
    place,
    source,
    onEvent: context.onEvent,
    onSecret: context.onSecret,
    async ask(spent, sentAt) {
      const params = {
        ...(await grantParams()),
        ...(spent === undefined ? {} : { refresh_token: spent }),
      }
      return askForToken(await client.endpoint(params), {
        transport: runtime.transport,
        sentAt,
        place,
        secrets: client.known,
        ...(login && {
          ended: `The login has expired, was revoked, or was renewed elsewhere: ${again}`,
        }),
      })
    },
    ...(refreshToken && {
      refreshToken,
      store: {
        tokens: context.tokenStore,
        name: () => tokenStoreName(options, client)!,
      },
    }),
    ...(options.expiresInDefault !== undefined && { expiresInDefault: options.expiresInDefault }),
    ...(options.refreshBefore !== undefined && { refreshBefore: options.refreshBefore }),
  })
}

/** The parameters by which a grant asks for a token. */
function grantOf(options: OAuth2Settings, client: OAuth2Client): () => Promise<TokenEndpoint['params']> {
  const { context, tokenUrl } = client
  const scope = options.scope === undefined ? {} : { scope: options.scope }
  const audience = options.audience === undefined ? {} : { audience: options.audience }
  switch (options.grant) {
    case 'jwt_bearer': {
      const sign =
        options.serviceAccount === undefined
          ? jwtSigner(options.assertion!, 'auth.assertion', context)
          : serviceAccountSigner(
              { serviceAccount: options.serviceAccount, subject: options.subject },
              options.tokenUrl === undefined ? undefined : tokenUrl,
              context,
            )
      return async () => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await assert(sign, { iss: client.clientId(), aud: tokenUrl, ...scope }, context),
        ...audience,
      })
    }
    case 'password': {
      const username = lateIdentifier(options.username!, 'auth.username', context)
      const password = lateCredential(options.password!, 'auth.password', context)
      return async () => ({
        grant_type: 'password',
        username: username(),
        password: password(),
        ...scope,
        ...audience,
      })
    }
    // A login has been traded for a refresh token.
    case 'authorization_code':
      return async () => ({ grant_type: 'refresh_token' })
    default:
      return async () => ({ grant_type: options.grant, ...scope, ...audience })
  }
}

/** @throws ConfigError where an address that comes from a variable is none, or would send the credential in clear text */
export function checkedAddress(
  value: Parameters<typeof revealSecret>[0],
  option: string,
  { lookup, source }: Pick<AuthContext, 'lookup' | 'source'>,
): string {
  const url = revealSecret(value, lookup)
  const place = `${source}.auth.${option}`
  if (!isAddress(url)) {
    // S1: a variable that holds no address may hold a secret, put there by mistake.
    const what = isSecret(value) ? `the value of ${value.variables.join(', ')}` : JSON.stringify(url)
    throw new ConfigError(place, `${what} is no address: it starts with https://`)
  }
  if (!isPrivateEnough(url)) throw new ConfigError(place, `${JSON.stringify(withoutQuery(url))} ${clearText}`)
  return url
}

/** Under which name the tokens of a source are kept; `undefined` where its grant leaves nothing to keep. Looks secrets up. */
export function tokenStoreName(options: OAuth2Settings, client: OAuth2Client): string | undefined {
  const { tokenUrl, context } = client
  switch (options.grant) {
    // Each source has a login of its own.
    case 'authorization_code':
      return tokenName(tokenUrl, ['login', context.source, client.clientId() ?? '', options.scope ?? ''])
    case 'refresh_token': {
      const refreshToken = lateCredential(options.refreshToken!, 'auth.refreshToken', context)
      return tokenName(tokenUrl, [client.clientId() ?? '', refreshToken()])
    }
    default:
      return undefined
  }
}

/**
 * The name of a credential in the token store. What is told of it, as a hash, has the configured refresh token in it: two sources
 * with one credential share its tokens, and one whose refresh token the user has replaced starts afresh.
 */
function tokenName(tokenUrl: string, told: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tokenUrl, ...told]))
    .digest('hex')
  return `${new URL(tokenUrl).hostname.replace(/[^a-z0-9.-]/g, '')}-${hash.slice(0, 32)}`
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
