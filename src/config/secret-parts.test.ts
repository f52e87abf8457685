import { expect, test } from 'vitest'
import { env } from '../options/secret.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { RestOptions } from '../source/rest-options.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { openClient } from './open-client.ts'
import { openSource } from './open-source.ts'
import { definePipeline } from './pipeline.ts'
import { requireSecrets } from './secrets.ts'

const paginate = { type: 'none' as const }
const values: Record<string, string> = {
  KEY: 'very secret key',
  TENANT: 'tenant-of-acme',
  SHORT: 'xy1',
  BROKEN: 'two\nlines',
  FOREIGN: 'naïve ☃',
}

async function open(options: Partial<RestOptions>, replies: readonly ScriptedReply[]) {
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  const looked: string[] = []
  const source = await openSource(
    'desk',
    {
      type: 'rest',
      baseUrl: 'https://api.test',
      streams: { items: { path: 'items', paginate } },
      ...options,
    },
    {
      runtime: { transport, clock: fakeClock({ auto: true }), random: () => 0 },
      lookup: (name) => {
        looked.push(name)
        return values[name]
      },
      onEvent: (event) => events.push(event),
    },
  )
  const [stream] = source.streams
  const { signal } = new AbortController()
  const positions: unknown[] = []
  const read = async () => {
    for await (const slice of stream!.slices(new Map(), {}))
      await stream!.read(slice, {
        signal,
        emit: async ({ progress }) => void positions.push(progress?.position),
      })
  }
  const preview = async () => {
    for await (const slice of stream!.slices(new Map(), {})) return stream!.preview(slice)
    return undefined
  }
  return { source, transport, events, looked, read, preview, positions, signal }
}
const sent = ({ url, headers }: HttpRequest) => ({ url, headers })
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  )

// PEERS: dlt client.headers
test('headers and parameters of source and stream may be secrets: the nearer one holds, secret or not', async () => {
  const { read, transport } = await open(
    {
      headers: { 'X-Key': env('KEY'), 'x-tenant': env('TENANT'), 'x-plain': 'plain' },
      query: { key: env('KEY'), tenant: env('TENANT'), list: ['a', env('SHORT')], plain: 1 },
      streams: {
        items: {
          path: 'items?key=old',
          paginate,
          headers: { 'x-tenant': 'own', 'x-plain': `token=\${env:SHORT}` },
          query: { tenant: 'own', plain: env('SHORT') },
        },
      },
    },
    [{ body: [] }],
  )
  await read()
  expect(sent(transport.requests[0]!)).toMatchObject({
    url: 'https://api.test/items?tenant=own&key=very%20secret%20key&list=a&list=xy1&plain=xy1',
    headers: { 'x-key': 'very secret key', 'x-tenant': 'own', 'x-plain': 'token=xy1' },
  })
})

// PEERS: dlt test_client URL redaction
test('S1: secret parts show in no event, error, preview or position, and each following page gets them anew', async () => {
  const next = 'https://api.test/items?page=2&key=very+secret+key&pin=xy1'
  const { read, preview, transport, events, positions } = await open(
    {
      headers: { 'x-key': env('KEY') },
      query: { key: env('KEY'), pin: env('SHORT') },
      streams: { items: { path: 'items', records: 'data', paginate: { type: 'next-url', url: 'next' } } },
    },
    [
      { status: 503, body: 'down for very secret key' },
      { body: { data: [{ id: 1 }], next } },
      { status: 404, body: { error: 'no very%20secret%20key' } },
    ],
  )
  expect(await preview()).toEqual({
    method: 'GET',
    url: 'https://api.test/items?key=***&pin=***',
    headers: { 'x-key': '***' },
  })
  const error = await caught(read())
  expect(error.message).toBe(
    'GET https://api.test/items?page=2 answered 404: no *** (check baseUrl and path)',
  )
  expect(transport.requests.map(({ url }) => url)).toEqual([
    'https://api.test/items?key=very%20secret%20key&pin=xy1',
    'https://api.test/items?key=very%20secret%20key&pin=xy1',
    'https://api.test/items?page=2&key=very%20secret%20key&pin=xy1',
  ])
  expect(positions[0]).toEqual({ at: 'https://api.test/items?page=2' })
  expect(JSON.stringify([events, positions, error, error.stack])).not.toMatch(/very.{1,3}secret|xy1/)
})

test("a source's own check carries its secrets, and so does a client that is opened alone", async () => {
  const { source, transport, signal } = await open(
    { check: 'me', headers: { 'x-key': env('KEY') }, query: { tenant: env('TENANT') } },
    [{ body: {} }],
  )
  await source.check(signal)
  expect(sent(transport.requests[0]!)).toMatchObject({
    url: 'https://api.test/me?tenant=tenant-of-acme',
    headers: { 'x-key': 'very secret key' },
  })
  const alone = scriptedTransport([{}])
  const client = openClient(
    'api',
    { baseUrl: 'https://api.test', headers: { 'x-key': env('KEY') } },
    {
      runtime: { transport: alone, clock: fakeClock({ auto: true }), random: () => 0 },
      lookup: (name) => values[name],
    },
  )
  await client.request({ method: 'GET', url: 'ping', query: {}, headers: {} }, (response) =>
    response.discard(),
  )
  expect(alone.requests[0]!.headers['x-key']).toBe('very secret key')
})

test.each([
  ['BROKEN', 'sources.desk.headers["x-key"]: the value of BROKEN holds a line break'],
  ['FOREIGN', 'sources.desk.headers["x-key"]: the value holds a character that an HTTP header cannot carry'],
  ['NOT_SET', 'the environment variable NOT_SET is not set'],
])('a secret header that cannot be sent is refused with its place: %s', async (variable, message) => {
  const { read, transport } = await open({ headers: { 'x-key': env(variable) } }, [])
  expect((await caught(read())).message).toContain(message)
  expect(transport.requests).toEqual([])
})

test('a run that lacks a secret header or parameter is refused before it begins, with the place of each', () => {
  const pipeline = definePipeline({
    name: 'p',
    destination: { type: 'duckdb', path: 'x.duckdb' },
    sources: {
      desk: {
        type: 'rest',
        baseUrl: 'https://api.test',
        headers: { 'x-key': `\${env:NO_KEY}` },
        streams: { items: { path: 'items', paginate, query: { list: ['a', env('NO_LIST')] } } },
      },
    },
  })
  expect(() => requireSecrets(pipeline, () => undefined)).toThrow(
    /sources\.desk\.headers\["x-key"\]: the environment variable NO_KEY is not set[\s\S]*sources\.desk\.streams\.items\.query\.list\[1\]: NO_LIST is not set/,
  )
  expect(JSON.stringify(pipeline)).toContain('"x-key":"***"')
})

test('a variable that the destination names is required like those of the sources, unless another one stands in for it', () => {
  const pipeline = definePipeline({
    name: 'p',
    destination: { type: 'postgres', url: env('WAREHOUSE') },
    sources: {
      api: { type: 'rest', baseUrl: 'https://api.test', streams: { items: { path: 'items', paginate } } },
    },
  })
  expect(() => requireSecrets(pipeline, () => undefined)).toThrow(
    /^destination\.url: the environment variable WAREHOUSE is not set/,
  )
  requireSecrets({ sources: pipeline.sources }, () => undefined)
})
