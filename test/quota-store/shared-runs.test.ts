// Pipelines in processes of their own, as far as Sluice knows: each opens a quota store of its own, on one database.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definePipeline } from '../../src/config/pipeline.ts'
import { run } from '../../src/run.ts'
import { memoryDestination } from '../../src/testing/memory-destination.ts'
import { type PostgresServer, postgresServer } from '../servers/postgres.ts'

const limit = { requests: 30, perMs: 1000 }
const pages = 50

let database: PostgresServer
let api: Server
/** When each request came. */
let came: number[] = []

beforeAll(async () => {
  database = await postgresServer()
  api = createServer((request, response) => {
    came.push(performance.now())
    const page = Number(new URL(request.url!, 'http://api').searchParams.get('page'))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ items: page <= pages ? [{ id: page }] : [] }))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
}, 60_000)
afterAll(async () => {
  api?.close()
  await database?.[Symbol.asyncDispose]()
})

function pipeline(name: string, url: string) {
  return definePipeline({
    name,
    destination: { type: 'duckdb', path: 'unused.duckdb' },
    quotaStore: { type: 'postgres', url },
    sources: {
      api: {
        type: 'rest',
        baseUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}/`,
        quotas: [{ requests: limit.requests, per: '1s' }],
        streams: {
          items: {
            path: 'items',
            records: 'items',
            key: 'id',
            paginate: { type: 'page-number', size: { param: 'size', value: 1 } },
          },
        },
      },
    },
  })
}

// PEERS: Airbyte lacks limits across workers
test('Q1: two runs that share a quota by a store keep to it together, and both load everything', async () => {
  came = []
  const destinations = [memoryDestination(), memoryDestination()]
  const reports = await Promise.all(
    destinations.map((destination, index) => run(pipeline(`run${index}`, database.url), { destination })),
  )
  expect(reports.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
  for (const destination of destinations) expect(destination.rows('api_items')).toHaveLength(pages)
  came.sort((a, b) => a - b)
  for (let index = limit.requests; index < came.length; index++)
    expect(came[index]! - came[index - limit.requests]!).toBeGreaterThanOrEqual(limit.perMs)
}, 60_000)

test('a store that can not be reached stops the stream, says why, and sends nothing', async () => {
  came = []
  const unreachable = 'postgres://user:hidden-word@127.0.0.1:1/none'
  const report = await run(pipeline('alone', unreachable), { destination: memoryDestination() })
  expect(report.outcome).toBe('failed')
  expect(report.streams[0]!.error).toMatchObject({ code: 'QUOTA_STORE_FAILED' })
  expect(report.streams[0]!.error!.message).toContain('30 requests per 1s')
  expect(report.streams[0]!.error!.message).toContain('ECONNREFUSED')
  expect(JSON.stringify(report)).not.toContain('hidden-word')
  expect(came).toEqual([])
}, 60_000)
