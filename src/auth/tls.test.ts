import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { messageOf } from '../../test/auth/auth-bench.ts'
import { ecKeys, edKeys, pemOf } from '../../test/auth/keys.ts'
import { type OpenClientOptions, openClient } from '../config/open-client.ts'
import { systemRuntime } from '../http/system-runtime.ts'
import { env } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { oauth2 } from './oauth2.ts'
import { tlsOptions, withTls } from './tls.ts'

interface Pems {
  readonly private: string
  readonly cert: string
}
const make = (name: string): Promise<Pems> =>
  generate([{ name: 'commonName', value: name }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
let own: Pems
let ann: Pems
let bob: Pems
beforeAll(async () => {
  ;[own, ann, bob] = await Promise.all([make('127.0.0.1'), make('ann'), make('bob')])
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Asks for a certificate, and answers with its name; as a token endpoint, too. */
async function api(trusted: readonly string[]): Promise<{ origin: string; seen: string[] }> {
  const seen: string[] = []
  const server = createSecureServer(
    {
      key: own.private,
      cert: own.cert,
      ca: [...trusted],
      requestCert: true,
      allowHTTP1: true,
      // The newest version lets a client speak before it tells it of the refusal.
      maxVersion: 'TLSv1.2',
    },
    (request, response) => {
      const name = (request.socket as TLSSocket).getPeerCertificate().subject.CN
      seen.push(`${request.url} ${String(name)}`)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name, access_token: 'bound-token' }))
    },
  )
  return { origin: `https://127.0.0.1:${await listen(server)}`, seen }
}

function client(options: OpenClientOptions, variables: Record<string, string> = {}, directory = '/') {
  const runtime = systemRuntime()
  cleanups.push(() => runtime.transport.close())
  return openClient(
    'bank',
    { retry: { maxAttempts: 1 }, ...options },
    {
      runtime,
      directory,
      lookup: (name) => variables[name],
    },
  )
}
const ask = (asked: ReturnType<typeof client>) =>
  asked.request({ method: 'GET', url: 'who', query: {}, headers: {} }, async (response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    return JSON.parse(Buffer.concat(chunks).toString()).name
  })

// PEERS: dlt lacks mutual TLS
// PEERS: dlt test_client settings of one call
test('each source shows its own certificate, on connections of its own, though they share a transport', async () => {
  const { origin } = await api([ann.cert, bob.cert])
  const runtime = systemRuntime()
  cleanups.push(() => runtime.transport.close())
  const open = (name: string, pems: Pems) =>
    openClient(
      name,
      { baseUrl: origin, tls: { cert: pems.cert, key: pems.private, ca: own.cert } },
      { runtime },
    )
  const [one, other] = [open('one', ann), open('other', bob)]
  expect(await Promise.all([ask(one), ask(other), ask(one), ask(other)])).toEqual([
    'ann',
    'bob',
    'ann',
    'bob',
  ])
})

test('certificate and key come from variables, from base64, or from files beside the pipeline', async () => {
  const { origin } = await api([ann.cert])
  const directory = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
  cleanups.push(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'ann.pem'), ann.cert)
  await writeFile(join(directory, 'ann.key'), ann.private)
  const variables = {
    CERT: ann.cert.replaceAll('\n', '\\n'),
    KEY: ann.private.replaceAll('\n', '\\n'),
    CERT64: Buffer.from(ann.cert).toString('base64'),
    KEY64: Buffer.from(ann.private).toString('base64'),
  }
  for (const tls of [
    { cert: env('CERT'), key: env('KEY') },
    { cert: env('CERT64'), key: env('KEY64') },
    { cert: 'ann.pem', key: 'ann.key' },
  ]) {
    const options = { baseUrl: origin, tls: { ...tls, ca: own.cert } }
    expect(await ask(client(options, variables, directory))).toBe('ann')
  }
})

test('a server that is given no certificate, or one that it does not trust, is told of', async () => {
  const { origin, seen } = await api([ann.cert])
  const message = await messageOf(ask(client({ baseUrl: origin, tls: { ca: own.cert } })))
  expect(message).toContain(
    `${origin}/who: the server refused the TLS handshake: it asks for a client certificate, or does not take the one that it was shown; see \`tls\` of the source`,
  )
  // Each OpenSSL names it in its own way.
  expect(message).toMatch(/\(ERR_SSL_SSL(V3|\/TLS)_ALERT_HANDSHAKE_FAILURE\)$/)
  const unknown = { cert: bob.cert, key: bob.private, ca: own.cert }
  await expect(ask(client({ baseUrl: origin, tls: unknown }))).rejects.toThrow(`${origin}/who: `)
  expect(seen).toEqual([])
})

// PEERS: dlt test_client CA bundle
// PEERS: dlt client.session
test('a server with a certificate of its own is trusted by `ca` alone, and the well-known ones stay trusted', async () => {
  const { origin } = await api([ann.cert])
  const tls = { cert: ann.cert, key: ann.private }
  expect(await messageOf(ask(client({ baseUrl: origin, tls })))).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
  expect(await ask(client({ baseUrl: origin, tls: { ...tls, ca: own.cert } }))).toBe('ann')
})

test('the request for a token shows the certificate, too (RFC 8705)', async () => {
  const { origin, seen } = await api([ann.cert])
  const auth = oauth2({
    grant: 'client_credentials',
    tokenUrl: `${origin}/token`,
    clientId: 'app',
    clientSecret: 'secret-1',
  })
  await ask(client({ baseUrl: origin, auth, tls: { cert: ann.cert, key: ann.private, ca: own.cert } }))
  expect(seen).toEqual(['/token ann', '/who ann'])
})

test('a source without a certificate does not go over the connection of one that has it', async () => {
  const { origin, seen } = await api([ann.cert])
  const runtime = systemRuntime()
  cleanups.push(() => runtime.transport.close())
  const tls = { cert: ann.cert, key: ann.private, ca: own.cert }
  expect(await ask(openClient('bank', { baseUrl: origin, tls }, { runtime }))).toBe('ann')
  const bare = openClient('bare', { baseUrl: origin, retry: { maxAttempts: 1 } }, { runtime })
  await expect(ask(bare)).rejects.toThrow(`${origin}/who: `)
  expect(seen).toEqual(['/who ann'])
})

/** What the first request says, and what it would have sent. */
async function firstRequest(tls: object, { now = 0, variables = {} as Record<string, string> } = {}) {
  const requests: HttpRequest[] = []
  const runtime = {
    clock: fakeClock({ start: now }),
    random: () => 0,
    transport: scriptedTransport([(request) => ({ body: { name: String(requests.push(request)) } })]),
  }
  const asked = openClient(
    'bank',
    { baseUrl: 'https://bank.test', tls },
    {
      runtime,
      directory: '/nowhere',
      lookup: (name) => variables[name],
    },
  )
  await ask(asked)
  return requests[0]!
}

test('what cannot be used is told by its option, and no key is quoted', async () => {
  const said = (tls: object, more = {}) => messageOf(firstRequest(tls, more))
  const key = ann.private
  expect(await said({ cert: ann.cert, key: bob.private })).toBe(
    'sources.bank.tls.key: the private key is not that of the certificate',
  )
  expect(await said({ cert: 'ann.pem', key })).toBe(
    'sources.bank.tls.cert: the file "ann.pem" can\'t be read (ENOENT): write PEM, base64 of that, or the path of a file with it',
  )
  const headless = pemOf(ecKeys('P-521').privateKey)
    .replaceAll(/-----[^-]+-----/g, '')
    .replaceAll('\n', '')
  expect(await said({ cert: ann.cert, key: env('KEY') }, { variables: { KEY: headless } })).toMatch(
    /^sources\.bank\.tls\.key: the value can't be read \((ENOENT|ENAMETOOLONG)\): write PEM/,
  )
  expect(await said({ cert: key, key })).toBe(
    'sources.bank.tls.cert: this is no certificate: write PEM, base64 of that, or the path of a file with it',
  )
  expect(await said({ cert: ann.cert, key }, { now: Date.parse('2200-01-01') })).toMatch(
    /^sources\.bank\.tls\.cert: the certificate ended at 20\d\d-.*Z: renew it$/,
  )
})

test('an encrypted key is opened, and the server may go by another name', async () => {
  const encrypted = createPrivateKey(ann.private).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'open',
  })
  const tls = { cert: ann.cert, key: String(encrypted), serverName: 'inner.bank.test' }
  const now = { now: Date.now() }
  expect((await firstRequest({ ...tls, passphrase: 'open' }, now)).tls).toEqual({
    cert: ann.cert,
    key: pemOf(createPrivateKey(ann.private)),
    serverName: 'inner.bank.test',
  })
  expect(await messageOf(firstRequest(tls, now))).toBe(
    'sources.bank.tls.key: the private key is encrypted: set its passphrase',
  )
})

test.each([
  [{ cert: 'c' }, 'key', 'a certificate needs its private key'],
  [{ key: 'k' }, 'cert', 'a private key needs its certificate'],
  [{ passphrase: 'p' }, 'key', 'there is no key for the passphrase'],
])('half of a pair is refused: %#', (options, path, message) => {
  expect(tlsOptions.safeParse(options).error?.issues).toMatchObject([{ path: [path], message }])
})

test('one file may hold the certificate and its key', async () => {
  const { origin } = await api([ann.cert])
  const both = `${ann.cert}\n${ann.private}`
  expect(await ask(client({ baseUrl: origin, tls: { cert: both, key: both, ca: own.cert } }))).toBe('ann')
})

test('a short key that was pasted without its first line is not taken for a path that may be quoted (S1)', async () => {
  const key = edKeys().privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const runtime = { clock: fakeClock(), transport: scriptedTransport([]), random: () => 0 }
  const around = { lookup: () => undefined, onSecret() {}, source: 'bank', directory: '/' }
  const shown = withTls(tlsOptions.parse({ cert: ann.cert, key }), runtime, around)
  const message = await messageOf(shown.transport({ method: 'GET', url: 'https://api.test/', headers: {} }))
  expect(message).toBe(
    "sources.bank.tls.key: the value can't be read (ENOENT): write PEM, base64 of that, or the path of a file with it",
  )
})
