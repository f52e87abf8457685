import { expect, test } from 'vitest'
import type { ScriptedReply } from '../../testing/scripted-transport.ts'
import { Crash } from '../testing/scripted-client.ts'
import { bench, created, exportStream, page, start, status, windows } from './scripted-jobs.ts'

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
      'api.items: job e1 is still pending after 20s, and job.poll.timeout allows 20s; it was aborted. "pending" is in none of `done`, `failed`, `skipped`: if it means that the job is over, add it to the right one. Raise it if the API is known to be slow, or ask for less at once',
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

test('R3: results at an origin that is not listed are not fetched', async () => {
  const { run } = bench([created, status('ready', { url: 'https://files.test/1' })], {
    path: '{job.url}',
    job: { ...exportStream.job, poll: { ...exportStream.job.poll, values: { url: 'url' } } },
  })
  await expect(run()).rejects.toMatchObject({ code: 'ORIGIN_REFUSED' })
})

test('a job that fails says what the API says of it', async () => {
  const { run } = bench([created, status('failure', { message: 'quota of disk exceeded' })])
  await expect(run()).rejects.toThrow('job e1 ended as failure: quota of disk exceeded')
})

test('R3: an address of results without an origin is one of the base URL', async () => {
  const { run, asked } = bench([created, status('ready', { url: '/files/J2.json' }), page(1)], {
    path: '{job.url}',
    job: { ...exportStream.job, poll: { ...exportStream.job.poll, values: { url: 'url' } } },
  })
  await run()
  expect(asked().at(-1)).toBe('GET files/J2.json')
})
