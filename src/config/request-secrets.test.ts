import fc from 'fast-check'
import { expect, test } from 'vitest'
import { env } from '../options/secret.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { RestOptions, StreamInput } from '../source/rest-options.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { openSource } from './open-source.ts'
import { definePipeline } from './pipeline.ts'
import { requireSecrets } from './secrets.ts'

const values: Record<string, string> = {
  TOKEN: '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw',
  QUOTED: 'pass"word\\with&marks=+',
  SHORT: 'xy1',
  FOREIGN: 'naïve ☃',
}

async function open(
  stream: StreamInput,
  replies: readonly ScriptedReply[],
  source: Partial<RestOptions> = {},
) {
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  const opened = await openSource(
    'desk',
    { type: 'rest', baseUrl: 'https://api.test', ...source, streams: { items: stream } },
    {
      runtime: { transport, clock: fakeClock({ auto: true }), random: () => 0 },
      lookup: (name) => values[name],
      onEvent: (event) => events.push(event),
    },
  )
  const [items] = opened.streams
  const pages: unknown[] = []
  const read = async () => {
    for await (const slice of items!.slices(new Map(), {}))
      await items!.read(slice, {
        signal: new AbortController().signal,
        emit: async (page) => void pages.push(page),
      })
  }
  const preview = async () => {
    for await (const slice of items!.slices(new Map(), {})) return items!.preview(slice)
    return undefined
  }
  return { transport, events, read, preview, pages }
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  )
const none = { type: 'none' } as const

test('S1: a secret in the path is sent, and shown by the name of its variable', async () => {
  const { read, preview, transport, events } = await open(
    { path: `bot\${env:TOKEN}/getUpdates?limit=1`, paginate: none },
    [
      { status: 503, body: 'no' },
      { status: 404, body: { description: `bot${values['TOKEN']} is gone` } },
    ],
  )
  expect((await preview())?.url).toBe('https://api.test/bot***TOKEN***/getUpdates?limit=1')
  const error = await caught(read())
  expect(error.message).toBe(
    'GET https://api.test/bot***TOKEN***/getUpdates?limit=1 answered 404: bot*** is gone (check baseUrl and path)',
  )
  expect(transport.requests.map(({ url }) => url)).toEqual(
    Array(2).fill(`https://api.test/bot${encodeURIComponent(values['TOKEN']!)}/getUpdates?limit=1`),
  )
  expect(events.length).toBeGreaterThan(1)
  expect(JSON.stringify([events, error, error.stack])).not.toContain('AAHdqTcv')
})

// PEERS: Airbyte ApiKeyAuthenticator
test('S1: secrets in a JSON body are sent as they are, and shown in no preview, event or error', async () => {
  const body = { auth: { password: env('QUOTED'), pin: `pin-\${env:SHORT}` }, list: [env('TOKEN'), 1, null] }
  const { read, preview, transport, events } = await open({ path: 'search', body, paginate: none }, [
    { status: 400, body: `what is ${values['QUOTED']}?` },
  ])
  expect(await preview()).toMatchObject({
    method: 'POST',
    body: '{"auth":{"password":"***QUOTED***","pin":"pin-***SHORT***"},"list":["***TOKEN***",1,null]}',
  })
  const error = await caught(read())
  expect(JSON.parse(String(transport.requests[0]?.body))).toEqual({
    auth: { password: values['QUOTED'], pin: 'pin-xy1' },
    list: [values['TOKEN'], 1, null],
  })
  expect(JSON.stringify([events, error, error.message])).not.toMatch(/AAHdq|pass.{1,3}word/)
})

// PEERS: dlt test_offline five kinds of body
// PEERS: Airbyte RequestBodyPlainText
test('secrets in a form and in a raw body are encoded as each wants it', async () => {
  const form = await open(
    {
      path: 'search',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { password: env('QUOTED'), nested: { pin: env('SHORT') } },
      paginate: none,
    },
    [{ body: [] }],
  )
  await form.read()
  expect([...new URLSearchParams(String(form.transport.requests[0]?.body))]).toEqual([
    ['password', values['QUOTED']],
    ['nested[pin]', 'xy1'],
  ])
  const raw = await open(
    {
      path: 'search',
      headers: { 'content-type': 'text/plain' },
      body: `key: \${env:QUOTED}`,
      paginate: none,
    },
    [{ body: [] }],
  )
  await raw.read()
  expect(raw.transport.requests[0]?.body).toBe(`key: ${values['QUOTED']}`)
})

test('any secret arrives whole, in each language of a body and in the path', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (secret) => {
      fc.pre(!/[\0-\x1f\x7f]/.test(secret) && secret !== '.' && secret !== '..')
      values['ANY'] = secret
      const { read, transport } = await open(
        { path: `a-\${env:ANY}/b`, body: { a: [`<\${env:ANY}>`] }, paginate: none },
        [{ body: [] }],
      )
      await read()
      const [request] = transport.requests
      expect(decodeURIComponent(new URL(request!.url).pathname)).toBe(`/a-${secret}/b`)
      expect(JSON.parse(String(request!.body))).toEqual({ a: [`<${secret}>`] })
    }),
    { numRuns: 50 },
  )
})

test('a text may hold a secret and a placeholder, in every part', async () => {
  const { read, preview, transport } = await open(
    {
      path: `\${env:SHORT}/since/{cursor.value}`,
      query: { q: `key=\${env:QUOTED};at={cursor.value}`, key: env('TOKEN') },
      headers: { 'x-scope': `{cursor.value} \${env:SHORT}`, 'x-key': env('SHORT') },
      body: { at: `\${env:SHORT}@{cursor.value}` },
      paginate: none,
      incremental: { by: 'id', field: 'id', start: 5 },
    },
    [{ body: [] }],
  )
  expect(await preview()).toEqual({
    method: 'POST',
    url: 'https://api.test/***SHORT***/since/5?q=key%3D***QUOTED***%3Bat%3D5&key=***',
    headers: { 'x-scope': '5 ***SHORT***', 'x-key': '***' },
    body: '{"at":"***SHORT***@5"}',
  })
  await read()
  const [request] = transport.requests
  expect(request).toMatchObject({
    headers: { 'x-scope': '5 xy1', 'x-key': 'xy1' },
    body: '{"at":"xy1@5"}',
  })
  const url = new URL(request!.url)
  expect(url.pathname).toBe('/xy1/since/5')
  expect([...url.searchParams]).toEqual([
    ['q', `key=${values['QUOTED']};at=5`],
    ['key', values['TOKEN']],
  ])
})

test('S1: a next link that repeats a secret of the path is not stored', async () => {
  const { read, pages } = await open(
    { path: `bot\${env:TOKEN}/items`, records: 'data', paginate: { type: 'next-url', url: 'next' } },
    [{ body: { data: [{ id: 1 }], next: `https://api.test/bot${values['TOKEN']}/items?page=2` } }],
  )
  const error = await caught(read())
  expect(error.message).toContain(
    "this next link holds the source's credential elsewhere than in a query parameter",
  )
  expect(JSON.stringify([pages, error.message])).not.toContain('AAHdq')
})

test('a secret that a header cannot carry is refused with its place', async () => {
  const { read } = await open(
    {
      path: 'items',
      headers: { 'x-a': `{cursor.value}\${env:FOREIGN}` },
      paginate: none,
      incremental: { by: 'id', field: 'id', start: 5 },
    },
    [],
  )
  expect((await caught(read())).message).toBe(
    'sources.desk.streams.items.headers["x-a"]: the value holds a character that an HTTP header cannot carry: check that the right secret was set',
  )
})

test('a run that lacks a secret of a path or a body is refused before it begins', () => {
  const pipeline = definePipeline({
    name: 'p',
    destination: { type: 'duckdb', path: 'x.duckdb' },
    sources: {
      desk: {
        type: 'rest',
        baseUrl: 'https://api.test',
        streams: {
          items: { path: `\${env:NO_PATH}/x`, body: { a: [env('NO_BODY')] }, paginate: none },
          graph: {
            path: 'g',
            graphql: { query: '{ a }', variables: { a: env('NO_VARIABLE') } },
            paginate: none,
          },
        },
      },
    },
  })
  expect(() => requireSecrets(pipeline, () => undefined)).toThrow(
    /items\.path: the environment variable NO_PATH is not set[\s\S]*items\.body\.a\[0\]: NO_BODY is not set[\s\S]*graph\.graphql\.variables\.a: NO_VARIABLE is not set/,
  )
})

test("a body's own references are left to it", async () => {
  const body = { script: `\${name} and \${env.X}` }
  const { read, transport } = await open({ path: 'items', body, paginate: none }, [{ body: [] }])
  await read()
  expect(JSON.parse(String(transport.requests[0]?.body))).toEqual(body)
})
