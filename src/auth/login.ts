// `sluice auth login`: authorization code with PKCE (RFC 6749 §4.1, RFC 7636) and a redirect to this machine (RFC 8252).
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '../errors.ts'
import { formatDuration } from '../options/duration.ts'
import { waitUnless } from './abort.ts'
import type { AuthContext } from './auth-context.ts'
import { listenOnLoopback, type Redirect } from './loopback.ts'
import { checkedAddress, type OAuth2Client, oauth2Client, tokenStoreName } from './oauth2.ts'
import type { OAuth2Settings } from './oauth2-options.ts'
import { askForToken } from './token-endpoint.ts'
import { LoginRequiredError, quotable, TokenRefusedError, TokenUnavailableError } from './token-error.ts'
import { TransientTokenError } from './token-reply.ts'
import type { StoredToken } from './token-store.ts'

export interface LoginOptions {
  /** Told the address that a browser has to be sent to. */
  readonly show: (url: string) => void
  /** How long somebody has time to log in, in milliseconds. Default: 5 minutes. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Waits for a user to log in, and keeps what the server grants, so that runs can go on from it.
 * @throws LoginRequiredError where nobody did so in time, TokenRefusedError where consent or the code was refused,
 * TokenUnavailableError, TokenStoreError
 */
export async function login(
  options: OAuth2Settings,
  context: AuthContext,
  { show, timeoutMs = 300_000, signal }: LoginOptions,
): Promise<StoredToken> {
  const { source, runtime } = context
  const client = oauth2Client(options, context)
  const authorizationUrl = checkedAddress(options.authorizationUrl!, 'authorizationUrl', context)
  // Not the runtime's chance: nobody may guess these (RFC 7636 §7.1).
  const state = randomBytes(16).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  client.context.onSecret(verifier)

  let arrived: (redirect: Redirect) => void = () => {}
  const redirected = new Promise<Redirect>((resolve) => {
    arrived = resolve
  })
  await using listener = await listenOnLoopback(options.redirectPort, (redirect) => {
    if (matches(redirect.params.get('state') ?? '', state)) return arrived(redirect)
    // Another login's, or nobody's: it is refused, and the right one may still come.
    redirect.answer(
      400,
      'Not this login',
      'The answer belongs to another login. Start again from the address that Sluice has shown.',
    )
  })
  show(
    addressOf(authorizationUrl, {
      response_type: 'code',
      client_id: client.clientId() ?? '',
      redirect_uri: listener.redirectUri,
      ...(options.scope !== undefined && { scope: options.scope }),
      ...(options.audience !== undefined && { audience: options.audience }),
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...options.authorizationParams,
    }),
  )

  const over = new AbortController()
  const timeout = runtime.clock.sleep(timeoutMs, over.signal).then(() => undefined)
  timeout.catch(() => {})
  let redirect: Redirect | undefined
  try {
    redirect = await waitUnless(Promise.race([redirected, timeout]), signal)
  } finally {
    over.abort()
  }
  if (redirect === undefined) {
    throw new LoginRequiredError(
      `${source}: nobody has logged in within ${formatDuration(timeoutMs)}: run \`sluice auth login ${source}\` again, and open the address that it shows`,
    )
  }
  try {
    const token = await trade(redirect.params, { verifier, redirectUri: listener.redirectUri }, client)
    await keep(token, options, client)
    redirect.answer(200, 'Logged in', 'Sluice may read now. This page can be closed.')
    return token
  } catch (error) {
    redirect.answer(400, 'Not logged in', 'Sluice says why, where it was started. This page can be closed.')
    throw error
  }
}

/** Equal in the time that it takes, too. */
function matches(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function addressOf(url: string, params: Readonly<Record<string, string | number | boolean>>): string {
  const address = new URL(url)
  for (const [name, value] of Object.entries(params)) address.searchParams.set(name, String(value))
  return address.href
}

/** The tokens for what the browser brought back. A code is good for one use, so that it is sent once. */
async function trade(
  params: URLSearchParams,
  { verifier, redirectUri }: { readonly verifier: string; readonly redirectUri: string },
  client: OAuth2Client,
): Promise<StoredToken> {
  const { context, place } = client
  const { source, runtime } = context
  const error = params.get('error')
  if (error !== null) {
    const description = params.get('error_description')
    const said = quotable(description === null ? error : `${error} (${description})`, client.known)
    throw new TokenRefusedError(
      `${source}: the login was refused: ${said}. ${
        error === 'access_denied'
          ? 'Consent was not given; log in again to give it'
          : 'Check auth.clientId, auth.scope and the redirect address that the server has of this client'
      }`,
      400,
      quotable(error, client.known),
    )
  }
  const code = params.get('code')
  if (code === null || code === '') {
    throw new TokenRefusedError(
      `${source}: the login came back without a code: check that auth.authorizationUrl is the authorization endpoint`,
      400,
    )
  }
  context.onSecret(code)
  const issuedAt = runtime.clock.now()
  try {
    const endpoint = await client.endpoint({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    })
    const reply = await askForToken(endpoint, {
      transport: runtime.transport,
      sentAt: issuedAt,
      place,
      secrets: client.known,
      ended: 'The code was not taken: log in again',
    })
    return {
      accessToken: reply.accessToken,
      ...(reply.refreshToken !== undefined && { refreshToken: reply.refreshToken }),
      issuedAt,
      expiresAt: reply.expiresAt ?? null,
    }
  } catch (failure) {
    if (!(failure instanceof TransientTokenError)) throw failure
    throw new TokenUnavailableError(
      `${place} gave no token: ${failure.message}. Log in again when it is available`,
      {
        cause: failure,
      },
    )
  }
}

/** S2. Under the lock, so that no run that refreshes at this moment writes its older token over it. */
async function keep(token: StoredToken, options: OAuth2Settings, client: OAuth2Client): Promise<void> {
  const { tokenStore, onSecret } = client.context
  onSecret(token.accessToken)
  if (token.refreshToken !== undefined) onSecret(token.refreshToken)
  const name = tokenStoreName(options, client)
  if (name === undefined) throw new ConfigError('auth.grant', `the grant ${options.grant} has no login`)
  const release = await tokenStore.lock?.(name)
  try {
    await tokenStore.write(name, token)
  } finally {
    await release?.()
  }
}
