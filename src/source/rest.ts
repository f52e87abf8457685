import type { Client } from '../http/client.ts'
import type { Clock } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import type { RestOptions, RestSettings, StreamSettings } from './rest-options.ts'
import { createRestStream } from './stream.ts'

/** An HTTP API as a source of a pipeline. Gives plain options, so that the same pipeline can be written in YAML. */
export function rest(options: Omit<RestOptions, 'type'>): RestOptions {
  return { type: 'rest', ...options }
}

export interface RestSourceDependencies {
  /** Asks this API; the source closes it. */
  readonly client: Client
  readonly clock: Clock
}

/** Builds a source from its validated options. */
export function createRestSource(
  name: string,
  settings: RestSettings,
  { client, clock }: RestSourceDependencies,
): Source {
  const streams = Object.entries(settings.streams).map(([stream, streamSettings]) =>
    createRestStream(name, stream, withSourceQuery(streamSettings, settings.query), {
      client,
      clock,
      limits: settings,
    }),
  )
  return {
    name,
    streams,
    async check(signal) {
      if (settings.check === undefined) return streams[0]?.probe(signal)
      const request = { method: 'GET', url: settings.check, query: {}, headers: {} }
      await client.request(request, (response) => response.discard(), { signal })
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

function withSourceQuery(stream: StreamSettings, query: RestSettings['query']): StreamSettings {
  return query === undefined ? stream : { ...stream, query: { ...query, ...stream.query } }
}
