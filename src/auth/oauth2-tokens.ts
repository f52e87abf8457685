import { systemLookup } from '../config/system-lookup.ts'
import { ConfigError } from '../errors.ts'
import type { AuthContext } from './auth-context.ts'
import { oauth2TokenManager } from './oauth2.ts'
import { type OAuth2Options, oauth2Options } from './oauth2-options.ts'
import type { TokenManager } from './token-manager.ts'
import { memoryTokenStore } from './token-store.ts'

/**
 * OAuth tokens without a pipeline, for a loop of one's own: `token()` before a request, `renew(token)` after a 401.
 *
 * ```ts
 * const tokens = oauth2Tokens(oauth2({ … }), { runtime, tokenStore: fileTokenStore('tokens', runtime.clock) })
 * const token = await tokens.token()
 * ```
 * @param context needs a runtime. `lookup` finds the variables of `env(…)`; without it, secrets are literal. `tokenStore` defaults to
 * memory, which forgets a rotated refresh token at the process's end: name a file store for the grant refresh_token.
 * @throws ConfigError for options that are not valid
 */
export function oauth2Tokens(
  options: OAuth2Options,
  context: Pick<AuthContext, 'runtime'> & Partial<AuthContext>,
): TokenManager {
  const parsed = oauth2Options.safeParse(options)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new ConfigError(['auth', ...path].join('.'), message)
  }
  return oauth2TokenManager(parsed.data, {
    lookup: systemLookup,
    tokenStore: memoryTokenStore(),
    onEvent: () => {},
    onSecret: () => {},
    source: 'oauth2',
    ...context,
  })
}
