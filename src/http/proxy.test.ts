// Proxies as they are: a server that opens tunnels (CONNECT) and passes absolute addresses on. The API's host exists behind it alone.
import {
  createServer,
  type IncomingMessage,
  request as passOn,
  type RequestListener,
  type Server,
} from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, type Socket, type Server as TcpServer } from 'node:net'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type OpenClientOptions, openClient } from '../config/open-client.ts'
import { definePipeline } from '../config/pipeline.ts'
import type { Client } from './client.ts'
import { systemRuntime } from './system-runtime.ts'

const host = 'api.example.test'
let pem: { private: string; cert: string }
beforeAll(async () => {
  pem = await generate([{ name: 'commonName', value: host }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

interface Seen {
  readonly url: string
  readonly version: string
  readonly headers: IncomingMessage['headers']
}

/** An API that answers `{"token_type":"bearer",…}` to all, over TLS or without. */
async function api(kind: 'tls' | 'plain', body: unknown = { ok: true }, status = 200) {
  const seen: Seen[] = []
  const answer: RequestListener = (request, response) => {
    seen.push({ url: request.url!, version: request.httpVersion, headers: request.headers })
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server =
    kind === 'plain'
      ? createServer(answer)
      : createSecureServer({ key: pem.private, cert: pem.cert, allowHTTP1: true }, answer as never)
  return { port: await listen(server), seen }
}

interface ProxyManners {
  /** Where everything is passed on to. */
  readonly port?: number
  /** `user:password` that it asks for. */
  readonly wants?: string
  /** Answered in place of passing anything on. */
  readonly status?: number
  /** Never answers. */
  readonly silent?: boolean
}

async function proxy({ port = 0, wants, status, silent = false }: ProxyManners) {
  const asked: string[] = []
  const refusal = ({ headers }: IncomingMessage) => {
    if (status !== undefined) return status
    const expected = wants && `Basic ${Buffer.from(wants).toString('base64')}`
    return headers['proxy-authorization'] === expected ? undefined : 407
  }
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const refused = refusal(request)
    if (refused !== undefined) return void response.writeHead(refused).end()
    const { 'proxy-authorization': _, ...headers } = request.headers
    const path = new URL(request.url!).pathname
    request.pipe(
      passOn({ port, path, method: request.method!, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
      }),
    )
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.on('error', () => {})
    if (silent) return
    const refused = refusal(request)
    if (refused !== undefined) return void socket.end(`HTTP/1.1 ${refused} No\r\n\r\n`)
    const through = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    through.on('error', () => socket.destroy())
    cleanups.push(() => through.destroy())
  })
  const at = await listen(server)
  return { address: `127.0.0.1:${at}`, url: `http://127.0.0.1:${at}`, asked }
}

function client(options: OpenClientOptions, variables: Record<string, string> = {}): Client {
  const runtime = systemRuntime()
  cleanups.push(() => runtime.transport.close())
  const lookup = (name: string) => variables[name]
  return openClient('shop', { retry: { maxAttempts: 1 }, ...options }, { runtime, lookup })
}
const secure = (more: object = {}): OpenClientOptions => ({
  baseUrl: `https://${host}/v1`,
  tls: { ca: pem.cert },
  ...more,
})
const ask = (asked: Client) =>
  asked.request({ method: 'GET', url: 'items', query: {}, headers: {} }, async (response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  })
const failure = (asked: Client) =>
  ask(asked).then(
    () => expect.unreachable('it should have failed'),
    (error: Error & { recovery?: string; code?: string }) => error,
  )
const variable = (name: string) => `\${env:${name}}`

test('an API over TLS is reached by a tunnel, in HTTP/2, and its certificate is checked', async () => {
  const { port, seen } = await api('tls')
  const through = await proxy({ port })
  const asked = client(secure({ proxy: through.url }))
  expect(await Promise.all([ask(asked), ask(asked)])).toEqual(['{"ok":true}', '{"ok":true}'])
  expect(new Set(through.asked)).toEqual(new Set([`CONNECT ${host}:443`]))
  expect(seen.map(({ url, version }) => `${version} ${url}`)).toEqual(['2.0 /v1/items', '2.0 /v1/items'])
  const untrusting = await failure(client({ ...secure({ proxy: through.url }), tls: {} }))
  expect(untrusting).toMatchObject({ code: 'TRANSPORT_FAILED', recovery: 'fix-config' })
  expect(untrusting.message).toMatch(
    new RegExp(`^https://${host}/v1/items: by the proxy http://127.*certificate`),
  )
})

test('an API without TLS is asked for by its whole address, without a tunnel', async () => {
  const { port, seen } = await api('plain')
  const through = await proxy({ port, wants: 'me:hush' })
  const asked = client({ baseUrl: `http://${host}/v1`, proxy: `http://me:hush@${through.address}` })
  expect(await ask(asked)).toBe('{"ok":true}')
  expect(through.asked).toEqual([`GET http://${host}/v1/items`])
  expect(seen[0]).toMatchObject({ url: '/v1/items', headers: { host } })
})

test('S1: a credential from variables goes to the proxy and not to the API, and is struck out where it comes back', async () => {
  const { port, seen } = await api('tls', { message: 'I heard p@ss of p%40ss' }, 400)
  const through = await proxy({ port, wants: 'me:p@ss' })
  const spelled = `http://${variable('WHO')}:${variable('PASS')}@${through.address}`
  const { message } = await failure(client(secure({ proxy: spelled }), { WHO: 'me', PASS: 'p%40ss' }))
  expect(message).toContain('I heard *** of ***')
  expect(seen[0]!.headers).not.toHaveProperty('proxy-authorization')
})

test.each(['tls', 'plain'] as const)(
  'a proxy that wants a credential is told from the API, and what to write is said (%s)',
  async (kind) => {
    const { port, seen } = await api(kind)
    const through = await proxy({ port, wants: 'me:right' })
    const source = kind === 'tls' ? secure() : { baseUrl: `http://${host}/v1` }
    const patient = { retry: { maxAttempts: 3, firstDelay: '1ms' } }
    const without = await failure(client({ ...source, ...patient, proxy: through.url }))
    expect(without).toMatchObject({ code: 'TRANSPORT_FAILED', recovery: 'fix-config', sent: false })
    expect(without.message).toBe(
      `${new URL(source.baseUrl as string).origin}/v1/items: the proxy ${through.url} wants a credential (407): put it into its address, as in "http://${variable('PROXY_USER')}:${variable('PROXY_PASSWORD')}@${through.address}", in \`proxy\` of the source or in the variable that names it (PROXY_407)`,
    )
    expect(through.asked).toHaveLength(1)
    const wrong = await failure(client({ ...source, proxy: `http://me:wrong-one@${through.address}` }))
    expect(wrong.message).toContain(
      `the proxy ${through.url} refuses the credential that its address holds (407): correct it`,
    )
    expect(wrong.message).not.toContain('wrong-one')
    expect(seen).toEqual([])
  },
)

test.each([
  [403, 'fix-config'],
  [502, 'retry'],
])('a proxy that answers %i in place of a tunnel is named (%s)', async (status, recovery) => {
  const through = await proxy({ status })
  const error = await failure(client(secure({ proxy: through.url, retry: { maxAttempts: 1 } })))
  const cause = recovery === 'retry' ? (error.cause as typeof error) : error
  expect(cause).toMatchObject({ code: 'TRANSPORT_FAILED', recovery })
  expect(error.message).toContain(
    `the proxy ${through.url} answered ${status} in place of connecting to the API (PROXY_${status})`,
  )
})

test('a proxy that is down, or never answers, is named', async () => {
  const down = await failure(client(secure({ proxy: 'http://127.0.0.1:9' })))
  expect(down.message).toMatch(/by the proxy http:\/\/127\.0\.0\.1:9: connect ECONNREFUSED/)
  const through = await proxy({ silent: true })
  const silent = await failure(client(secure({ proxy: through.url, timeouts: { connect: '50ms' } })))
  expect(silent.message).toContain(`by the proxy ${through.url}: no connection was made within 50 ms`)
})

test('requests for tokens go through the proxy, too', async () => {
  const { port, seen } = await api('tls', { access_token: 'a-token', token_type: 'bearer' })
  const through = await proxy({ port })
  const auth = {
    type: 'oauth2' as const,
    grant: 'client_credentials' as const,
    tokenUrl: `https://${host}/token`,
    clientId: 'me',
    clientSecret: 'a-secret',
  }
  await ask(client(secure({ proxy: through.url, auth })))
  expect(seen.map(({ url }) => url)).toEqual(['/token', '/v1/items'])
})

test('the environment names the proxy of a source that names none; `none` asks directly', async () => {
  const { port } = await api('tls')
  const through = await proxy({ port })
  vi.stubEnv('https_proxy', through.url)
  vi.stubEnv('no_proxy', '')
  expect(await ask(client(secure()))).toBe('{"ok":true}')
  expect(through.asked).toEqual([`CONNECT ${host}:443`])
  const direct = await failure(client(secure({ proxy: 'none' })))
  expect(direct.message).toMatch(/ENOTFOUND|EAI_AGAIN/)
  expect(through.asked).toHaveLength(1)
  vi.stubEnv('no_proxy', '.example.test')
  expect((await failure(client(secure()))).message).toMatch(/ENOTFOUND|EAI_AGAIN/)
})

test.each([
  ['proxy.example.com:3128', 'a proxy is spoken to by http or https: write "http://proxy'],
  ['socks5://me:hush@proxy.example.com', 'a proxy is spoken to by http or https, not by socks5'],
  ['http://me:hush@proxy.example.com/x', 'the address of a proxy ends with its port'],
  ['me:hush', 'a proxy is spoken to by http or https'],
  [3128, '***'],
])('S1: %j is refused when the pipeline is loaded, and not quoted', (value, problem) => {
  const load = () =>
    definePipeline({
      name: 'shop',
      destination: { type: 'duckdb', path: 'w.duckdb' },
      sources: {
        shop: {
          type: 'rest',
          baseUrl: 'https://api.example.com',
          proxy: value as string,
          streams: { items: { path: 'items', paginate: { type: 'none' }, key: 'id' } },
        },
      },
    })
  expect(load).toThrow(/^sources\.shop\.proxy: /)
  expect(load).toThrow(problem)
  expect(load).not.toThrow('hush')
})

test('a variable that holds no address of a proxy is refused by its option, and not quoted', async () => {
  const { message } = await failure(client(secure({ proxy: variable('P') }), { P: 'ftp://me:hush@x' }))
  expect(message).toContain('sources.shop.proxy: a proxy is spoken to by http or https, not by ftp')
  expect(message).not.toContain('hush')
})
