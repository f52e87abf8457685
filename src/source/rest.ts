import type { Client } from '../http/client.ts'
import { readJson } from '../http/decode/json.ts'
import type { Redactor } from '../http/redact.ts'
import type { Clock } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import type { RestOptions, RestSettings } from './rest-options.ts'
import { selectRecords } from './select.ts'
import { createRestStream } from './stream.ts'

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
}

/** Builds a source from its validated options. */
export function createRestSource(
  name: string,
  settings: RestSettings,
  { client, clock, redactor }: RestSourceDependencies,
): Source {
  const { limits, query = {} } = settings
  const streams = Object.entries(settings.streams).map(([stream, streamSettings]) =>
    createRestStream(name, stream, streamSettings, {
      client,
      clock,
      limits,
      query,
      ...(redactor !== undefined && { redactor }),
    }),
  )
  return {
    name,
    streams,
    async check(signal) {
      if (settings.check === undefined) return streams[0]?.probe(signal)
      await client.request(
        { method: 'GET', url: settings.check, query, headers: {} },
        async (response, url) => {
          const { value } = await readJson(response, { url, maxPageSize: limits.maxPageSize })
          // An API may refuse a credential in the body of a success (R2).
          selectRecords(value, { path: '', optional: true }, { url, status: response.status })
        },
        { signal },
      )
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
