import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { generate } from 'selfsigned'
import { afterEach, expect, test } from 'vitest'
import type { HttpResponse } from '../ports/runtime.ts'
import { BodyTruncatedError, TimeoutError, TransportError } from './errors.ts'
import { systemClock, systemRuntime } from './system-runtime.ts'
import { timeoutOptions, type UndiciTransportOptions, undiciTransport } from './transport.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: Server, scheme = 'http'): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const serve = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  listen(createServer(handler))

function open(options: UndiciTransportOptions = {}) {
  const transport = undiciTransport(options)
  cleanups.push(() => transport.close())
  return transport
}
const get = (url: string) => ({ method: 'GET', url, headers: {} })
async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
let made: Promise<{ private: string; cert: string }> | undefined
const certificate = () =>
  (made ??= generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  }))
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  )

test('it sends method, path, headers and body, and gives back status, headers and body', async () => {
  const origin = await serve(async (request, response) => {
    const body = await request.toArray()
    response.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('X-Kind', 'echo').writeHead(201)
    response.end(`${request.method} ${request.url} ${request.headers['x-one']} ${Buffer.concat(body)}`)
  })
  const response = await open()({
    method: 'POST',
    url: `${origin}/a%2Fb?q=1%20`,
    headers: { 'x-one': '1' },
    body: '{"a":1}',
  })
  expect(response.status).toBe(201)
  expect(response.headers).toMatchObject({ 'x-kind': 'echo', 'set-cookie': ['a=1', 'b=2'] })
  expect(await textOf(response)).toBe('POST /a%2Fb?q=1%20 1 {"a":1}')
})

// PEERS: dlt one connection pool for each resource
// PEERS: dlt not tested connection reuse
test('one connection is kept for requests in turn, also when a body was discarded', async () => {
  let connections = 0
  const server = createServer((_, response) => response.end('x'.repeat(1000)))
  server.on('connection', () => connections++)
  const origin = await listen(server)
  const transport = open({ connections: 1 })
  for (let count = 0; count < 5; count++) {
    const response = await transport(get(origin))
    if (count % 2 === 0) await response.discard()
    else await textOf(response)
    await response.discard()
  }
  expect(connections).toBe(1)
})

test('it follows no redirect and inflates nothing', async () => {
  const origin = await serve((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/' }).end()
    else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('plain'))
  })
  const transport = open()
  const moved = await transport(get(`${origin}/moved`))
  expect([moved.status, moved.headers['location']]).toEqual([302, '/'])
  await moved.discard()
  const zipped: Uint8Array[] = []
  for await (const chunk of (await transport(get(origin))).body) zipped.push(chunk)
  expect(Buffer.concat(zipped)).toEqual(gzipSync('plain'))
})

// PEERS: dlt one connection pool for each resource
// PEERS: dlt lacks HTTP/2
test('HTTP/2 is used where the server offers it, with many requests on one connection', async () => {
  const pems = await certificate()
  const held: (() => void)[] = []
  let connections = 0
  const server = createSecureServer(
    { key: pems.private, cert: pems.cert, allowHTTP1: true },
    (request, response) => {
      held.push(() => response.end(request.httpVersion))
      // Nobody is answered before all have asked.
      if (held.length === 8) for (const answer of held) answer()
    },
  )
  server.on('secureConnection', () => connections++)
  const origin = await listen(server, 'https')
  const transport = open({ ca: pems.cert, connections: 1 })
  const versions = await Promise.all(
    Array.from({ length: 8 }, async () => textOf(await transport(get(origin)))),
  )
  expect(versions).toEqual(Array(8).fill('2.0'))
  expect(connections).toBe(1)

  held.length = 0
  const plain = open({ ca: pems.cert, allowH2: false })
  expect(await Promise.all(Array.from({ length: 8 }, async () => textOf(await plain(get(origin)))))).toEqual(
    Array(8).fill('1.1'),
  )
})

test.for([
  ['a reset of the stream', (stream: ServerHttp2Stream) => stream.destroy(new Error('broken'))],
  ['the end of the session', (stream: ServerHttp2Stream) => stream.session!.destroy()],
  ['the end of the connection', (_: ServerHttp2Stream, socket: Socket) => socket.end()],
  ['a reset of the connection', (_: ServerHttp2Stream, socket: Socket) => socket.resetAndDestroy()],
] as const)('%s midway is a truncated body on HTTP/2, too', async ([, breakOff]) => {
  const pems = await certificate()
  let raw!: Socket
  let midway!: ServerHttp2Stream
  const server = createSecureServer({ key: pems.private, cert: pems.cert })
  server.on('connection', (socket) => {
    raw = socket
  })
  server.on('session', (session) => session.on('error', () => {}))
  server.on('stream', (stream) => {
    midway = stream
    stream.on('error', () => {})
    stream.respond({ ':status': 200 })
    stream.write('half')
  })
  const origin = await listen(server, 'https')
  const response = await open({ ca: pems.cert })(get(origin))
  breakOff(midway, raw)
  expect(await caught(textOf(response))).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
})

test('a certificate that is not trusted is no matter of retrying', async () => {
  const pems = await certificate()
  const origin = await listen(createSecureServer({ key: pems.private, cert: pems.cert }), 'https')
  const error = await caught(open()(get(origin)))
  expect(error).toMatchObject({
    code: 'TRANSPORT_FAILED',
    recovery: 'fix-config',
    causeCode: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    sent: false,
  })
  // Newer Nodes add advice to OpenSSL's words.
  expect(error.message).toMatch(/^https:.*: self-signed certificate.* \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/)
  expect(error.message).toContain(`${origin}/: `)
})

test('a refused connection says so, and that nothing was sent; the query is not shown', async () => {
  const server = createTcpServer()
  const origin = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  const error = await caught(open()(get(`${origin}/items?api_key=hush`)))
  expect(error).toBeInstanceOf(TransportError)
  expect(error).toMatchObject({ recovery: 'retry', causeCode: 'ECONNREFUSED', sent: false })
  expect(error.message).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/items: connect ECONNREFUSED .* \(ECONNREFUSED\)$/,
  )
})

test('a reset before the headers is a failure after sending', async () => {
  const origin = await serve((request) => request.socket.resetAndDestroy())
  const error = await caught(open()(get(origin)))
  expect(error).toMatchObject({
    code: 'TRANSPORT_FAILED',
    recovery: 'retry',
    causeCode: 'ECONNRESET',
    sent: true,
  })
  expect(error.message).toBe(`${origin}/: read ECONNRESET (ECONNRESET)`)
})

test('a connection that is closed without an answer is a failure after sending', async () => {
  const origin = await serve((request) => request.socket.end())
  const error = await caught(open()(get(origin)))
  expect(error).toMatchObject({ code: 'TRANSPORT_FAILED', causeCode: 'UND_ERR_SOCKET', sent: true })
  expect(error.message).toBe(`${origin}/: other side closed (UND_ERR_SOCKET)`)
})

test('what is no HTTP at all is a transport failure', async () => {
  const origin = await listen(createTcpServer((socket) => socket.end('220 mail.test ESMTP\r\n')))
  expect((await caught(open()(get(origin)))).message).toMatch(/does not match the HTTP.* \(\w+\)$/)
})

test.for([
  ['a reset', (response: ServerResponse) => response.socket!.resetAndDestroy()],
  ['a close', (response: ServerResponse) => response.socket!.end()],
] as const)('%s midway is a truncated body, with what had arrived', async ([, breakOff]) => {
  let midway!: ServerResponse
  const origin = await serve((_, response) => {
    midway = response
    response.writeHead(200, { 'content-length': '1000' }).write('0123456789')
  })
  const response = await open()(get(origin))
  breakOff(midway)
  const error = await caught(textOf(response))
  expect(error).toBeInstanceOf(BodyTruncatedError)
  expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
  expect(error.message).toMatch(/the body broke off: \S/)
})

// PEERS: dlt test_requests exceptions retried
test('a chunked body that misses its end is truncated', async () => {
  let midway!: ServerResponse
  const origin = await serve((_, response) => {
    midway = response
    response.write('part')
  })
  const response = await open()(get(origin))
  midway.socket!.end()
  expect(await caught(textOf(response))).toBeInstanceOf(BodyTruncatedError)
})

// PEERS: dlt #1583
// PEERS: Airbyte event no answer
// PEERS: Airbyte lacks HTTP timeout
test('headers that do not come in time are a timeout that says which and how long', async () => {
  const origin = await serve(() => {})
  const transport = open({ timeouts: { headers: 30 } })
  const error = await caught(transport(get(`${origin}/slow`)))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error).toMatchObject({
    code: 'TIMEOUT',
    recovery: 'retry',
    phase: 'headers',
    limitMs: 30,
    sent: true,
  })
  expect(error.message).toBe(
    `${origin}/slow: no response headers arrived within 30 ms; if the API is known to be slow, raise timeouts.headers`,
  )
})

// PEERS: dlt client.session
// PEERS: dlt settings are global
// PEERS: airbyte-python-cdk#1148
test("a body that stalls is a timeout, also by the request's own limits", async () => {
  const origin = await serve((_, response) => void response.write('part'))
  const timeouts = { connect: 1000, headers: 1000, body: 30 }
  const response = await open()({ ...get(origin), timeouts })
  expect((await caught(textOf(response))).message).toBe(
    `${origin}/: no further byte of the body arrived within 30 ms; if the API is known to be slow, raise timeouts.body`,
  )
})

// PEERS: Airbyte event no answer
test('a connection that is never made is a timeout, and nothing was sent', async () => {
  // Takes connections, and never answers the TLS handshake.
  const origin = await listen(createTcpServer(), 'https')
  const error = await caught(open({ timeouts: { connect: 30 } })(get(origin)))
  expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', sent: false })
  expect(error.message).toContain('no connection was made within 30 ms')
})

test('an abort rejects with its reason, before the headers and within the body', async () => {
  const abort = new AbortController()
  const origin = await serve((request, response) => {
    if (request.url === '/body') response.write('part')
    else abort.abort(new Error('called off'))
  })
  const transport = open()
  await expect(transport(get(`${origin}/headers`), abort.signal)).rejects.toThrow('called off')
  await expect(transport(get(`${origin}/headers`), abort.signal)).rejects.toThrow('called off')
  const second = new AbortController()
  const response = await transport(get(`${origin}/body`), second.signal)
  const reading = textOf(response)
  second.abort(new Error('called off, too'))
  await expect(reading).rejects.toThrow('called off, too')
})

test('a closed transport refuses', async () => {
  const transport = undiciTransport()
  await transport.close()
  expect((await caught(transport(get('http://127.0.0.1:1/')))).message).toBe(
    'http://127.0.0.1:1/: the transport is closed (CLOSED)',
  )
})

// PEERS: airbyte-python-cdk#1168
test('the timeouts name their defaults', () => {
  expect(timeoutOptions.parse({})).toEqual({ connect: 10_000, headers: 60_000, body: 60_000 })
})

test("the system's runtime tells the time, sleeps, and wakes a sleeper that is aborted", async () => {
  await using transport = systemRuntime().transport
  expect(transport).toBeTypeOf('function')
  const before = systemClock.now()
  await systemClock.sleep(1)
  expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  const abort = new AbortController()
  // Longer than the 32 bits of a timer.
  const asleep = systemClock.sleep(3_000_000_000, abort.signal)
  abort.abort(new Error('awake'))
  await expect(asleep).rejects.toThrow('awake')
  await expect(systemClock.sleep(1, abort.signal)).rejects.toThrow('awake')
})
