// A certified authorization server that is not ours, on the loopback interface, with a small API behind it that takes its tokens.
// It reads the time from Date.now: a test that fakes Date moves its expiry without sleeping.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export interface OidcServerOptions {
  /** Life of an access token, in seconds. Default 5. */
  readonly tokenSeconds?: number
  /** Records that `/api/items` has. Default 0. */
  readonly records?: number
  /** With this key `signedClient` signs. Default: there is no such client. */
  readonly signingKey?: KeyObject
}

export interface OidcServer extends AsyncDisposable {
  readonly tokenUrl: string
  /** Answers `{ items: [{ id, name }], next }`; takes `after` and `limit` (default 100); 401 without a valid access token. */
  readonly itemsUrl: string
  /** Sends its secret in the header; allowed client credentials and refresh tokens. */
  readonly client: { readonly id: string; readonly secret: string }
  /** The same, with its secret in the body. */
  readonly bodyClient: { readonly id: string; readonly secret: string }
  /** Where a user logs in and consents, at once and without a form: as `ann`, unless `consent` is false. */
  readonly authorizationUrl: string
  /** A public client of a user's machine: authorization code with PKCE, a redirect to any port of 127.0.0.1. */
  readonly nativeClient: { readonly id: string }
  /** Proves itself by a token that it signs with `signingKey`; allowed client credentials. */
  readonly signedClient: { readonly id: string }
  consent: boolean
  /** A refresh token, as if a user had granted it. Each is good for one use; a second use revokes all that came of it. */
  grantRefreshToken(clientId?: string): Promise<string>
  /** Makes every access token that was issued so far invalid, as an administrator might. */
  revokeAccessTokens(): void
  /** How often the token endpoint was asked, and how often the API answered with each status. */
  readonly counts: { tokenRequests: number; readonly api: Record<number, number> }
}

export async function startOidcServer(options: OidcServerOptions = {}): Promise<OidcServer> {
  const { tokenSeconds = 5, records = 0 } = options
  const counts = { tokenRequests: 0, api: {} as Record<number, number> }
  // A percent sign and a colon show whether the Basic header is encoded as RFC 6749 asks.
  const client = { id: 'sluice-test', secret: 'header-s3cr3t:with%25/and+more' }
  const bodyClient = { id: 'sluice-body', secret: 'body-s3cr3t-0123456789' }
  let handle = (_request: IncomingMessage, _response: ServerResponse): unknown => undefined
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const storage = new Map<string, Stored>()
  const nativeClient = { id: 'sluice-native' }
  const signedClient = { id: 'sluice-signed' }
  const more = [
    nativeRegistration(nativeClient.id),
    ...(options.signingKey ? [signedRegistration(signedClient.id, options.signingKey)] : []),
  ]
  const provider = new Provider(origin, configuration([client, bodyClient], more, tokenSeconds, storage))
  const authorize = provider.callback()

  async function items(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const valid = (await provider.ClientCredentials.find(token)) ?? (await provider.AccessToken.find(token))
    const status = valid ? 200 : 401
    counts.api[status] = (counts.api[status] ?? 0) + 1
    response.setHeader('content-type', 'application/json')
    if (!valid) {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' })
      response.end('{"error":"invalid_token"}')
      return
    }
    const query = new URL(request.url ?? '/', origin).searchParams
    const start = Number(query.get('after') ?? 0)
    const end = Math.min(records, start + Number(query.get('limit') ?? 100))
    const page = Array.from({ length: Math.max(0, end - start) }, (_, i) => ({
      id: start + i + 1,
      name: `item ${start + i + 1}`,
    }))
    response.end(JSON.stringify({ items: page, next: end < records ? end : null }))
  }
  /** What a user does in the forms of a server. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (!opened.consent) {
      const refusal = { error: 'access_denied', error_description: 'ann said no' }
      return provider.interactionFinished(request, response, refusal)
    }
    if (prompt.name === 'login') {
      return provider.interactionFinished(request, response, { login: { accountId: 'ann' } })
    }
    const grant = new provider.Grant({ accountId: session!.accountId, clientId: params['client_id']! })
    grant.addOIDCScope(params['scope']!)
    const consent = { grantId: await grant.save() }
    const merged = { mergeWithLastSubmission: true }
    return provider.interactionFinished(request, response, { consent }, merged)
  }
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/')) return interact(request, response)
    if (request.url?.startsWith('/api/items')) return items(request, response)
    if (request.url?.startsWith('/token')) counts.tokenRequests++
    return authorize(request, response)
  }

  const opened: OidcServer = {
    authorizationUrl: `${origin}/auth`,
    nativeClient,
    signedClient,
    consent: true,
    tokenUrl: `${origin}/token`,
    itemsUrl: `${origin}/api/items`,
    client,
    bodyClient,
    counts,
    async grantRefreshToken(clientId = client.id) {
      const grant = new provider.Grant({ accountId: 'ann', clientId })
      grant.addOIDCScope('offline_access read')
      const refreshToken = new provider.RefreshToken({
        accountId: 'ann',
        client: await provider.Client.find(clientId),
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope: 'offline_access read',
      })
      return refreshToken.save()
    },
    revokeAccessTokens() {
      for (const key of storage.keys()) if (/^(AccessToken|ClientCredentials):/.test(key)) storage.delete(key)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return opened
}

function nativeRegistration(id: string): Readonly<Record<string, unknown>> {
  return {
    client_id: id,
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'],
  }
}

function signedRegistration(id: string, key: KeyObject): Readonly<Record<string, unknown>> {
  const { d: _d, ...publicKey } = key.export({ format: 'jwk' })
  return {
    client_id: id,
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    jwks: { keys: [{ ...publicKey, use: 'sig' }] },
  }
}

function configuration(
  clients: readonly { readonly id: string; readonly secret: string }[],
  more: readonly object[],
  tokenSeconds: number,
  storage: Map<string, Stored>,
): Readonly<Record<string, unknown>> {
  const day = 86_400
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    adapter: adapterOf(storage),
    clients: [
      ...more,
      ...clients.map(({ id, secret }, i) => ({
        client_id: id,
        client_secret: secret,
        token_endpoint_auth_method: i === 0 ? 'client_secret_basic' : 'client_secret_post',
        grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['https://app.test/callback'],
      })),
    ],
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: async (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id }),
    }),
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access', 'read'],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['test'] },
    ttl: {
      AccessToken: tokenSeconds,
      ClientCredentials: tokenSeconds,
      RefreshToken: day,
      Grant: day,
      Session: day,
      Interaction: day,
      IdToken: day,
    },
  }
}

type Stored = Record<string, unknown> & { readonly grantId?: string }

/** oidc-provider's storage, so that a test can reach into it. Expired entries stay: the provider looks at their time itself. */
function adapterOf(storage: Map<string, Stored>) {
  return class {
    readonly model: string
    constructor(model: string) {
      this.model = model
    }
    async upsert(id: string, payload: Stored) {
      storage.set(`${this.model}:${id}`, payload)
    }
    async find(id: string) {
      return storage.get(`${this.model}:${id}`)
    }
    async findByUid(uid: string) {
      for (const [key, payload] of storage) {
        if (key.startsWith(`${this.model}:`) && payload['uid'] === uid) return payload
      }
      return undefined
    }
    async consume(id: string) {
      const key = `${this.model}:${id}`
      storage.set(key, { ...storage.get(key), consumed: Math.floor(Date.now() / 1000) })
    }
    async destroy(id: string) {
      storage.delete(`${this.model}:${id}`)
    }
    async revokeByGrantId(grantId: string) {
      for (const [key, payload] of storage) {
        if (key.startsWith(`${this.model}:`) && payload.grantId === grantId) storage.delete(key)
      }
    }
  }
}
