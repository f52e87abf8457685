import { createClient } from '../../src/http/client.ts'
import { createRedactor } from '../../src/http/redact.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { HttpRequest } from '../../src/ports/runtime.ts'
import { type RestOptions, restOptions } from '../../src/source/rest-options.ts'
import { createRestStream } from '../../src/source/stream.ts'
import { runOnce, Warehouse } from '../../src/source/testing/scripted-client.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../src/testing/scripted-transport.ts'

// For the tests of reactions: a stream whose network is a script and whose time is told.
type Streams = RestOptions['streams'][string]
export type Responses = NonNullable<Streams['responses']>

export const noHeaders = { 'content-type': 'application/json' }

export function bench(
  replies: Iterable<ScriptedReply>,
  responses: Responses,
  more: Partial<Streams> & { source?: Responses; token?: () => string; secrets?: readonly string[] } = {},
) {
  const { source = [], token, secrets = [], ...options } = more
  const clock = fakeClock({ start: Date.UTC(2026, 0, 1), auto: true })
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  let renewals = 0
  const redactor = createRedactor(secrets)
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
    redactor,
    ...(token && {
      auth: {
        sign: async (request: HttpRequest) => ({
          ...request,
          headers: { ...request.headers, authorization: token() },
        }),
        renew: async () => {
          renewals++
          return true
        },
      },
    }),
  })
  const settings = restOptions.parse({
    type: 'rest',
    baseUrl: 'https://api.test',
    responses: source,
    streams: {
      items: {
        path: 'items',
        records: 'items',
        key: 'id',
        paginate: { type: 'cursor', token: 'next', param: 'cursor' },
        ...options,
        responses,
      },
    },
  })
  const stream = createRestStream('api', 'items', settings.streams['items']!, {
    client,
    clock,
    redactor,
    limits: settings.limits,
    responses: settings.responses,
  })
  const warehouse = new Warehouse()
  const started = clock.now()
  return {
    stream,
    warehouse,
    events,
    transport,
    run: () => runOnce(stream, warehouse),
    waited: () => clock.now() - started,
    renewals: () => renewals,
  }
}

export const page = (id: number, next: string | null = null) => ({ body: { items: [{ id }], next } })
export const done = { position: null, highWater: null }
