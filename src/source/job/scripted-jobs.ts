// For the tests of jobs: a stream over scripted replies, and the exports of many APIs.
import { createClient } from '../../http/client.ts'
import { createRedactor } from '../../http/redact.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { Runtime } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { createRestStream } from '../stream.ts'
import { runOnce, Warehouse } from '../testing/scripted-client.ts'

export type StreamInput = RestOptions['streams'][string]

export const start = Date.UTC(2026, 0, 4)

export function streamOver(
  runtime: Runtime,
  options: StreamInput,
  more: { baseUrl?: string; allowedOrigins?: string[]; onEvent?: (event: SluiceEvent) => void } = {},
) {
  const baseUrl = more.baseUrl ?? 'https://api.test'
  const redactor = createRedactor()
  const client = createClient({
    name: 'api',
    baseUrl,
    runtime,
    redactor,
    allowedOrigins: more.allowedOrigins,
  })
  const settings = restOptions.parse({ type: 'rest', baseUrl, streams: { items: options } })
  return createRestStream('api', 'items', settings.streams['items']!, {
    client,
    clock: runtime.clock,
    redactor,
    limits: settings.limits,
    onEvent: more.onEvent,
  })
}

export function bench(replies: Iterable<ScriptedReply>, options: Partial<StreamInput> = {}) {
  const clock = fakeClock({ start, auto: true })
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  const stream = streamOver(
    { clock, transport, random: () => 0.5 },
    { ...exportStream, ...options } as StreamInput,
    { onEvent: (event) => events.push(event) },
  )
  const warehouse = new Warehouse()
  return {
    stream,
    warehouse,
    events,
    transport,
    clock,
    asked: () =>
      transport.requests.map(({ method, url }) => `${method} ${url.replace('https://api.test/', '')}`),
    run: () => runOnce(stream, warehouse),
  }
}

/** SendGrid's exports, and many others: create, look at its status, read the list. */
export const exportStream = {
  path: 'exports/{job.id}/results',
  records: 'items',
  key: 'id',
  paginate: { type: 'cursor', token: 'next', param: 'cursor' },
  job: {
    create: { path: 'exports', body: { list: 'contacts' } },
    poll: {
      path: 'exports/{job.id}',
      status: 'status',
      done: ['ready'],
      failed: ['failure'],
      skipped: ['empty'],
    },
  },
} satisfies StreamInput
export const created = { status: 202, body: { id: 'e1' } }
export const status = (word: string, more: object = {}) => ({ body: { status: word, ...more } })
export const page = (id: number, next: string | null = null) => ({ body: { items: [{ id }], next } })

export const windows = {
  by: 'time',
  size: '1d',
  start: '2026-01-01T00:00:00Z',
  from: { param: { body: 'from' } },
  to: { param: { body: 'to' }, inclusive: false },
  margin: '0s',
} as const
