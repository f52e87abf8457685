// A report against what a server counted itself.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { definePipeline } from '../../src/config/pipeline.ts'
import { run } from '../../src/run.ts'
import { memoryDestination } from '../../src/testing/memory-destination.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

type Answer = (nth: number, response: ServerResponse) => void

/** Reads 100 slices of an API that counts what it is asked, and what it refuses as `answer` says by `refuse`. */
async function counted(answer: (refuse: () => void) => Answer, patience = '1m') {
  const came = { requests: 0, refused: 0 }
  const respond = answer(() => came.refused++)
  server = createServer((_request, response) => respond(came.requests++, response))
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  const pipeline = definePipeline({
    name: 'counted',
    destination: { type: 'duckdb', path: 'unused.duckdb' },
    patience,
    sources: {
      api: {
        type: 'rest',
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        retry: { firstDelay: '1ms' },
        streams: {
          items: {
            path: 'items/{slice.n}',
            key: 'id',
            records: 'items',
            paginate: { type: 'none' },
            slices: { by: 'list', name: 'n', values: Array.from({ length: 100 }, (_, n) => `${n}`) },
            concurrency: { slices: 10 },
          },
        },
      },
    },
  })
  const { streams, quotas, outcome } = await run(pipeline, { destination: memoryDestination() })
  return { came, stream: streams[0]!, quotas, outcome }
}

const send = (response: ServerResponse, status: number, body: unknown, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
const item = (nth: number) => ({ items: [{ id: nth }] })

test.each([0, 50])(
  'a run that is paused after %i answers tells of as many requests and refusals as the server counted',
  async (room) => {
    const { came, stream, quotas, outcome } = await counted((refuse) => (nth, response) => {
      if (nth < room) return send(response, 200, item(nth))
      refuse()
      send(response, 429, { error: 'slow down' }, { 'retry-after': '86400' })
    })
    expect(outcome).toBe('paused')
    expect(stream.requests).toBe(came.requests)
    expect(stream.refused).toBe(came.refused)
    expect(stream.errorRate).toBe(0)
    expect(quotas.reduce((sum, { refused }) => sum + refused, 0)).toBe(came.refused)
  },
)

test.each([
  ['429', 429, { error: 'slow down' }],
  ['403', 403, { error: { errors: [{ reason: 'rateLimitExceeded' }] } }],
  ['200', 200, { ok: false, error: 'ratelimited' }],
])(
  'a refusal under status %s is one refusal, and no failure, wherever it is told of',
  async (_, status, body) => {
    const { came, stream, quotas, outcome } = await counted((refuse) => (nth, response) => {
      if (nth !== 20 && nth !== 21) return send(response, 200, item(nth))
      refuse()
      send(response, status, body)
    })
    expect(outcome).toBe('done')
    expect(came).toEqual({ requests: 102, refused: 2 })
    expect(stream).toMatchObject({ requests: 102, refused: 2, errorRate: 0 })
    expect(quotas).toMatchObject([{ kind: 'found', refused: 2, used: 102 }])
  },
)
