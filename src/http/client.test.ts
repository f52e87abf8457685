import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { Authenticator } from '../ports/authenticator.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { HttpRequest, HttpResponse } from '../ports/runtime.ts'
import type { Quota } from '../quota/quota.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { type ClientOptions, createClient } from './client.ts'
import { BodyTruncatedError, TransportError } from './errors.ts'
import { createRedactor } from './redact.ts'
import { systemRuntime } from './system-runtime.ts'

const get = (url = 'items', more: Partial<RequestSpec> = {}): RequestSpec => ({
  method: 'GET',
  url,
  query: {},
  headers: {},
  ...more,
})
async function text(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  )

function bench(replies: Iterable<ScriptedReply>, options: Partial<ClientOptions> = {}) {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test/v2',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
    ...options,
  })
  const ofType = (type: SluiceEvent['type']) => events.filter((event) => event.type === type)
  return { client, clock, transport, events, ofType, ask: (spec = get()) => client.request(spec, text) }
}

/** A bearer token that is renewed to the next number. */
function tokens(options: { renews?: boolean } = {}): Authenticator & { renewals: number } {
  let current = 1
  return {
    renewals: 0,
    sign: async (request) => ({
      ...request,
      headers: { ...request.headers, authorization: `Bearer token-${current}` },
    }),
    ...(options.renews === false
      ? {}
      : {
          async renew(refused: HttpRequest) {
            this.renewals++
            expect(refused.headers['authorization']).toBe(`Bearer token-${current}`)
            current++
            return true
          },
        }),
  }
}

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

// PEERS: dlt retried statuses
// PEERS: Airbyte event 5xx
test('failures are repeated, each with its events, and the consumer sees the success alone', async () => {
  const lost = new TransportError('https://api.test/v2/items', 'ECONNRESET', 'read ECONNRESET', {
    sent: true,
  })
  const { ask, events } = bench([{ status: 503, body: 'busy' }, lost, { body: 'ok' }])
  expect(await ask()).toBe('ok')
  const url = 'https://api.test/v2/items'
  expect(events).toEqual([
    { type: 'request.end', at: 0, source: 'desk', method: 'GET', url, status: 503, elapsedMs: 0, attempt: 1 },
    {
      type: 'request.retry',
      at: 0,
      source: 'desk',
      url,
      attempt: 1,
      delayMs: 125,
      reason: `GET ${url} answered 503: busy`,
    },
    {
      type: 'request.fail',
      at: 125,
      source: 'desk',
      method: 'GET',
      url,
      code: 'TRANSPORT_FAILED',
      message: `${url}: read ECONNRESET (ECONNRESET)`,
      elapsedMs: 0,
      attempt: 2,
    },
    {
      type: 'request.retry',
      at: 125,
      source: 'desk',
      url,
      attempt: 2,
      delayMs: 250,
      reason: `${url}: read ECONNRESET (ECONNRESET)`,
    },
    {
      type: 'request.end',
      at: 375,
      source: 'desk',
      method: 'GET',
      url,
      status: 200,
      elapsedMs: 0,
      attempt: 3,
    },
  ])
})

// PEERS: dlt test_requests exceptions retried
test('a body that breaks off is asked for again: consume is a part of the attempt', async () => {
  const bodyError = new BodyTruncatedError('https://api.test/v2/items', 'other side closed')
  const { ask, transport } = bench([{ body: 'half', bodyError }, { body: 'whole' }])
  expect(await ask()).toBe('whole')
  expect(transport.requests).toHaveLength(2)
})

// PEERS: dlt retries POST
test('a POST is repeated only where it is marked safe or carries an idempotency key', async () => {
  const post = (more: Partial<RequestSpec> = {}) => get('search', { method: 'POST', ...more })
  expect((await caught(bench([{ status: 503 }, {}]).ask(post()))).message).toBe(
    'POST https://api.test/v2/search answered 503',
  )
  expect(await bench([{ status: 503 }, { body: 'ok' }]).ask(post({ safe: true }))).toBe('ok')
  expect(
    await bench([{ status: 503 }, { body: 'ok' }]).ask(post({ headers: { 'idempotency-key': '1' } })),
  ).toBe('ok')
  expect(await bench([{ status: 429 }, { body: 'ok' }]).ask(post())).toBe('ok')
})

// PEERS: Airbyte event 4xx
test('an error names the request, the status, what the API says, and what to check', async () => {
  const body = { error: { message: 'No such\ncustomer' } }
  const error = await caught(bench([{ status: 404, body }]).ask())
  expect(error).toMatchObject({
    code: 'HTTP_STATUS',
    status: 404,
    recovery: 'stop-stream',
    excerpt: JSON.stringify(body),
  })
  expect(error.message).toBe(
    'GET https://api.test/v2/items answered 404: No such customer (check baseUrl and path)',
  )
})

test.for([
  [
    304,
    'stop-stream',
    'only a conditional request is answered so: remove if-none-match and if-modified-since from its headers',
  ],
  [302, 'stop-stream', 'a redirect that names no location'],
  [400, 'stop-stream', "check the request's query and body"],
  [401, 'fix-config', 'check the credential: auth'],
  [402, 'stop-stream', "check the account's plan"],
  [403, 'fix-config', 'the credential is known, but lacks a permission or scope'],
  [405, 'stop-stream', 'check the method'],
  [406, 'stop-stream', 'check the headers accept and content-type'],
  [410, 'stop-stream', 'the API has withdrawn this endpoint, or no longer knows the cursor'],
  [413, 'stop-stream', 'the request is too large: ask for less at once'],
  [418, 'stop-stream', 'the API refuses the request as it is'],
] as const)('%d is an error (%s): %s', async ([status, recovery, hint]) => {
  const error = await caught(bench([{ status, headers: {}, body: 'sorry' }]).ask())
  expect(error).toMatchObject({ recovery, status })
  expect(error.message).toBe(`GET https://api.test/v2/items answered ${status}: sorry (${hint})`)
})

// PEERS: dlt test_client error body
test('an error body is shown by its first 300 characters, inflated, also where it breaks off', async () => {
  const long = await caught(bench([{ status: 400, body: 'x'.repeat(100_000) }]).ask())
  expect(long.message).toContain(`400: ${'x'.repeat(300)} (`)
  const zipped = await caught(bench([{ status: 400, body: gzipSync('{"message":"zipped"}') }]).ask())
  expect(zipped.message).toContain('400: zipped (')
  const broken = await caught(bench([{ status: 400, body: 'cut o', bodyError: new Error('reset') }]).ask())
  expect(broken.message).toContain('400: cut o (')
  const garbled = await caught(bench([{ status: 400, body: new Uint8Array([0x1f, 0x8b, 1, 2, 3]) }]).ask())
  expect(garbled.message).toBe(
    "GET https://api.test/v2/items answered 400 (check the request's query and body)",
  )
})

test('a 403 that speaks of a limit is waited for like a 429', async () => {
  for (const headers of [{ 'retry-after': '7' }, { 'x-ratelimit-remaining': '0' }]) {
    const { ask, ofType } = bench([{ status: 403, headers }, { body: 'ok' }])
    expect(await ask()).toBe('ok')
    expect(ofType('request.retry')).toHaveLength(1)
  }
})

// PEERS: Airbyte event Retry-After
test('Retry-After is measured against the Date of the response', async () => {
  const headers = { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }
  const { ask, clock } = bench([{ status: 429, headers }, {}])
  await ask()
  expect(clock.now()).toBe(9125)
})

// PEERS: dlt no refresh after a 401
// PEERS: Airbyte event 4xx
test('a 401 renews the credential once, and asks once more', async () => {
  const auth = tokens()
  const { ask, transport } = bench([{ status: 401 }, { body: 'ok' }], { auth })
  expect(await ask()).toBe('ok')
  expect(transport.requests.map((request) => request.headers['authorization'])).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ])
  expect(auth.renewals).toBe(1)
})

test('a second 401 is an answer', async () => {
  const auth = tokens()
  const { ask, transport } = bench([{ status: 401 }, { status: 401, body: '{"error":"no token-2"}' }, {}], {
    auth,
    redactor: createRedactor(['token-1', 'token-2']),
  })
  const error = await caught(ask())
  expect(error).toMatchObject({ code: 'AUTH_REFUSED', recovery: 'fix-config' })
  expect(error.message).toBe(
    'GET https://api.test/v2/items answered 401: no *** (check the credential: auth); the credential was renewed just before, and is refused as well',
  )
  expect(transport.requests).toHaveLength(2)
  expect(auth.renewals).toBe(1)
})

test('a 401 to a credential that cannot be renewed is an answer at once', async () => {
  const { ask, transport } = bench([{ status: 401 }], { auth: tokens({ renews: false }) })
  expect((await caught(ask())).message).toBe(
    'GET https://api.test/v2/items answered 401 (check the credential: auth)',
  )
  expect(transport.requests).toHaveLength(1)
})

test('R3: no request goes to another origin, and nothing is sent', async () => {
  const { ask, transport } = bench([])
  expect(await caught(ask(get('https://evil.test/next')))).toMatchObject({ code: 'ORIGIN_REFUSED' })
  expect(transport.requests).toEqual([])
})

// PEERS: dlt test_client settings of one call
test('R3: a redirect to another origin is refused, naming both', async () => {
  const { ask, transport } = bench([{ status: 302, headers: { location: 'https://evil.test/x' } }], {
    auth: tokens(),
  })
  const error = await caught(ask())
  expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', recovery: 'fix-config' })
  expect(error.message).toBe(
    'https://api.test/v2/items redirects (302) to https://evil.test/x: the credential is not sent from https://api.test to https://evil.test; if both belong to one API, list https://evil.test in allowedOrigins',
  )
  expect(transport.requests).toHaveLength(1)
})

test('a redirect within the allowed origins is followed, signed afresh, and the consumer is told the final URL', async () => {
  const { client, transport } = bench(
    [
      { status: 301, headers: { location: '/v3/items?page=1#top' } },
      { status: 307, headers: { location: 'https://eu.api.test/v3/items' } },
      {},
    ],
    { allowedOrigins: ['https://eu.api.test'], auth: tokens() },
  )
  expect(await client.request(get(), async (_, url) => url)).toBe('https://eu.api.test/v3/items')
  expect(transport.requests.map((request) => request.url)).toEqual([
    'https://api.test/v2/items',
    'https://api.test/v3/items?page=1',
    'https://eu.api.test/v3/items',
  ])
  expect(transport.requests[2]!.headers['authorization']).toBe('Bearer token-1')
})

test('a ring of redirects comes to an end', async () => {
  const { ask, transport } = bench(Array(9).fill({ status: 302, headers: { location: '/v2/items' } }))
  expect((await caught(ask())).message).toBe(
    'https://api.test/v2/items redirects (302) to https://api.test/v2/items: more than 5 redirects, begun at https://api.test/v2/items',
  )
  expect(transport.requests).toHaveLength(6)
})

test('a redirected POST is refused', async () => {
  const { ask } = bench([{ status: 308, headers: { location: '/v3/search' } }])
  expect((await caught(ask(get('search', { method: 'POST', safe: true })))).message).toBe(
    'https://api.test/v2/search redirects (308) to https://api.test/v3/search: a POST is not sent to another address: configure the new one',
  )
})

/** Counts what it holds, and lets each request through a second after the one before. */
function slowQuota(clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> }) {
  const seen: number[] = []
  let next = 0
  let held = 0
  const quota: Quota = {
    name: '1 request per 1s',
    async acquire({ signal, onWait } = {}) {
      const at = Math.max(next, clock.now())
      next = at + 1000
      if (at > clock.now()) onWait?.(at - clock.now())
      await clock.sleep(at - clock.now(), signal)
      held++
      return { answered: (reply) => void seen.push(reply?.status ?? 0), release: () => void held-- }
    },
  }
  return { quota, seen, held: () => held }
}

test('Q1: every request waits for its quota, repeats after a 401 or a redirect, too; the quota sees every answer', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const { quota, seen, held } = slowQuota(clock)
  const sent: number[] = []
  const replies: ScriptedReply[] = [
    { status: 401 },
    { status: 302, headers: { location: '/v2/other' } },
    { status: 404, body: 'none' },
  ]
  const transport = scriptedTransport(
    replies.map((reply) => () => {
      sent.push(clock.now())
      expect(held()).toBe(1)
      return reply
    }),
  )
  const { ask, ofType } = bench([], {
    quotas: [quota],
    auth: tokens(),
    runtime: { clock, transport, random: () => 0.5 },
  })
  await caught(ask())
  expect(sent).toEqual([0, 1000, 2000])
  expect(seen).toEqual([401, 302, 404])
  expect(held()).toBe(0)
  expect(ofType('quota.wait')).toHaveLength(2)
  expect(ofType('quota.hold')).toMatchObject([{ expectedMs: 1000 }, { expectedMs: 1000 }])
})

test('a quota that fails gives back what the quotas before it hold', async () => {
  const first = slowQuota(fakeClock())
  const second: Quota = { ...first.quota, acquire: async () => Promise.reject(new Error('never fits')) }
  const clock = fakeClock({ auto: true })
  const held = slowQuota(clock)
  const { ask } = bench([], { quotas: [held.quota, second] })
  await expect(ask()).rejects.toThrow('never fits')
  expect(held.held()).toBe(0)
})

// PEERS: dlt five threads, round robin
test('no more than maxConcurrent requests are under way at once', async () => {
  let underWay = 0
  let most = 0
  const reply = async (): Promise<ScriptedReply> => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    return {}
  }
  const { ask } = bench(Array(12).fill(reply), { maxConcurrent: 3 })
  await Promise.all(Array.from({ length: 12 }, () => ask()))
  expect(most).toBe(3)
})

test('an outage opens the breaker, is waited for, and does not use the attempts up', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = async (): Promise<HttpResponse> => {
    if (clock.now() < 120_000)
      throw new TransportError('https://api.test/v2/items', 'ECONNREFUSED', 'connect', { sent: false })
    return scriptedTransport([{ body: 'ok' }])({ method: 'GET', url: '', headers: {} })
  }
  const { client, ofType } = bench([], { runtime: { clock, transport, random: () => 0.5 } })
  const answers = await Promise.all([1, 2, 3].map(() => client.request(get(), text)))
  expect(answers).toEqual(['ok', 'ok', 'ok'])
  expect(ofType('breaker.open').map((event) => 'forMs' in event && event.forMs)).toEqual([
    5000, 10_000, 20_000, 40_000, 60_000,
  ])
  expect(ofType('breaker.close')).toHaveLength(1)
  expect(ofType('breaker.wait').length).toBeGreaterThan(2)
})

// PEERS: estuary/connectors#2380
test('an outage that lasts fails every request, and says so', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = async () => {
    throw new TransportError('https://api.test/v2/items', 'ECONNREFUSED', 'connect', { sent: false })
  }
  const { client } = bench([], { runtime: { clock, transport, random: () => 0.5 } })
  const errors = await Promise.all([1, 2].map(() => caught(client.request(get(), text))))
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(error.message).toContain('desk is not asked since 1970-01-01T00:00:0')
  }
  expect(clock.now()).toBeLessThan(400_000)
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

test('Q4: a wait that the body asks for pauses everybody, as Retry-After does', async () => {
  const observed: unknown[] = []
  const quota: Quota = {
    name: 'q',
    acquire: async () => ({ refused: (refusal) => void observed.push(refusal), release() {} }),
  }
  const busy = { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }
  const { ask, clock } = bench([busy, { body: 'ok' }], { quotas: [quota] })
  expect(await ask()).toBe('ok')
  expect(observed).toEqual([{ kind: 'rate', retryAfterMs: 60_000 }])
  expect(clock.now()).toBeGreaterThanOrEqual(60_000)
})

test('what the caller says of a refusal outranks its status, and is asked for each attempt', async () => {
  const { client, transport } = bench([{ status: 404 }, { status: 404 }])
  let asked = 0
  const react = () => ({ action: ++asked === 1 ? ('retry' as const) : ('ignore' as const), message: 'gone' })
  const error = await caught(client.request(get(), text, { react, about: 'parent.id 7' }))
  expect(error).toMatchObject({
    action: 'ignore',
    message: 'GET https://api.test/v2/items answered 404 for parent.id 7: gone',
  })
  expect(transport.requests).toHaveLength(2)
})
