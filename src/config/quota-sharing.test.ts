import { expect, test } from 'vitest'
import { apiKey } from '../auth/api-key.ts'
import { awsSigV4 } from '../auth/aws-sigv4.ts'
import { bearer } from '../auth/bearer.ts'
import { customAuth } from '../auth/custom.ts'
import { jwt } from '../auth/jwt.ts'
import { oauth2 } from '../auth/oauth2.ts'
import { session } from '../auth/session.ts'
import { memoryTokenStore } from '../auth/token-store.ts'
import { env } from '../options/secret.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Source, Stream } from '../ports/source.ts'
import { createQuotaRegistry } from '../quota/registry.ts'
import type { RestOptions } from '../source/rest-options.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { assemblePipeline } from './assemble.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'
import { openSource } from './open-source.ts'
import { definePipeline } from './pipeline.ts'

const baseUrl = 'https://api.test/v2'
const values: Record<string, string> = { A: 'value-of-a', ALSO_A: 'value-of-a', B: 'value-of-b' }
const signer: Parameters<typeof customAuth>[0]['sign'] = (request) => request
const paginate = { type: 'none' as const }
/** A window of one second holds a request for a millisecond longer. */
const onePerSecond = [{ requests: 1, per: '1s', burst: 1 }]

/** An API that notes when it is asked, and answers as `reply` says. */
function api(reply: (path: string) => ScriptedReply = () => ({ body: [] })) {
  const clock = fakeClock({ start: 0, auto: true })
  const sent: string[] = []
  const runtime: Runtime = {
    clock,
    random: () => 0,
    async transport(request, signal) {
      const { pathname } = new URL(request.url)
      sent.push(`${pathname} ${clock.now()}`)
      return scriptedTransport([reply(pathname)])(request, signal)
    },
  }
  const lookup = (name: string) => values[name]
  return { clock, sent, runtime, surroundings: { runtime, lookup, tokenStore: memoryTokenStore() } }
}
const at = (sent: readonly string[]) => sent.map((entry) => Number(entry.split(' ')[1]))

async function readAll(stream: Stream): Promise<void> {
  const { signal } = new AbortController()
  for await (const slice of stream.slices(new Map(), {}))
    await stream.read(slice, { signal, emit: async () => {} })
}
const probe = (sources: readonly Source[]) =>
  Promise.all(sources.map((source) => source.check(new AbortController().signal)))

const source = (more: Partial<RestOptions> = {}): RestOptions => ({
  type: 'rest',
  baseUrl,
  auth: bearer({ token: env('A') }),
  streams: { items: { path: 'items', paginate } },
  ...more,
})

async function assembled(sources: Record<string, RestOptions>, around: ReturnType<typeof api>) {
  const pipeline = definePipeline({ name: 'p', destination: { type: 'duckdb', path: 'x' }, sources } as never)
  const { parts } = await assemblePipeline(pipeline, {
    ...around.surroundings,
    destination: memoryDestination(),
  })
  return parts.sources
}

// PEERS: dlt lacks a rate limiter
// PEERS: Airbyte HTTPAPIBudget
test('Q3: sources of a pipeline that use one credential at one API share its quota, whatever the path of their base URLs', async () => {
  const around = api()
  const sources = await assembled(
    {
      one: source({ quotas: onePerSecond }),
      two: source({
        quotas: onePerSecond,
        baseUrl: 'https://api.test/v3',
        auth: bearer({ token: env('ALSO_A') }),
      }),
    },
    around,
  )
  await probe(sources)
  expect(at(around.sent)).toEqual([0, 1001])
})

test('Q3: where they say different things of it, all of it holds for all of them', async () => {
  const around = api()
  const sources = await assembled(
    { silent: source(), strict: source({ quotas: onePerSecond }), silent2: source() },
    around,
  )
  await probe(sources)
  expect(at(around.sent)).toEqual([0, 1001, 2002])
})

test.each<[string, Partial<RestOptions>]>([
  ['another credential', { auth: bearer({ token: env('B') }) }],
  ['another API', { baseUrl: 'https://other.test/v2' }],
  ['another key in a header', { headers: { 'x-key': env('B') } }],
])('sources that have %s have quotas of their own', async (_name, more) => {
  const around = api()
  const sources = await assembled(
    { one: source({ quotas: onePerSecond }), two: source({ quotas: onePerSecond, ...more }) },
    around,
  )
  await probe(sources)
  expect(at(around.sent)).toEqual([0, 0])
})

// PEERS: dlt lacks coordination after a 429
test('Q3, Q4: what an API reports to one source holds back the others that use its credential', async () => {
  let first = true
  const around = api(() => {
    if (!first) return { body: [] }
    first = false
    return { status: 429, headers: { 'retry-after': '30' } }
  })
  const [one, two] = await assembled({ one: source(), two: source() }, around)
  const asking = probe([one!])
  await around.clock.sleep(1)
  await Promise.all([asking, probe([two!])])
  expect(at(around.sent)).toEqual([0, 30_000, 30_000])
})

// PEERS: Airbyte HttpRequestRegexMatcher
test('Q3: streams of the same method and path share the quota of their endpoint, whoever declares it', async () => {
  const around = api()
  const streams = {
    declares: { path: 'export?kind=a', paginate, quotas: onePerSecond },
    silent: { path: '/v2/export', paginate, query: { kind: 'b' } },
    other: { path: 'items', paginate },
  }
  const [one, two] = await assembled({ one: source({ streams }), two: source({ streams }) }, around)
  await Promise.all([one!, two!].flatMap(({ streams }) => streams.map((stream) => readAll(stream))))
  const times = (path: string) => at(around.sent.filter((entry) => entry.startsWith(path)))
  expect(times('/v2/export')).toEqual([0, 1001, 2002, 3003])
  expect(times('/v2/items')).toEqual([0, 0])
})

test('Q3: clients and sources that are opened side by side share quotas through one registry, and without one do not', async () => {
  const options: OpenClientOptions = { baseUrl, auth: bearer({ token: env('A') }), quotas: onePerSecond }
  const ping = { method: 'GET', url: 'ping', query: {}, headers: {} }
  for (const [quotaRegistry, expected] of [
    [createQuotaRegistry(), [0, 1001, 2002]],
    [undefined, [0, 0, 0]],
  ] as const) {
    const around = api()
    const surroundings = { ...around.surroundings, ...(quotaRegistry && { quotaRegistry }) }
    const clients = ['one', 'two'].map((name) => openClient(name, options, surroundings))
    const opened = await openSource('three', source({ quotas: onePerSecond }), surroundings)
    await Promise.all([
      ...clients.map((client) => client.request(ping, (response) => response.discard())),
      probe([opened]),
    ])
    expect(at(around.sent)).toEqual(expected)
  }
})

test('an OAuth client is the same with another scope, and another with another refresh token', async () => {
  const auth = (more: object) =>
    oauth2({
      grant: 'refresh_token',
      tokenUrl: 'https://auth.test/token',
      clientId: 'client',
      refreshToken: env('A'),
      ...more,
    })
  const reply = (path: string) =>
    path === '/token'
      ? { body: { access_token: 'token', token_type: 'bearer', expires_in: 3600 } }
      : { body: [] }
  for (const [more, expected] of [
    [{ scope: 'other' }, [0, 1001]],
    [{ refreshToken: env('B') }, [0, 0]],
  ] as const) {
    const around = api(reply)
    const sources = await assembled(
      {
        one: source({ quotas: onePerSecond, auth: auth({}) }),
        two: source({ quotas: onePerSecond, auth: auth(more) }),
      },
      around,
    )
    await probe(sources)
    expect(at(around.sent.filter((entry) => !entry.startsWith('/token')))).toEqual(expected)
  }
})

test.each<[string, RestOptions['auth'], RestOptions['auth'], readonly number[]]>([
  [
    'a session with the same user logs in as one',
    session({
      login: { url: 'https://auth.test/login', body: { user: 'ann', pass: env('A') } },
      token: 'access_token',
    }),
    session({
      login: { url: 'https://auth.test/login', body: { user: 'ann', pass: env('ALSO_A') } },
      token: 'access_token',
    }),
    [0, 1001],
  ],
  [
    'a session of another user is another credential',
    session({
      login: { url: 'https://auth.test/login', body: { user: 'ann', pass: env('A') } },
      token: 'access_token',
    }),
    session({
      login: { url: 'https://auth.test/login', body: { user: 'bob', pass: env('A') } },
      token: 'access_token',
    }),
    [0, 0],
  ],
  [
    'a key that signs for two issuers is two credentials',
    jwt({ algorithm: 'HS256', key: env('A'), issuer: 'one' }),
    jwt({ algorithm: 'HS256', key: env('A'), issuer: 'two' }),
    [0, 0],
  ],
  [
    'an AWS key is the same for another service',
    awsSigV4({ service: 's3', region: 'r', accessKeyId: 'AK', secretAccessKey: env('A') }),
    awsSigV4({ service: 'es', region: 'r', accessKeyId: 'AK', secretAccessKey: env('A') }),
    [0, 1001],
  ],
  ['a function is one credential', customAuth({ sign: signer }), customAuth({ sign: signer }), [0, 1001]],
  ['two functions are two', customAuth({ sign: signer }), customAuth({ sign: (request) => request }), [0, 0]],
])('Q3: %s', async (_name, one, two, expected) => {
  const around = api((path) => ({ body: path === '/login' ? { access_token: 'token' } : [] }))
  const sources = await assembled(
    { one: source({ quotas: onePerSecond, auth: one }), two: source({ quotas: onePerSecond, auth: two }) },
    around,
  )
  await probe(sources)
  expect(at(around.sent.filter((entry) => !entry.startsWith('/login')))).toEqual(expected)
})

test('a credential whose variable is not set is told apart by the name of the variable, and nothing is said before it is needed', async () => {
  const around = api()
  const auth = apiKey({ name: 'x-key', key: env('NOT_SET') })
  const [one] = await assembled({ one: source({ auth }) }, around)
  await expect(probe([one!])).rejects.toThrow('the environment variable NOT_SET is not set')
})

/** Asks two paths of an API that refuses the one with `retry-after: 30`, once: how long the other one waited, in whole seconds. */
async function askBoth(more: Partial<OpenClientOptions>, headers: Record<string, string> = {}) {
  let refused = false
  const around = api((path) => {
    if (path !== '/v2/search' || refused) return { body: [] }
    refused = true
    return { status: 429, headers: { 'retry-after': '30', ...headers }, body: {} }
  })
  const client = openClient('slow', { baseUrl, ...more }, around.surroundings)
  const ask = (url: string) =>
    client.request({ method: 'GET', url, query: {}, headers: {} }, async ({ status }) => status)
  const searching = ask('search')
  await around.clock.sleep(10)
  await ask('items')
  await searching
  await client[Symbol.asyncDispose]()
  return Math.floor(at(around.sent.filter((entry) => entry.startsWith('/v2/items')))[0]! / 1000)
}

test('a refusal that says how long to wait, and of what nothing, is the account’s, or its endpoint’s where the config says so', async () => {
  expect(await askBoth({})).toBe(30)
  expect(await askBoth({ refusalScope: 'endpoint' })).toBe(0)
  expect(await askBoth({ refusalScope: 'endpoint', rateLimitHeaders: false })).toBe(0)
  // Discord says so where it is the account's.
  expect(await askBoth({ refusalScope: 'endpoint' }, { 'x-ratelimit-global': 'true' })).toBe(30)
})

test('a penalty after a refusal is waited out by whom the refusal speaks of', async () => {
  expect(await askBoth({ afterRefusal: '60s' })).toBe(60)
  expect(await askBoth({ afterRefusal: '60s', refusalScope: 'endpoint' })).toBe(0)
})
