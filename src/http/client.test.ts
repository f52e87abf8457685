import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { bench, caught, get, text } from '../../test/http/client-bench.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import { createClient } from './client.ts'
import { TransportError } from './errors.ts'
import { createRedactor } from './redact.ts'
import { systemRuntime } from './system-runtime.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

// PEERS: dlt client.base_url
// PEERS: dlt client.headers
// PEERS: dlt test_client timeout from config
// PEERS: dlt test_client header override
test('a request carries the base URL, its query, the headers of all three places, and its limits', async () => {
  const { ask, transport, client } = bench([{ body: 'ok' }], {
    headers: { 'x-client': '1', accept: 'application/json' },
    timeouts: { headers: 5000 },
  })
  const spec = get('items?a=1', { query: { b: 2 }, headers: { 'x-request': '2' } })
  expect(client.resolve(spec)).toBe('https://api.test/v2/items?a=1&b=2')
  expect(await ask(spec)).toBe('ok')
  expect(transport.requests).toEqual([
    {
      method: 'GET',
      url: 'https://api.test/v2/items?a=1&b=2',
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'user-agent': `sluice/${version}`,
        'x-client': '1',
        'x-request': '2',
      },
      timeouts: { connect: 10_000, headers: 5000, body: 60_000 },
    },
  ])
})

test('a body is sent as JSON with its content type', async () => {
  const { ask, transport } = bench([{}])
  await ask(get('search', { method: 'post', body: { q: 'x' } }))
  expect(transport.requests[0]).toMatchObject({
    method: 'POST',
    body: '{"q":"x"}',
    headers: { 'content-type': 'application/json' },
  })
})

test('a body beyond maxBodySize is refused, announced or not', async () => {
  const announced = bench([{ headers: { 'content-length': '11' }, body: 'x'.repeat(11) }], {
    maxBodySize: 10,
  })
  expect((await caught(announced.ask())).message).toBe(
    'https://api.test/v2/items: the body (11 bytes) is larger than maxBodySize allows (10 bytes). Ask for smaller pages, or raise maxBodySize if the API is right',
  )
  const chunked = bench([{ headers: {}, body: 'x'.repeat(11) }], { maxBodySize: 10 })
  const error = await caught(chunked.ask())
  expect(error).toMatchObject({ code: 'BODY_TOO_LARGE', recovery: 'stop-stream' })
  expect(error.message).toContain('the body is larger than maxBodySize allows (10 bytes)')
  expect(await bench([{ body: 'x'.repeat(10) }], { maxBodySize: 10 }).ask()).toHaveLength(10)
})

// PEERS: dlt test_client URL redaction
test('S1: neither errors nor events show a secret, wherever it was', async () => {
  const auth: Authenticator = {
    sign: async (request) => ({ ...request, url: `${request.url}&key=hush%20hush` }),
  }
  const { client, events } = bench(
    [
      { status: 500, body: 'key "hush hush" of request hush%20hush' },
      new TransportError('https://api.test/?key=hush%20hush', 'ECONNRESET', 'sent hush hush', { sent: true }),
      {},
    ],
    { auth, redactor: createRedactor(['hush hush']), retry: { maxAttempts: 3 } },
  )
  const error = await caught(
    client.request(get('items?access_token=own'), async () => {
      throw new Error('consumer: hush hush', { cause: new Error('inner hush hush') })
    }),
  )
  expect(error.message).toBe('consumer: ***')
  expect((error.cause as Error).message).toBe('inner ***')
  expect(events).toHaveLength(5)
  expect(JSON.stringify(events)).not.toMatch(/hush|own/)
})

test('an abort ends the request with its reason, without a retry', async () => {
  const abort = new AbortController()
  const { client, transport, ofType } = bench([
    () => {
      abort.abort(new Error('called off'))
      return new TransportError('https://api.test/', 'ABORTED', 'aborted', { sent: true })
    },
  ])
  await caught(client.request(get(), text, { signal: abort.signal, stream: 'desk.tickets' }))
  await expect(client.request(get(), text, { signal: abort.signal })).rejects.toThrow('called off')
  expect(transport.requests).toHaveLength(1)
  expect(ofType('request.fail')).toMatchObject([{ stream: 'desk.tickets' }])
})

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('over a real connection: a consumer that stops early gives the connection back, and a truncated page is repeated', async () => {
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    if (asked === 2) {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('half', () => setImmediate(() => response.socket!.resetAndDestroy()))
    } else response.end('x'.repeat(200_000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  const runtime = systemRuntime({ connections: 1 })
  cleanups.push(() => runtime.transport.close())
  const client = createClient({
    name: 'real',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    runtime,
    maxConcurrent: 1,
    retry: { firstDelay: 1 },
  })
  expect(await client.request(get(), async (response) => response.status)).toBe(200)
  const page = await client.request(get(), text)
  expect(page).toHaveLength(200_000)
  await expect(
    client.request(get(), async (response) => {
      for await (const _ of response.body) throw new Error('enough')
    }),
  ).rejects.toThrow('enough')
  expect(await client.request(get(), text)).toHaveLength(200_000)
  expect(asked).toBe(5)
})
