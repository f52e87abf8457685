// A source's client with everything that it needs: the one place where credential, quotas and chain meet.
import { createAuthenticator } from '../auth/options.ts'
import type { SourceAuth } from '../auth/rotate.ts'
import { withTls } from '../auth/tls.ts'
import { ConfigError } from '../errors.ts'
import { type Client, createClient } from '../http/client.ts'
import type { Account } from '../http/layer.ts'
import { withProxy } from '../http/proxy.ts'
import { createRedactor, type Redactor } from '../http/redact.ts'
import { sourceOrigins } from '../http/request-url.ts'
import { attachSecrets, splitSecrets } from '../http/secret-parts.ts'
import { revealSecret } from '../options/secret.ts'
import { quotasAt } from '../quota/declared/entry.ts'
import type { EndpointQuota } from '../source/request/endpoint-quota.ts'
import type { AccountOf } from '../source/request/sending.ts'
import type { RestSettings } from '../source/rest-options.ts'
import { accountKey } from './account-key.ts'
import type { Surroundings } from './surroundings.ts'

/** What a source says of its API, beside its streams. */
export type ClientSettings = Omit<RestSettings, 'type' | 'check' | 'defaults' | 'streams'>

export interface SourceClient {
  readonly client: Client
  /** Knows the source's secrets (S1). */
  readonly redactor: Redactor
  readonly endpointQuota: EndpointQuota
  /** The account of a stream with a credential of its own. Streams with the same one share it. */
  readonly accountOf: AccountOf
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
  const { lookup, tokenStore, onEvent, quotaRegistry, quotaMemory, directory } = surroundings
  const redactor = createRedactor()
  const secrets = { lookup, onSecret: (value: string) => redactor.add(value), source: name }
  const proxied = withProxy(settings.proxy, surroundings.runtime, secrets)
  const runtime = withTls(settings.tls, proxied, { ...secrets, directory })
  const baseUrl = revealSecret(settings.baseUrl, lookup)
  const { base } = sourceOrigins(baseUrl, settings.allowedOrigins)
  const { plain, secret } = splitSecrets(settings)
  const keyOf = (auth: RestSettings['auth']) => accountKey(settings, auth, lookup)
  const context = { ...secrets, runtime, tokenStore, onEvent, baseUrl: base }
  const accountQuota = (key: string) =>
    quotaRegistry.share(
      key,
      {
        quotas: quotasAt(base, settings.quotas),
        rateLimitHeaders: settings.rateLimitHeaders,
        pace: settings.pace,
        refusalScope: settings.refusalScope,
      },
      runtime.clock,
      quotaMemory,
    )
  const foundQuota = (key: string) =>
    quotaRegistry.adaptive({
      key,
      clock: runtime.clock,
      memory: quotaMemory,
      random: runtime.random,
      scope: settings.refusalScope ?? 'account',
    })
  const endpointQuotaOf =
    (key: string): EndpointQuota =>
    (method, path, quotas) => {
      const declared =
        quotas.length === 0
          ? undefined
          : {
              quotas: quotasAt(base, quotas),
              rateLimitHeaders: false as const,
              pace: settings.pace,
            }
      return quotaRegistry.share(
        JSON.stringify([key, method, withoutQuery(path, base)]),
        declared,
        runtime.clock,
        quotaMemory,
      )
    }
  // Told apart by all that is said of them, too: another scope is another token within the same limits.
  const accounts = new Map<string, ReturnType<AccountOf>>()
  const accountOf: AccountOf = (said, place) => {
    const key = keyOf(said)
    const words = JSON.stringify([key, said])
    let known = accounts.get(words)
    if (known === undefined) {
      known = { account: accountWith(said, key, place), endpointQuota: endpointQuotaOf(key) }
      accounts.set(words, known)
    }
    return known
  }
  const accountWith = (said: SourceAuth, key: string, place: string): Account =>
    said.type === 'rotate'
      ? {
          quotas: [],
          members: distinct(
            said.credentials.map((each) => accountOf(each, place).account),
            place,
          ),
        }
      : {
          auth: createAuthenticator(said, { ...context, source: place }),
          quotas: [accountQuota(key), foundQuota(key)],
        }
  const own = accountOf(settings.auth, name)
  const attach = attachSecrets(secret, secrets)
  const client = createClient({
    name,
    baseUrl,
    runtime,
    headers: plain.headers,
    ...(attach && { attach }),
    ...own.account,
    retry: settings.retry,
    breaker: settings.breaker,
    timeouts: settings.timeouts,
    maxConcurrent: settings.maxConcurrent,
    afterRefusal: settings.afterRefusal,
    patienceMs: surroundings.patienceMs,
    priority: surroundings.priority,
    maxBodySize: settings.limits.maxBodySize,
    allowedOrigins: settings.allowedOrigins,
    onEvent,
    redactor,
  })
  return {
    client,
    redactor,
    endpointQuota: own.endpointQuota,
    accountOf,
  }
}

/** @throws ConfigError where two members are one credential: in turn with itself it has no more room, and one refusal is both's */
function distinct(members: readonly Account[], place: string): readonly Account[] {
  for (const [index, member] of members.entries()) {
    const first = members.indexOf(member)
    if (first === index) continue
    throw new ConfigError(
      `sources.${place}.auth.credentials[${index}]`,
      `this is the same credential as credentials[${first}], by its value: name another one, or leave it out`,
    )
  }
  return members
}

/** What is no URL is refused when it is asked. */
function withoutQuery(path: string, base: string): string {
  if (!URL.canParse(path, base)) return path
  const { origin, pathname } = new URL(path, base)
  return origin + pathname
}
