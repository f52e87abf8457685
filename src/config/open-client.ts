import type { z } from 'zod'
import { createAuthenticator } from '../auth/options.ts'
import { type Client, createClient } from '../http/client.ts'
import { createRedactor } from '../http/redact.ts'
import { parseOptions } from '../options/parse-options.ts'
import { revealSecret } from '../options/secret.ts'
import { createQuota } from '../quota/options.ts'
import { restOptions } from '../source/rest-options.ts'
import { type AssembleOptions, surround } from './assemble.ts'

const clientOptions = restOptions.omit({ type: true, query: true, check: true, streams: true })

/** What a source says of its API: address, credential, quotas, retries, breaker, timeouts, limits. */
export type OpenClientOptions = z.input<typeof clientOptions>

/**
 * A source's client alone, for your own loop: the options are those of a REST source, without its streams. Close it when you are done.
 * @throws ConfigError, SecretMissingError where the options can't be used as they are written
 */
export function openClient(
  name: string,
  options: OpenClientOptions,
  surroundings: Omit<AssembleOptions, 'destination'> = {},
): Client {
  const settings = parseOptions(clientOptions, options)
  const around = surround(surroundings)
  const { runtime, lookup, tokenStore, onEvent } = around
  const redactor = createRedactor()
  const client = createClient({
    name,
    baseUrl: revealSecret(settings.baseUrl, lookup),
    runtime,
    headers: settings.headers,
    auth: createAuthenticator(settings.auth, {
      runtime,
      lookup,
      tokenStore,
      onEvent,
      onSecret: (value) => redactor.add(value),
      source: name,
    }),
    quotas: [createQuota(settings, runtime.clock)],
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
    ...client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await around.close()
    },
  }
}
