// The REST source over real HTTP into a real warehouse, where rooms meet: parents and children, GraphQL, lists beside and inside records,
// deletions, formats.
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { definePipeline, type PipelineInput } from '../../src/config/pipeline.ts'
import { load, query, type ScriptedApi, scriptedApi, sendJson } from './scripted-api.ts'

let api: ScriptedApi
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-rest-'))
  api = await scriptedApi((_, response) => sendJson(response, {}, 404))
})
afterEach(async () => {
  await api[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

type Streams = PipelineInput['sources'][string]['streams']

async function run(streams: Streams) {
  const pipeline = definePipeline({
    name: 'wire',
    destination: { type: 'duckdb', path: 'w.duckdb' },
    sources: { api: { type: 'rest', baseUrl: api.url, retry: { firstDelay: '1ms' }, streams } },
  })
  return load(folder, pipeline)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

// PEERS: airbyte#40734
// PEERS: dlt #1883
test('the children of a parent of several pages are all read, several at once, with its fields and a checkpoint each', async () => {
  let underWay = 0
  let most = 0
  api.handle = async (_, response, url) => {
    underWay++
    most = Math.max(most, underWay)
    // Answers overlap where requests do.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    const page = Number(url.searchParams.get('page') ?? 1)
    const project = /^\/projects\/(\d+)\/issues$/.exec(url.pathname)?.[1]
    if (project === undefined) {
      const items = [1, 2, 3].map((step) => ({
        id: (page - 1) * 3 + step,
        name: `p${(page - 1) * 3 + step}`,
      }))
      sendJson(response, { items: page <= 4 ? items : [] })
    } else {
      const items = page <= 2 ? [{ number: page * 2 - 1 }, { number: page * 2 }] : []
      sendJson(response, { items })
    }
    underWay--
  }
  const streams: Streams = {
    projects: { path: 'projects', records: 'items', paginate: { type: 'page-number' }, key: 'id' },
    issues: {
      path: 'projects/{parent.id}/issues',
      records: 'items',
      paginate: { type: 'page-number' },
      slices: { by: 'parent', stream: 'projects', fields: { project_id: 'id', project: 'name' } },
      key: ['project_id', 'number'],
    },
  }
  const { report } = await run(streams)
  expect(report.outcome).toBe('done')
  expect(
    await query(folder, 'SELECT count(*)::INT AS n, count(DISTINCT project)::INT AS p FROM api_issues'),
  ).toEqual([{ n: 48, p: 12 }])
  const [{ slices } = {}] = await query(
    folder,
    "SELECT count(*)::INT AS slices FROM _sluice_checkpoints WHERE stream = 'api.issues' AND slice LIKE 'id=%'",
  )
  expect(slices).toBe(12)
  expect(most).toBeGreaterThan(2)
  expect((await run(streams)).report.streams[1]).toMatchObject({ inserted: 0, updated: 0 })
})

test('a GraphQL connection is read page by page; a throttled reply under 200 is waited out', async () => {
  const asked: unknown[] = []
  api.handle = async (request, response) => {
    const { variables } = JSON.parse(await bodyOf(request)) as {
      variables: { after?: string; first: number }
    }
    asked.push(variables.after ?? null)
    if (asked.length === 2) {
      sendJson(response, { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] })
      return
    }
    const at = Number(variables.after ?? 0)
    const edges = Array.from({ length: 2 }, (_, index) => ({ node: { id: at + index + 1 } }))
    const pageInfo = { hasNextPage: at + 2 < 6, endCursor: String(at + 2) }
    sendJson(response, { data: { shop: { orders: { edges, pageInfo } } } })
  }
  const { report } = await run({
    orders: {
      path: 'graphql',
      graphql: {
        query:
          'query ($first: Int!, $after: String) { shop { orders(first: $first, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } } }',
      },
      paginate: { type: 'relay', connection: 'shop.orders', size: { variable: 'first', value: 2 } },
      key: 'id',
    },
  })
  expect(report.outcome).toBe('done')
  expect(asked).toEqual([null, '2', '2', '4'])
  expect(await query(folder, 'SELECT sum(id)::INT AS sum FROM api_orders')).toEqual([{ sum: 21 }])
})

test('lists beside and inside the records go to tables of their own, in one transaction, and follow later versions and deletions', async () => {
  let version = 1
  api.handle = (_, response) =>
    sendJson(response, {
      tickets:
        version === 1
          ? [
              { id: 1, status: 'open', tags: ['a', 'b'] },
              { id: 2, status: 'open', tags: ['c'] },
            ]
          : [
              { id: 1, status: 'open', tags: ['b'] },
              { id: 2, status: 'deleted', tags: [] },
            ],
      users: [{ id: 9, name: version === 1 ? 'Ann' : 'Anne' }],
    })
  const streams: Streams = {
    tickets: {
      path: 'tickets',
      records: 'tickets',
      paginate: { type: 'none' },
      key: 'id',
      sides: { users: { records: 'users', key: 'id' } },
      transform: [{ split: { tags: { as: { ticket_id: 'id' } } } }],
      deleted: "@.status == 'deleted'",
    },
  }
  await run(streams)
  const tags = () =>
    query(folder, 'SELECT ticket_id::INT AS ticket, value FROM api_tickets_tags ORDER BY ALL')
  expect(await tags()).toEqual([
    { ticket: 1, value: 'a' },
    { ticket: 1, value: 'b' },
    { ticket: 2, value: 'c' },
  ])
  version = 2
  const { report } = await run(streams)
  expect(report.outcome).toBe('done')
  expect(await tags()).toEqual([{ ticket: 1, value: 'b' }])
  expect(
    await query(folder, 'SELECT id::INT AS id, tags FROM api_tickets').catch((error: Error) => error.message),
  ).toMatch(/tags/)
  expect(await query(folder, 'SELECT id::INT AS id FROM api_tickets')).toEqual([{ id: 1 }])
  expect(await query(folder, 'SELECT name FROM api_tickets_users')).toEqual([{ name: 'Anne' }])
  const [{ loads } = {}] = await query(folder, 'SELECT count(*)::INT AS loads FROM _sluice_loads')
  expect(loads).toBe(2)
})

test('rows that a list of what is there does not name are removed, and a bad row of a CSV is kept aside', async () => {
  let rows = ['1;one', '2;two', '3;"three;drei"']
  api.handle = (_, response, url) => {
    if (url.pathname === '/keys')
      return sendJson(
        response,
        rows.map((row) => ({ id: row.split(';')[0] })),
      )
    response
      .writeHead(200, { 'content-type': 'text/csv', 'content-encoding': 'gzip' })
      .end(gzipSync(`id;name\n${rows.join('\n')}\n4;four;too many\n`))
  }
  const streams: Streams = {
    items: { path: 'export.csv', format: { type: 'csv', delimiter: ';' }, key: 'id' },
    present: { path: 'keys', paginate: { type: 'none' }, write: 'reconcile', table: 'api_items', key: 'id' },
  }
  const { report } = await run(streams)
  expect(report.outcome).toBe('done')
  expect(report.streams[0]).toMatchObject({ inserted: 3, rejected: 1 })
  expect(await query(folder, 'SELECT id, name FROM api_items ORDER BY id')).toEqual([
    { id: '1', name: 'one' },
    { id: '2', name: 'two' },
    { id: '3', name: 'three;drei' },
  ])
  rows = ['1;one', '3;"three;drei"']
  await run(streams)
  expect((await query(folder, 'SELECT id FROM api_items ORDER BY id')).map(({ id }) => id)).toEqual([
    '1',
    '3',
  ])
})
