// Runs the pipelines of docs/apis.md against servers that show the manners of the real APIs on the wire: a function from request to
// answer, under a clock that passes by itself, so that an hour of waiting takes no time.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { memoryTokenStore } from '../../src/auth/token-store.ts'
import { definePipeline } from '../../src/config/pipeline.ts'
import type { RunReport } from '../../src/observe/report.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { JsonRecord } from '../../src/ports/json.ts'
import type { HttpHeaders, HttpRequest, HttpResponse } from '../../src/ports/runtime.ts'
import { type RunPipelineOptions, run } from '../../src/run.ts'
import { type FakeClock, fakeClock } from '../../src/testing/fake-clock.ts'
import { type MemoryDestination, memoryDestination } from '../../src/testing/memory-destination.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { root } from '../docs/pages.ts'

const page = readFileSync(`${root}docs/apis.md`, 'utf8')

/** The sources of the section of docs/apis.md with that heading. */
export function documentedSources(heading: string): Record<string, unknown> {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))
  const yaml = section === undefined ? undefined : /```yaml\n([\s\S]*?)```/.exec(section)?.[1]
  if (yaml === undefined) throw new Error(`docs/apis.md has no section "${heading}" with a yaml block`)
  return parse(yaml)
}

/** A request as the API's server sees it. */
export interface ApiRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** The body's text; '' where there is none. */
  readonly body: string
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface ApiAnswer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: HttpHeaders
  /** Text and bytes are sent as they are; anything else as JSON. */
  readonly body?: unknown
}

export type ApiServer = (request: ApiRequest) => ApiAnswer

export interface ApiWorld {
  readonly clock: FakeClock
  readonly destination: MemoryDestination
  /** What was asked, in order. */
  readonly requests: ApiRequest[]
  readonly events: SluiceEvent[]
  /** Runs the pipeline once. Rejects where a stream fails, with its error's message, unless `mayFail`. */
  run(options?: RunPipelineOptions & { readonly mayFail?: boolean }): Promise<RunReport>
  /** A table's rows, without Sluice's own columns. */
  rows(table: string): JsonRecord[]
}

export interface ApiWorldOptions {
  /** ISO time at which the clock starts. Default 2026-03-01T12:00:00Z. */
  readonly now?: string
  /** Secrets by variable. Default: each is `secret-NAME`. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** The documented pipeline of a service, and its server, which is the only thing that it can reach. */
export function apiWorld(heading: string, server: ApiServer, options: ApiWorldOptions = {}): ApiWorld {
  const pipeline = definePipeline({
    name: 'apis',
    destination: { type: 'duckdb', path: 'unused.duckdb' },
    sources: documentedSources(heading) as never,
  })
  const clock = fakeClock({ start: Date.parse(options.now ?? '2026-03-01T12:00:00Z'), auto: true })
  const destination = memoryDestination()
  const tokenStore = memoryTokenStore()
  const requests: ApiRequest[] = []
  const events: SluiceEvent[] = []

  async function transport(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    // An answer takes a while, during which others can be asked.
    await clock.sleep(20, signal)
    const body = request.body === undefined ? '' : Buffer.from(request.body).toString()
    const seen = {
      method: request.method,
      url: new URL(request.url),
      headers: request.headers,
      body,
      now: clock.now(),
    }
    requests.push(seen)
    return respond(server(seen))
  }

  return {
    clock,
    destination,
    requests,
    events,
    async run({ mayFail = false, ...more } = {}) {
      const report = await run(pipeline, {
        runtime: { transport, clock, random: seededRandom(1) },
        lookup: (name) => options.secrets?.[name] ?? `secret-${name}`,
        destination,
        tokenStore,
        onEvent: (event) => events.push(event),
        ...more,
      })
      const failed = report.streams.find(({ error }) => error !== null)
      if (failed?.error && !mayFail) throw new Error(`${failed.stream}: ${failed.error.message}`)
      return report
    },
    rows: (table) =>
      destination
        .rows(table)
        .map((row) =>
          Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_sluice_'))),
        ),
  }
}

function respond({ status = 200, headers = {}, body = '' }: ApiAnswer): HttpResponse {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const bytes = Buffer.from(isRaw ? (body as string) : JSON.stringify(body))
  return {
    status,
    headers: { ...(isRaw ? {} : { 'content-type': 'application/json' }), ...headers },
    body: (async function* () {
      if (bytes.length > 0) yield bytes
    })(),
    async discard() {},
  }
}
