import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { definePipeline } from '../../config/pipeline.ts'
import { runStream } from '../../engine/stream-run.ts'
import { createClient } from '../../http/client.ts'
import { createRedactor } from '../../http/redact.ts'
import { systemRuntime } from '../../http/system-runtime.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { HttpRequest, HttpResponse, Runtime } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { Crash, runOnce, Warehouse } from '../scripted-client.ts'
import { createRestStream } from '../stream.ts'

type StreamInput = RestOptions['streams'][string]

const start = Date.UTC(2026, 0, 4)

function streamOver(
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

function bench(replies: Iterable<ScriptedReply>, options: Partial<StreamInput> = {}) {
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
const exportStream = {
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
const created = { status: 202, body: { id: 'e1' } }
const status = (word: string, more: object = {}) => ({ body: { status: word, ...more } })
const page = (id: number, next: string | null = null) => ({ body: { items: [{ id }], next } })

// PEERS: Airbyte AsyncRetriever
// PEERS: Airbyte AsyncJobStatusMap
test('a job is created, looked at until it is done, with longer and longer waits, and its pages are read', async () => {
  const pending = Array.from({ length: 4 }, () => status('pending'))
  const { run, asked, events, warehouse, transport } = bench([
    created,
    ...pending,
    status('ready'),
    page(1, 'b'),
    page(2),
  ])
  await run()
  expect(asked()).toEqual([
    'POST exports',
    ...Array.from({ length: 5 }, () => 'GET exports/e1'),
    'GET exports/e1/results',
    'GET exports/e1/results?cursor=b',
  ])
  expect(transport.requests[0]?.body).toBe('{"list":"contacts"}')
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
  const ofJobs = events.filter(({ type }) => type.startsWith('job.'))
  expect(ofJobs.map(({ type }) => type)).toEqual(['job.create', ...Array(4).fill('job.poll'), 'job.done'])
  expect(ofJobs.flatMap((event) => ('nextMs' in event ? [event.nextMs] : []))).toEqual([
    5000, 7500, 11_250, 16_875,
  ])
  expect(ofJobs.at(-1)).toEqual({
    type: 'job.done',
    at: start + 40_625,
    stream: 'api.items',
    slice: 'all',
    job: 'e1',
    status: 'ready',
    elapsedMs: 40_625,
  })
})

test('a wait is no longer than maxEvery, and no shorter than Retry-After', async () => {
  const soon = { headers: { 'retry-after': '90' }, body: { status: 'pending' } }
  const { run, events } = bench([
    created,
    soon,
    ...Array.from({ length: 8 }, () => status('pending')),
    status('ready'),
    page(1),
  ])
  await run()
  const waits = events.flatMap((event) => (event.type === 'job.poll' ? [event.nextMs] : []))
  expect(waits[0]).toBe(90_000)
  expect(Math.max(...waits.slice(1))).toBe(60_000)
})

test('C4: the job is committed before it is waited for, and the next run goes on with it', async () => {
  const { run, asked, warehouse } = bench([
    created,
    status('pending'),
    new Crash('killed'),
    status('ready'),
    page(1, 'b'),
    new Crash('killed'),
    status('ready'),
    page(2),
  ])
  await expect(run()).rejects.toThrow('killed')
  expect(warehouse.progress.get('all')).toEqual({
    position: { at: '(job)', job: { id: 'e1', values: {}, since: start, begun: false } },
    highWater: null,
  })
  expect(warehouse.pages[0]).toMatchObject({ commitNow: true, records: [] })
  await expect(run()).rejects.toThrow('killed')
  expect(warehouse.progress.get('all')).toMatchObject({
    position: { at: 'b', job: { id: 'e1', begun: true } },
  })
  await run()
  expect(asked().filter((request) => request.startsWith('POST'))).toHaveLength(1)
  expect(asked().slice(-2)).toEqual(['GET exports/e1', 'GET exports/e1/results?cursor=b'])
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

test.for<[string, ScriptedReply]>([
  ['is gone (404)', { status: 404, body: {} }],
  ['is gone (410)', { status: 410, body: {} }],
  ['has failed', status('failure', { error: 'out of memory' })],
])('a job of an earlier run that %s is created anew, once', async ([, answer]) => {
  const again = { status: 202, body: { id: 'e2' } }
  const { run, asked, warehouse } = bench([
    created,
    new Crash('killed'),
    answer,
    again,
    status('ready'),
    page(1),
  ])
  await expect(run()).rejects.toThrow('killed')
  await run()
  expect(asked()).toEqual([
    'POST exports',
    'GET exports/e1',
    'GET exports/e1',
    'POST exports',
    'GET exports/e2',
    'GET exports/e2/results',
  ])
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
})

test('results of an earlier run that are gone are made anew, and read from their beginning', async () => {
  const { run, asked, warehouse } = bench([
    created,
    status('ready'),
    page(1, 'b'),
    new Crash('killed'),
    status('ready'),
    { status: 410, body: {} },
    { status: 202, body: { id: 'e2' } },
    status('ready'),
    page(1, 'c'),
    page(2),
  ])
  await expect(run()).rejects.toThrow('killed')
  await run()
  expect(asked().slice(-4)).toEqual([
    'POST exports',
    'GET exports/e2',
    'GET exports/e2/results',
    'GET exports/e2/results?cursor=c',
  ])
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

test("a job that fails stops the stream with the API's message, and this run creates no other", async () => {
  const { run, asked } = bench([created, status('failure', { error: { message: 'the list is too long' } })])
  await expect(run()).rejects.toMatchObject({
    code: 'JOB_FAILED',
    message: 'api.items: job e1 ended as failure: the list is too long',
  })
  expect(asked()).toHaveLength(2)
})

// PEERS: Airbyte AsyncRetriever
test('a job that takes too long is aborted, and the message says how long it took', async () => {
  const { run, asked } = bench(
    [created, ...Array.from({ length: 3 }, () => status('pending')), { status: 204, headers: {}, body: '' }],
    {
      job: {
        ...exportStream.job,
        poll: { ...exportStream.job.poll, every: '10s', timeout: '20s' },
        abort: { method: 'DELETE', path: 'exports/{job.id}' },
      },
    },
  )
  await expect(run()).rejects.toMatchObject({
    code: 'JOB_TIMEOUT',
    message:
      'api.items: job e1 is still pending after 20s, and job.poll.timeout allows 20s; it was aborted. Raise it if the API is known to be slow, or ask for less at once',
  })
  expect(asked().at(-1)).toBe('DELETE exports/e1')
})

test('a job that has nothing to read ends its slice', async () => {
  const { run, warehouse, asked } = bench([created, status('empty')])
  await run()
  expect(asked()).toHaveLength(2)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
})

test('R2: a creation that names no job is an error that shows what came', async () => {
  await expect(bench([{ body: { ok: true } }]).run()).rejects.toMatchObject({
    code: 'JOB_FAILED',
    message:
      'api.items: no job was created: POST https://api.test/exports answered 200, with nothing at id in {"ok":true}',
  })
  await expect(bench([{ body: { error: 'not on your plan' } }]).run()).rejects.toMatchObject({
    code: 'API_ERROR_BODY',
    message: 'https://api.test/exports: the API answered 200, but its body is an error: not on your plan',
  })
  await expect(bench([created, { body: { state: 'x' } }]).run()).rejects.toThrow(
    'the job tells no status: GET https://api.test/exports/e1 answered 200, with nothing at status in {"state":"x"}',
  )
})

test('a creation that broke off is not repeated, since the API may have heard it; one that was refused is', async () => {
  const busy = { status: 429, headers: { 'retry-after': '1' }, body: {} }
  const refused = bench([busy, created, status('ready'), page(1)])
  await refused.run()
  expect(refused.asked().filter((request) => request.startsWith('POST'))).toHaveLength(2)
  const broken = bench([{ status: 502, body: {} }])
  await expect(broken.run()).rejects.toThrow('POST https://api.test/exports answered 502')
  expect(broken.asked()).toHaveLength(1)
})

test('idempotencyKey: the key is stored before, and a creation whose answer was lost is asked for with it again', async () => {
  const { run, transport, warehouse } = bench(
    [new Crash('killed'), { status: 503, body: {} }, created, status('ready'), page(1)],
    { job: { ...exportStream.job, create: { ...exportStream.job.create, idempotencyKey: true } } },
  )
  await expect(run()).rejects.toThrow('killed')
  await run()
  const keys = transport.requests.flatMap(({ method, headers }) =>
    method === 'POST' ? [headers['idempotency-key']] : [],
  )
  expect(keys).toHaveLength(3)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(warehouse.received).toBe(1)
})

// PEERS: Airbyte AsyncRetriever
test('SendGrid: results in several files are read one after the other, and a run that was cut short goes on in the right one', async () => {
  const urls = ['https://api.test/f/1', 'https://api.test/f/2', 'https://api.test/f/3']
  const ready = status('ready', { urls })
  const { run, asked, warehouse } = bench(
    [created, ready, page(1), page(2), new Crash('killed'), ready, page(3)],
    {
      path: '{job.part}',
      job: { ...exportStream.job, poll: { ...exportStream.job.poll, parts: 'urls' } },
    },
  )
  await expect(run()).rejects.toThrow('killed')
  expect(warehouse.progress.get('all')).toMatchObject({ position: { at: { part: 2 } } })
  await run()
  expect(asked().slice(2)).toEqual(['GET f/1', 'GET f/2', 'GET f/3', 'GET exports/e1', 'GET f/3'])
  expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
})

test('a job without a status in its body is done when the answer is no longer a 202, and its address may come in a header', async () => {
  const { run, asked, warehouse } = bench(
    [
      { status: 202, headers: { location: 'https://api.test/operations/9' }, body: '' },
      { status: 202, headers: { 'retry-after': '2' }, body: '' },
      { body: { resultUrl: 'https://api.test/files/9' } },
      page(1),
    ],
    {
      path: '{job.url}',
      job: {
        create: { path: 'operations', id: { header: 'Location' } },
        poll: { path: '{job.id}', values: { url: 'resultUrl' } },
      },
    },
  )
  await run()
  expect(asked()).toEqual(['POST operations', 'GET operations/9', 'GET operations/9', 'GET files/9'])
  expect(warehouse.received).toBe(1)
})

test('responses: what the config says of a creation holds', async () => {
  const { run, warehouse } = bench([{ status: 409, body: { message: 'nothing new' } }], {
    responses: [{ status: 409, action: 'ignore' }],
  })
  await run()
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
})

const windows = {
  by: 'time',
  size: '1d',
  start: '2026-01-01T00:00:00Z',
  from: { param: { body: 'from' } },
  to: { param: { body: 'to' }, inclusive: false },
  margin: '0s',
} as const

test('X compliance jobs: a job a window, whose bounds are asked for when it is created and not of its results', async () => {
  const each = (id: string, record: number) => [
    { body: { data: { id, status: 'created' } } },
    { body: { data: { id, status: 'complete', download_url: `https://api.test/d/${id}` } } },
    page(record),
  ]
  const { run, transport, warehouse, asked } = bench([...each('a', 1), ...each('b', 2), ...each('c', 3)], {
    path: '{job.url}',
    slices: windows,
    job: {
      create: { path: '2/compliance/jobs', id: 'data.id', body: { type: 'tweets' } },
      poll: {
        path: '2/compliance/jobs/{job.id}',
        status: 'data.status',
        done: ['complete'],
        failed: ['failed', 'expired'],
        values: { url: 'data.download_url' },
      },
    },
  })
  await run()
  expect(
    transport.requests.flatMap(({ body }) => (body === undefined ? [] : [JSON.parse(String(body))])),
  ).toEqual([
    { type: 'tweets', from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
    { type: 'tweets', from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z' },
    { type: 'tweets', from: '2026-01-03T00:00:00Z', to: '2026-01-04T00:00:00Z' },
  ])
  expect(asked()[2]).toBe('GET d/a')
  expect(warehouse.rows.size).toBe(3)
})

/** An API with jobs, that remembers what it was asked, and by which key. */
function jobServer(recordsPerJob: number, polls: number) {
  const jobs: { from: string; looks: number }[] = []
  const byKey = new Map<string, number>()
  const reply = (body: unknown, code = 200): ScriptedReply => ({ status: code, body })
  return {
    jobs,
    handle({ method, url, headers, body }: HttpRequest): ScriptedReply {
      const { pathname, searchParams } = new URL(url)
      if (method === 'POST') {
        const key = headers['idempotency-key']
        const known = key === undefined ? undefined : byKey.get(key)
        if (known !== undefined) return reply({ id: known })
        const id = jobs.push({ from: JSON.parse(String(body)).from, looks: 0 }) - 1
        if (key !== undefined) byKey.set(key, id)
        return reply({ id })
      }
      const [, , id, results] = pathname.split('/')
      const job = jobs[Number(id)]
      if (job === undefined) return reply({}, 404)
      if (results === undefined) return reply({ status: ++job.looks > polls ? 'ready' : 'pending' })
      const from = Number(searchParams.get('cursor') ?? 0)
      const next = from + 2 < recordsPerJob ? String(from + 2) : null
      const items = Array.from({ length: Math.min(2, recordsPerJob - from) }, (_, index) => ({
        id: `${job.from}/${from + index}`,
      }))
      return reply({ items, next })
    },
  }
}

test('C4: interrupted at any point, as often as it likes, each window is read whole, and has one job unless its creation was lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ after: fc.nat(14), at: fc.constantFrom('before', 'lost', 'commit', 'committed') }),
        { maxLength: 6 },
      ),
      fc.nat(5),
      fc.nat(3),
      fc.boolean(),
      async (crashes, recordsPerJob, polls, idempotencyKey) => {
        const server = jobServer(recordsPerJob, polls)
        // Time stands still, so that no further window begins.
        const clock = { now: () => start, sleep: async () => {} }
        const warehouse = new Warehouse()
        const runs = [...crashes, undefined]
        let lost = 0
        for (const crash of runs) {
          let step = 0
          const dies = (at: string) => crash?.at === at && step++ === crash.after
          const stream = streamOver(
            {
              clock,
              random: () => 0.5,
              transport: async (request): Promise<HttpResponse> => {
                if (dies('before')) throw new Crash('before it was sent')
                const answer = scriptedTransport([server.handle(request)])
                if (dies('lost')) {
                  if (request.method === 'POST') lost++
                  throw new Crash('before the answer was heard')
                }
                return answer(request)
              },
            },
            {
              ...exportStream,
              slices: windows,
              job: { ...exportStream.job, create: { ...exportStream.job.create, idempotencyKey } },
            } as StreamInput,
          )
          const commit = warehouse.commit.bind(warehouse)
          const dying: Pick<Warehouse, 'commit'> = {
            commit(ofStream, slice, each) {
              // A job that was created, and is not committed yet.
              const { position } = each.progress ?? {}
              const isNew = JSON.stringify(position ?? null).includes('"id":') && each.commitNow === true
              if (dies('commit')) {
                if (isNew) lost++
                throw new Crash('before the commit')
              }
              commit(ofStream, slice, each)
              if (dies('committed')) throw new Crash('after the commit')
            },
          }
          const target = Object.assign(Object.create(warehouse), dying) as Warehouse
          await runOnce(stream, target).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error
          })
        }
        expect(warehouse.rows.size).toBe(3 * recordsPerJob)
        if (idempotencyKey) expect(server.jobs).toHaveLength(3)
        else expect(server.jobs.length).toBe(3 + lost)
        for (const { position } of warehouse.progress.values()) expect(position).toBeNull()
      },
    ),
    { numRuns: 300 },
  )
})

function problemOf(stream: object): string | undefined {
  try {
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'w.duckdb' },
      sources: {
        api: {
          type: 'rest',
          baseUrl: 'https://api.test',
          streams: { items: { ...exportStream, ...stream } },
        },
      },
    } as never)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

test('a job that can not work is refused when the pipeline is loaded', () => {
  const { job } = exportStream
  const poll = (more: object) => problemOf({ job: { ...job, poll: { ...job.poll, ...more } } })
  expect(problemOf({})).toBeUndefined()
  expect(problemOf({ path: 'exports' })).toContain(
    "with a `job` the stream's own request reads its results, and this one names none",
  )
  expect(problemOf({ job: undefined })).toContain('{job.…} stands in the request, and there is no job')
  expect(poll({ done: undefined })).toContain('say what the status is when the results are there')
  expect(poll({ status: undefined })).toContain('`done` names statuses: say where the status is')
  expect(poll({ failed: ['ready'] })).toContain('the status "ready" can\'t mean two things')
  expect(poll({ every: '2m' })).toContain('the longest wait is no shorter than `every`')
  expect(poll({ dnoe: [] })).toContain('did you mean "done"?')
  expect(problemOf({ path: '{job.part}' })).toContain('{job.part} stands for an item of a list')
  expect(
    problemOf({ incremental: { by: 'position' }, paginate: { ...exportStream.paginate, persist: true } }),
  ).toContain('`incremental.by: position` goes on in a list that grows')
})

test('a check creates no job', async () => {
  const { stream, asked } = bench([])
  await expect(stream.probe(new AbortController().signal)).rejects.toThrow(
    'api.items: its first request would create a job, which is no way to check a credential: name a path that does no harm in the `check` of the source',
  )
  expect(asked()).toEqual([])
  expect(stream.preview({ key: 'all', progress: null })).toMatchObject({
    method: 'POST',
    url: 'https://api.test/exports',
  })
})

const servers: { close(): unknown }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
async function serve(
  handle: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    handle(request, body, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The real network, and time that passes at once. */
function loopback(): Runtime {
  const { transport, random } = systemRuntime()
  const clock = { now: () => start, sleep: async () => {} }
  return { transport, random, clock }
}

test('Shopify on the wire: a mutation, a node that is looked at, JSON Lines at another origin', async () => {
  const asked: string[] = []
  const files = await serve((request, _body, response) => {
    asked.push(`${request.method} file ${request.url}`)
    response.end('{"id":"gid://shopify/Product/1"}\n{"id":"gid://shopify/Product/2"}\n')
  })
  let looks = 0
  const shop = await serve((_request, body, response) => {
    const { query, variables } = JSON.parse(body)
    asked.push(query.startsWith('mutation') ? 'mutation' : `node ${variables.id}`)
    const node =
      ++looks < 3
        ? { status: 'RUNNING', url: null }
        : { status: 'COMPLETED', url: `${files}/bulk.jsonl?Signature=abc` }
    const operation = {
      bulkOperationRunQuery: {
        bulkOperation: { id: 'gid://shopify/BulkOperation/7', status: 'CREATED' },
        userErrors: [],
      },
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: query.startsWith('mutation') ? operation : { node } }))
  })
  const events: SluiceEvent[] = []
  const stream = streamOver(
    loopback(),
    {
      path: '{job.url}',
      format: 'jsonl',
      key: 'id',
      job: {
        create: {
          path: 'graphql.json',
          body: {
            query:
              'mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") { bulkOperation { id status } userErrors { message } } }',
          },
          id: 'data.bulkOperationRunQuery.bulkOperation.id',
        },
        poll: {
          method: 'POST',
          path: 'graphql.json',
          body: {
            query: 'query ($id: ID!) { node(id: $id) { ... on BulkOperation { status url errorCode } } }',
            variables: { id: '{job.id}' },
          },
          status: 'data.node.status',
          done: ['COMPLETED'],
          failed: ['FAILED', 'CANCELED', 'EXPIRED'],
          values: { url: 'data.node.url' },
        },
      },
    },
    { baseUrl: `${shop}/admin/api/2026-01`, allowedOrigins: [files], onEvent: (event) => events.push(event) },
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(asked).toEqual(
    [
      'mutation',
      'node gid://shopify/BulkOperation/7',
      'node gid://shopify/BulkOperation/7',
      'GET file /bulk.jsonl?Signature=abc',
    ].toSpliced(1, 0, ...Array(looks - 3).fill('node gid://shopify/BulkOperation/7')),
  )
  expect([...warehouse.rows.keys()]).toEqual(['gid://shopify/Product/1', 'gid://shopify/Product/2'])
  // S1: the signed address is in no position.
  expect(JSON.stringify(warehouse.pages.map(({ progress }) => progress))).not.toContain('Signature')
})

test('R3: results at an origin that is not listed are not fetched', async () => {
  const { run } = bench([created, status('ready', { url: 'https://files.test/1' })], {
    path: '{job.url}',
    job: { ...exportStream.job, poll: { ...exportStream.job.poll, values: { url: 'url' } } },
  })
  await expect(run()).rejects.toMatchObject({ code: 'ORIGIN_REFUSED' })
})

test('Salesforce on the wire: a query job, whose pages are named by a locator in a header', async () => {
  const asked: string[] = []
  let looks = 0
  const url = await serve((request, body, response) => {
    asked.push(`${request.method} ${request.url} ${body}`.trim())
    response.setHeader('content-type', 'application/json')
    if (request.method === 'POST')
      return response.end(JSON.stringify({ id: '750R', state: 'UploadComplete' }))
    if (!request.url!.includes('/results')) {
      const state = ['UploadComplete', 'InProgress', 'JobComplete'][looks++]
      return response.end(JSON.stringify({ id: '750R', state }))
    }
    const isFirst = !request.url!.includes('locator')
    if (isFirst) response.setHeader('Sforce-Locator', 'MTAwMDA')
    response.end(JSON.stringify([{ Id: isFirst ? '001' : '002' }]))
  })
  const stream = streamOver(
    loopback(),
    {
      path: 'jobs/query/{job.id}/results',
      key: 'Id',
      query: { maxRecords: 1 },
      paginate: { type: 'cursor', token: { header: 'Sforce-Locator' }, param: 'locator' },
      job: {
        create: { path: 'jobs/query', body: { operation: 'queryAll', query: 'SELECT Id FROM Account' } },
        poll: {
          path: 'jobs/query/{job.id}',
          status: 'state',
          done: ['JobComplete'],
          failed: ['Failed', 'Aborted'],
        },
        abort: { method: 'PATCH', path: 'jobs/query/{job.id}', body: { state: 'Aborted' } },
      },
    },
    { baseUrl: url },
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(asked).toEqual([
    'POST /jobs/query {"operation":"queryAll","query":"SELECT Id FROM Account"}',
    'GET /jobs/query/750R',
    'GET /jobs/query/750R',
    'GET /jobs/query/750R',
    'GET /jobs/query/750R/results?maxRecords=1',
    'GET /jobs/query/750R/results?maxRecords=1&locator=MTAwMDA',
  ])
  expect([...warehouse.rows.keys()]).toEqual(['001', '002'])
})

test('C4: in a run, the job is in the destination before it is waited for', async () => {
  const destination = memoryDestination()
  const clock = fakeClock({ start, auto: true })
  const run = async (replies: readonly ScriptedReply[]) => {
    const transport = scriptedTransport(replies)
    await using session = await destination.open('p')
    const outcome = await runStream(
      streamOver({ clock, transport, random: () => 0.5 }, exportStream as StreamInput),
      {
        session,
        runId: `r${transport.requests.length + destination.loads('p').length}`,
        clock,
        onEvent() {},
        batch: { maxRecords: 1000, maxBytes: 1e9, maxAgeMs: 1e9 },
        scope: {},
        fullRefresh: false,
        signal: new AbortController().signal,
      },
    )
    return [outcome.outcome, transport.requests.map(({ method }) => method).join(' ')]
  }
  expect(await run([created, status('pending'), new Crash('killed')])).toEqual(['failed', 'POST GET GET'])
  expect(await run([status('ready'), page(1, 'b'), page(2)])).toEqual(['done', 'GET GET GET'])
  expect(destination.rows('api_items').map(({ id }) => id)).toEqual([1, 2])
  clock.stop()
})
