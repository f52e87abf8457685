// For this room's tests: a client around a function, and a run that keeps what a destination would keep.
import type { Client } from '../../http/client.ts'
import { parseOptions } from '../../options/parse-options.ts'
import type { EventSink } from '../../ports/events.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock, HttpHeaders } from '../../ports/runtime.ts'
import type { Progress, ReadScope, SourcePage, Stream } from '../../ports/source.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { createRestSource } from '../rest.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { createRestStream, type RestStream } from '../stream.ts'

/** What a scripted API answers: a body as JSON, or as the text or the chunks that it is. */
export interface Answer {
  readonly body: unknown
  readonly status?: number
  readonly headers?: HttpHeaders
}

export interface ScriptedClient extends Client {
  /** What was asked, in order. */
  readonly requests: RequestSpec[]
}

const origin = 'https://api.test'

/** A stream that never ends would otherwise hang the tests instead of failing one. */
const mostRequests = 20_000

/** A client whose answers come from `answer`; an error that it gives or throws is what the request ends with. */
export function scriptedClient(
  answer: (request: RequestSpec, signal: AbortSignal | undefined) => Answer | Error | Promise<Answer | Error>,
): ScriptedClient {
  const requests: RequestSpec[] = []
  const resolve = (spec: RequestSpec) => {
    const url = new URL(spec.url, `${origin}/`)
    for (const [name, value] of Object.entries(spec.query)) {
      url.searchParams.delete(name)
      for (const each of [value].flat()) url.searchParams.append(name, String(each))
    }
    return url.href
  }
  return {
    requests,
    resolve,
    async request(spec, consume, { signal } = {}) {
      signal?.throwIfAborted()
      requests.push(spec)
      if (requests.length > mostRequests)
        throw new Error(
          `the stream goes on for ever: it has asked ${mostRequests} times, now for ${resolve(spec)}`,
        )
      const answered = await answer(spec, signal)
      signal?.throwIfAborted()
      if (answered instanceof Error) throw answered
      const { body, status = 200, headers = { 'content-type': 'application/json' } } = answered
      const chunks = isChunks(body)
        ? body
        : [Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))]
      const response = {
        status,
        headers,
        body: (async function* () {
          yield* chunks
        })(),
        discard: async () => {},
      }
      return consume(response, resolve(spec), () => {})
    },
    async [Symbol.asyncDispose]() {},
  }
}

function isChunks(body: unknown): body is readonly Uint8Array[] {
  return Array.isArray(body) && body.length > 0 && body.every((chunk) => chunk instanceof Uint8Array)
}

/** A stream of the source `source`, from options as a user writes them. */
export function streamOf(
  source: string,
  name: string,
  options: RestOptions['streams'][string],
  client: Client,
  clock: Clock = fakeClock(),
): RestStream {
  const settings = restOptions.parse({ type: 'rest', baseUrl: origin, streams: { [name]: options } })
  return createRestStream(source, name, settings.streams[name]!, { client, clock, limits: settings.limits })
}

/** A source, from the options of its streams as a user writes them. Gives each stream by its name. */
export function streamsOf<Name extends string>(
  source: string,
  streams: Readonly<Record<Name, RestOptions['streams'][string]>>,
  client: Client,
  clock: Clock = fakeClock(),
  onEvent?: EventSink,
): Readonly<Record<Name, Stream>> {
  const settings = parseOptions(restOptions, { type: 'rest', baseUrl: origin, streams: streams as never })
  const built = createRestSource(source, settings, { client, clock, onEvent })
  return Object.fromEntries(
    built.streams.map((stream) => [stream.name.slice(source.length + 1), stream]),
  ) as Record<Name, Stream>
}

/** What is committed: records by key (the one read last wins), and the progress of each slice. */
export class Warehouse {
  readonly rows = new Map<string, JsonRecord>()
  readonly progress = new Map<string, Progress>()
  /** Every record that came, also those that came again. */
  received = 0
  /** The pages, in order. */
  readonly pages: SourcePage[] = []

  commit(stream: Stream, slice: string, page: SourcePage): void {
    this.pages.push(page)
    for (const record of page.records) {
      this.received++
      this.rows.set(stream.key.map((field) => String(record[field])).join('|') || `#${this.received}`, record)
    }
    if (page.progress !== undefined) {
      // A checkpoint is stored as JSON.
      this.progress.set(slice, JSON.parse(JSON.stringify(page.progress)))
    }
  }
}

/** The run is cut short by this, as by a crash. */
export class Crash extends Error {}

export interface RunOptions {
  readonly scope?: ReadScope
  /** Dies right after this many pages are committed. */
  readonly crashAfterPages?: number
  readonly signal?: AbortSignal
}

/** Runs a stream once over what is committed. Gives the keys of the slices that it read. */
export async function runOnce(
  stream: Stream,
  warehouse: Warehouse,
  { scope = {}, crashAfterPages, signal = new AbortController().signal }: RunOptions = {},
): Promise<readonly string[]> {
  const keys: string[] = []
  let pages = 0
  for await (const slice of stream.slices(new Map(warehouse.progress), scope)) {
    keys.push(slice.key)
    await stream.read(slice, {
      signal,
      async emit(page) {
        warehouse.commit(stream, slice.key, page)
        if (++pages === crashAfterPages) throw new Crash(`after ${pages} pages`)
      },
    })
  }
  return keys
}
