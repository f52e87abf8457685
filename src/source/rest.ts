import type { Client } from '../http/client.ts'
import { readJson } from '../http/decode/json.ts'
import type { Redactor } from '../http/redact.ts'
import { splitSecrets } from '../http/secret-parts.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import { removalLimit } from './removal-limit.ts'
import type { EndpointQuota } from './request/endpoint-quota.ts'
import type { AccountOf } from './request/sending.ts'
import { compileSelector, selectRecords } from './response/select.ts'
import type { RestOptions, RestSettings } from './rest-options.ts'
import { createRestStream, type RestStream } from './stream.ts'
import { wholeReading } from './whole-reading.ts'

const wholeBody = compileSelector({ path: '', optional: true })

/** An HTTP API as a source of a pipeline. Gives plain options, so that the same pipeline can be written in YAML. */
export function rest(options: Omit<RestOptions, 'type'>): RestOptions {
  return { type: 'rest', ...options }
}

export interface RestSourceDependencies {
  /** Asks this API; the source closes it. */
  readonly client: Client
  readonly clock: Clock
  /** Knows the source's secrets (S1). */
  readonly redactor?: Redactor
  /** Finds the secrets among headers and query parameters. Default: none is found. */
  readonly lookup?: SecretLookup
  /** Default: each stream's quotas are its own. */
  readonly endpointQuota?: EndpointQuota
  /** The account of a stream with a credential of its own. */
  readonly accountOf?: AccountOf
  readonly onEvent?: EventSink | undefined
}

/** Builds a source from its validated options. */
export function createRestSource(
  name: string,
  settings: RestSettings,
  dependencies: RestSourceDependencies,
): Source {
  const { client } = dependencies
  const { limits } = settings
  const { plain, secret } = splitSecrets(settings)
  const byName = new Map<string, RestStream>()
  const streams = Object.entries(settings.streams).map(([stream, streamSettings]) => {
    const built = createRestStream(name, stream, streamSettings, {
      ...dependencies,
      limits,
      query: plain.query,
      secret,
      responses: settings.responses,
      // Which there are was checked with the options.
      parents: (parent) => byName.get(parent)!,
    })
    byName.set(stream, built)
    return { ...built, ...removalLimit(streamSettings), ...wholeReading(streamSettings) }
  })
  return {
    name,
    streams,
    async check(signal) {
      if (settings.check === undefined) return streams[0]?.probe(signal)
      await client.request(
        { method: 'GET', url: settings.check, query: plain.query, headers: {} },
        async (response, url) => {
          const { value } = await readJson(response, { url, maxPageSize: limits.maxPageSize })
          // An API may refuse a credential in the body of a success (R2).
          selectRecords(value, wholeBody, { url, status: response.status })
        },
        { signal },
      )
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
