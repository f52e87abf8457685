import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemRuntime } from '../../http/system-runtime.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { Runtime } from '../../ports/runtime.ts'
import { runOnce, Warehouse } from '../testing/scripted-client.ts'
import { start, streamOver } from './scripted-jobs.ts'

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
