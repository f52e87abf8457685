import { expect, test } from 'vitest'
import { apiKey } from '../auth/api-key.ts'
import { bearer } from '../auth/bearer.ts'
import { none } from '../auth/none.ts'
import { oauth2 } from '../auth/oauth2.ts'
import { memoryTokenStore } from '../auth/token-store.ts'
import { env } from '../options/secret.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { HttpRequest, Runtime } from '../ports/runtime.ts'
import type { Stream } from '../ports/source.ts'
import type { RestOptions, StreamInput } from '../source/rest-options.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { openSource } from './open-source.ts'

const values: Record<string, string> = { A: 'value-of-a', ALSO_A: 'value-of-a', B: 'value-of-b' }
const paginate = { type: 'none' } as const
/** A window of one second holds a request for a millisecond longer. */
const onePerSecond = [{ requests: 1, per: '1s', burst: 1 }]

async function open(
  streams: Record<string, Partial<StreamInput>>,
  more: Partial<RestOptions> = {},
  reply: (request: HttpRequest) => ScriptedReply = () => ({ body: [] }),
) {
  const clock = fakeClock({ start: 0, auto: true })
  const sent: { path: string; at: number; authorization: string | undefined; url: string }[] = []
  const runtime: Runtime = {
    clock,
    random: () => 0,
    async transport(request, signal) {
      const { pathname } = new URL(request.url)
      const { authorization } = request.headers
      sent.push({ path: pathname, at: clock.now(), authorization, url: request.url })
      return scriptedTransport([reply(request)])(request, signal)
    },
  }
  const events: SluiceEvent[] = []
  const source = await openSource(
    'desk',
    {
      type: 'rest',
      baseUrl: 'https://api.test',
      auth: bearer({ token: env('A') }),
      ...more,
      streams: Object.fromEntries(
        Object.entries(streams).map(([name, stream]) => [name, { path: name, paginate, ...stream }]),
      ),
    },
    {
      runtime,
      lookup: (name) => values[name],
      tokenStore: memoryTokenStore(),
      onEvent: (event) => events.push(event),
    },
  )
  return { source, sent, events }
}

async function readAll(streams: readonly Stream[]): Promise<void> {
  const { signal } = new AbortController()
  await Promise.all(
    streams.map(async (stream) => {
      for await (const slice of stream.slices(new Map(), {}))
        await stream.read(slice, { signal, emit: async () => {} })
    }),
  )
}

// PEERS: dlt per-endpoint auth overrides client's
// PEERS: dlt endpoint.auth
// PEERS: Airbyte SelectiveAuthenticator
// PEERS: dlt client.auth
test("a stream's own credential takes the place of the source's, and none sends none", async () => {
  const { source, sent } = await open({
    own: { auth: bearer({ token: env('B') }) },
    open: { auth: none() },
    inherits: {},
    query: { auth: apiKey({ in: 'query', name: 'key', key: env('B') }) },
  })
  await readAll(source.streams)
  const byPath = Object.fromEntries(sent.map(({ path, authorization, url }) => [path, [authorization, url]]))
  expect(byPath).toEqual({
    '/own': ['Bearer value-of-b', 'https://api.test/own'],
    '/open': [undefined, 'https://api.test/open'],
    '/inherits': ['Bearer value-of-a', 'https://api.test/inherits'],
    '/query': [undefined, 'https://api.test/query?key=value-of-b'],
  })
})

test('Q3: another credential is another account, with quotas of its own that its streams share', async () => {
  const other = { auth: bearer({ token: env('B') }) }
  const { source, sent } = await open({ one: {}, two: {}, other, another: other }, { quotas: onePerSecond })
  await readAll(source.streams)
  const times = (...paths: string[]) => sent.filter(({ path }) => paths.includes(path)).map(({ at }) => at)
  expect(times('/one', '/two')).toEqual([0, 1001])
  expect(times('/other', '/another')).toEqual([0, 1001])
})

test('Q3: a stream that says the same credential again stays in the same account', async () => {
  const { source, sent } = await open(
    { one: {}, two: { auth: bearer({ token: env('ALSO_A') }) } },
    { quotas: onePerSecond },
  )
  await readAll(source.streams)
  expect(sent.map(({ at }) => at)).toEqual([0, 1001])
})

test('Q4: what the API reports to one account does not hold back another', async () => {
  let first = true
  const { source, sent } = await open(
    { own: { auth: bearer({ token: env('B') }) }, inherits: {} },
    {},
    ({ headers }) => {
      if (headers['authorization'] !== 'Bearer value-of-b' || !first) return { body: [] }
      first = false
      return { status: 429, headers: { 'retry-after': '30' } }
    },
  )
  const [own, inherits] = source.streams
  await readAll([own!])
  await readAll([inherits!])
  expect(sent.map(({ path, at }) => `${path} ${at}`)).toEqual(['/own 0', '/own 30000', '/inherits 30000'])
  const fresh = await open({ own: { auth: bearer({ token: env('B') }) }, inherits: {} }, {}, ({ headers }) =>
    headers['authorization'] === 'Bearer value-of-b' && fresh.sent.length === 1
      ? { status: 429, headers: { 'retry-after': '30' } }
      : { body: [] },
  )
  await readAll(fresh.source.streams)
  expect(fresh.sent.map(({ path, at }) => `${path} ${at}`)).toEqual(['/own 0', '/inherits 0', '/own 30000'])
})

test("a stream's own token is fetched once for all streams that say it, and renewed after a 401", async () => {
  let token = 0
  const auth = oauth2({
    grant: 'client_credentials',
    tokenUrl: 'https://api.test/token',
    clientId: 'desk',
    clientSecret: env('B'),
  })
  const { source, sent } = await open({ one: { auth }, two: { auth } }, {}, ({ url, headers }) => {
    if (url.endsWith('/token')) return { body: { access_token: `token-${++token}`, token_type: 'bearer' } }
    return headers['authorization'] === 'Bearer token-1' ? { status: 401, body: 'expired' } : { body: [] }
  })
  await readAll(source.streams)
  expect(token).toBe(2)
  expect(
    sent.filter(({ authorization }) => authorization === 'Bearer token-2').map(({ path }) => path),
  ).toEqual(['/one', '/two'])
})

test("S1: a stream's own credential shows nowhere, and a mistake in it names the stream", async () => {
  const { source, events } = await open({ own: { auth: bearer({ token: env('B') }) } }, {}, () => ({
    status: 404,
    body: 'no value-of-b here',
  }))
  const error = await readAll(source.streams).catch((thrown: Error) => thrown)
  expect(String(error)).toContain('answered 404: no *** here')
  expect(JSON.stringify([events, String(error)])).not.toContain('value-of-b')
  values['BROKEN'] = 'two\nlines'
  const broken = await open({ own: { auth: bearer({ token: env('BROKEN') }) } })
  await expect(readAll(broken.source.streams)).rejects.toThrow(
    'sources.desk.streams.own.auth.token: the value of BROKEN holds a line break',
  )
})
