import type { AuthContext } from '../auth/authenticator.ts'
import { createAuthenticator } from '../auth/options.ts'
import { type Client, createClient } from '../http/client.ts'
import { readJson } from '../http/decode/json.ts'
import { createRedactor } from '../http/redact.ts'
import type { Clock } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import type { Quota } from '../quota/quota.ts'
import type { RestOptions, RestSettings } from './rest-options.ts'
import { selectRecords } from './select.ts'
import { createRestStream } from './stream.ts'

/** An HTTP API as a source of a pipeline. Gives plain options, so that the same pipeline can be written in YAML. */
export function rest(options: Omit<RestOptions, 'type'>): RestOptions {
  return { type: 'rest', ...options }
}

export interface RestSourceContext extends Omit<AuthContext, 'onSecret' | 'source'> {
  /** Every request waits for all of them. Sources that share a credential share them (Q3). */
  readonly quotas?: readonly Quota[]
}

/** Builds a source, and the client that it asks with, from its validated options. */
export function createRestSource(name: string, settings: RestSettings, context: RestSourceContext): Source {
  const { runtime, onEvent, quotas } = context
  const redactor = createRedactor()
  const client = createClient({
    name,
    baseUrl: settings.baseUrl,
    runtime,
    onEvent,
    redactor,
    ...(settings.headers !== undefined && { headers: settings.headers }),
    ...(settings.auth !== undefined && {
      auth: createAuthenticator(settings.auth, { ...context, source: name, onSecret: redactor.add }),
    }),
    ...(quotas !== undefined && { quotas }),
    retry: settings.retry,
    breaker: settings.breaker,
    timeouts: settings.timeouts,
    maxConcurrent: settings.maxConcurrent,
    allowedOrigins: settings.allowedOrigins,
  })
  return restSource(name, settings, { client, clock: runtime.clock })
}

/** A source that asks with the client that it is given, and closes it. */
export function restSource(
  name: string,
  settings: RestSettings,
  { client, clock }: { readonly client: Client; readonly clock: Clock },
): Source {
  const { limits } = settings
  const streams = Object.entries(settings.streams).map(([stream, streamSettings]) =>
    createRestStream(name, stream, streamSettings, { client, clock, limits }),
  )
  return {
    name,
    streams,
    async check(signal) {
      if (settings.check === undefined) return streams[0]?.probe(signal)
      const request = { method: 'GET', url: settings.check, query: {}, headers: {} }
      await client.request(
        request,
        async (response, url) => {
          const { value } = await readJson(response, { url, ...limits })
          // An API may refuse a credential in the body of a success (R2).
          selectRecords(value, { path: '', optional: true }, { url, status: response.status })
        },
        { signal },
      )
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
