// A source's client with everything that it needs: the one place where credential, quotas and chain meet.
import { credentialIdentity } from '../auth/credential-identity.ts'
import { createAuthenticator } from '../auth/options.ts'
import { type Client, createClient } from '../http/client.ts'
import { createRedactor, type Redactor } from '../http/redact.ts'
import { sourceOrigins } from '../http/request-url.ts'
import { attachSecrets, splitSecrets } from '../http/secret-parts.ts'
import { withTls } from '../http/tls.ts'
import { revealSecret } from '../options/secret.ts'
import type { EndpointQuota } from '../source/request/endpoint-quota.ts'
import type { RestSettings } from '../source/rest-options.ts'
import type { Surroundings } from './surroundings.ts'

/** What a source says of its API, beside its streams. */
export type ClientSettings = Omit<RestSettings, 'type' | 'check' | 'streams'>

export interface SourceClient {
  readonly client: Client
  /** Knows the source's secrets (S1). */
  readonly redactor: Redactor
  readonly endpointQuota: EndpointQuota
}

/**
 * One client, with one breaker. Its quotas are shared with all that use the same credential at the same API, and ask by the same
 * registry (Q3): the API is told by the origin of its base URL. Where sources say different things of one API's limits, all of it
 * holds for all of them.
 * @throws ConfigError where `baseUrl` is no URL
 */
export function sourceClient(
  name: string,
  settings: ClientSettings,
  surroundings: Surroundings,
): SourceClient {
  const { lookup, tokenStore, onEvent, quotaRegistry, directory } = surroundings
  const redactor = createRedactor()
  const secrets = { lookup, onSecret: (value: string) => redactor.add(value), source: name }
  const runtime = withTls(settings.tls, surroundings.runtime, { ...secrets, directory })
  const baseUrl = revealSecret(settings.baseUrl, lookup)
  const { base } = sourceOrigins(baseUrl, settings.allowedOrigins)
  const { plain, secret } = splitSecrets(settings)
  const credential = credentialIdentity(
    settings.auth,
    [
      ...Object.values(secret.headers),
      ...Object.values(secret.query).flat(),
      ...(settings.tls?.cert === undefined ? [] : [settings.tls.cert]),
    ],
    lookup,
  )
  const account = JSON.stringify([new URL(base).origin, credential])
  const attach = attachSecrets(secret, secrets)
  const client = createClient({
    name,
    baseUrl,
    runtime,
    headers: plain.headers,
    ...(attach && { attach }),
    auth: createAuthenticator(settings.auth, {
      ...secrets,
      runtime,
      tokenStore,
      onEvent,
      baseUrl: base,
    }),
    quotas: [
      quotaRegistry.share(
        account,
        { quotas: settings.quotas, rateLimitHeaders: settings.rateLimitHeaders },
        runtime.clock,
      ),
    ],
    retry: settings.retry,
    breaker: settings.breaker,
    timeouts: settings.timeouts,
    maxConcurrent: settings.maxConcurrent,
    maxBodySize: settings.limits.maxBodySize,
    allowedOrigins: settings.allowedOrigins,
    onEvent,
    redactor,
  })
  return {
    client,
    redactor,
    endpointQuota(method, path, quotas) {
      const declared =
        quotas.length === 0 ? undefined : { quotas: [...quotas], rateLimitHeaders: false as const }
      return quotaRegistry.share(
        JSON.stringify([account, method, withoutQuery(path, base)]),
        declared,
        runtime.clock,
      )
    },
  }
}

/** What is no URL is refused when it is asked. */
function withoutQuery(path: string, base: string): string {
  if (!URL.canParse(path, base)) return path
  const { origin, pathname } = new URL(path, base)
  return origin + pathname
}
