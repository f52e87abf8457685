// An API on the loopback interface that answers as a test says, and a pipeline of one stream that reads it into DuckDB.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { definePipeline, type PipelineInput } from '../../src/config/pipeline.ts'
import { duckdbDestination } from '../../src/destinations/duckdb/duckdb.ts'
import type { RunReport, StreamReport } from '../../src/observe/report.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import { type RunPipelineOptions, run } from '../../src/run.ts'
import type { RestOptions } from '../../src/source/rest-options.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void

export interface ScriptedApi extends AsyncDisposable {
  readonly url: string
  /** Paths and queries that were asked, in order. */
  readonly asked: string[]
  handle: Handler
}

export async function scriptedApi(handle: Handler): Promise<ScriptedApi> {
  const server = createServer((request, response) => {
    api.asked.push(request.url ?? '')
    api.handle(request, response, new URL(request.url ?? '/', api.url))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const api: ScriptedApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    handle,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return api
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Answers `count` records in pages of `size`, by `after`: `{ items: [{ id }], next }`. */
export function itemPages(count: number, size: number): Handler {
  return (_, response, url) => {
    const after = Number(url.searchParams.get('after') ?? 0)
    const ids = Array.from({ length: Math.min(size, count - after) }, (_, index) => after + index + 1)
    sendJson(response, {
      items: ids.map((id) => ({ id, name: `item ${id}` })),
      next: after + size < count ? after + size : null,
    })
  }
}

export interface Loaded {
  readonly report: RunReport
  readonly stream: StreamReport
  readonly events: readonly SluiceEvent[]
}

/** A pipeline `bad` whose source `api` has the stream `items`; each page is committed on its own. */
export function itemsPipeline(
  baseUrl: string,
  stream: Partial<RestOptions['streams'][string]> = {},
  source: Partial<RestOptions> = {},
) {
  const input: PipelineInput = {
    name: 'bad',
    destination: { type: 'duckdb', path: 'w.duckdb' },
    batch: { records: 1 },
    sources: {
      api: {
        type: 'rest',
        baseUrl,
        retry: { maxAttempts: 3, firstDelay: '1ms' },
        streams: {
          items: {
            path: 'items',
            records: 'items',
            paginate: { type: 'cursor', token: 'next', param: 'after' },
            key: 'id',
            ...stream,
          },
        },
        ...source,
      },
    },
  }
  return definePipeline(input)
}

export async function load(
  directory: string,
  pipeline: ReturnType<typeof itemsPipeline>,
  options: RunPipelineOptions = {},
): Promise<Loaded> {
  const events: SluiceEvent[] = []
  const report = await run(pipeline, {
    directory,
    lookup: () => undefined,
    ...options,
    onEvent(event) {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  return { report, stream: report.streams[0]!, events }
}

export async function query(directory: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  return await duckdbDestination({ path: join(directory, 'w.duckdb') }).query(sql)
}

export async function ids(directory: string, table = 'api_items'): Promise<readonly unknown[]> {
  return (await query(directory, `SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => Number(id))
}
