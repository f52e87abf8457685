import { credentialIdentity } from '../auth/credential-identity.ts'
import type { SourceAuth } from '../auth/rotate.ts'
import { sourceOrigins } from '../http/request-url.ts'
import { splitSecrets } from '../http/secret-parts.ts'
import { revealSecret, type SecretLookup } from '../options/secret.ts'
import type { RestSettings } from '../source/rest-options.ts'

/**
 * Names what an API knows a caller by, at this API: its origin, and a hash of the credential (S1). Those with the same key share quotas
 * (Q3).
 * @param auth the credential, where a stream has one of its own
 * @throws ConfigError where `baseUrl` is no URL
 */
export function accountKey(
  settings: Pick<RestSettings, 'baseUrl' | 'allowedOrigins' | 'headers' | 'query' | 'tls'>,
  auth: SourceAuth,
  lookup: SecretLookup,
): string {
  const { base } = sourceOrigins(revealSecret(settings.baseUrl, lookup), settings.allowedOrigins)
  const { secret } = splitSecrets(settings)
  const further = [
    ...Object.values(secret.headers),
    ...Object.values(secret.query).flat(),
    ...(settings.tls?.cert === undefined ? [] : [settings.tls.cert]),
  ]
  return JSON.stringify([new URL(base).origin, credentialIdentity(auth, further, lookup)])
}
