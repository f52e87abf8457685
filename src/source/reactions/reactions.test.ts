import { expect, test } from 'vitest'
import type { EndAction } from '../../http/answer.ts'
import { createClient } from '../../http/client.ts'
import { formatOf } from '../../http/decode/format-options.ts'
import { defaultBodyLimits } from '../../http/decode/limits.ts'
import { createRedactor } from '../../http/redact.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { HttpRequest } from '../../ports/runtime.ts'
import type { Slice } from '../../ports/source.ts'
import { requestTemplate } from '../../template/request-template.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { pageFetcher } from '../pages/fetch-page.ts'
import { readSlice } from '../pages/read-slice.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { createRestStream } from '../stream.ts'
import { runOnce, Warehouse } from '../testing/scripted-client.ts'
import type { ReactionSettings } from './reaction-options.ts'
import { compileReactions } from './reactions.ts'

type Streams = RestOptions['streams'][string]
type Responses = NonNullable<Streams['responses']>

const noHeaders = { 'content-type': 'application/json' }

function bench(
  replies: Iterable<ScriptedReply>,
  responses: Responses,
  more: Partial<Streams> & { source?: Responses; token?: () => string; secrets?: readonly string[] } = {},
) {
  const { source = [], token, secrets = [], ...options } = more
  const clock = fakeClock({ start: Date.UTC(2026, 0, 1), auto: true })
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  let renewals = 0
  const redactor = createRedactor(secrets)
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
    redactor,
    ...(token && {
      auth: {
        sign: async (request: HttpRequest) => ({
          ...request,
          headers: { ...request.headers, authorization: token() },
        }),
        renew: async () => {
          renewals++
          return true
        },
      },
    }),
  })
  const settings = restOptions.parse({
    type: 'rest',
    baseUrl: 'https://api.test',
    responses: source,
    streams: {
      items: {
        path: 'items',
        records: 'items',
        key: 'id',
        paginate: { type: 'cursor', token: 'next', param: 'cursor' },
        ...options,
        responses,
      },
    },
  })
  const stream = createRestStream('api', 'items', settings.streams['items']!, {
    client,
    clock,
    redactor,
    limits: settings.limits,
    responses: settings.responses,
  })
  const warehouse = new Warehouse()
  const started = clock.now()
  return {
    stream,
    warehouse,
    events,
    transport,
    run: () => runOnce(stream, warehouse),
    waited: () => clock.now() - started,
    renewals: () => renewals,
  }
}
const page = (id: number, next: string | null = null) => ({ body: { items: [{ id }], next } })
const done = { position: null, highWater: null }

// PEERS: dlt response_actions ignore 404
// PEERS: Airbyte HttpResponseFilter IGNORE
// PEERS: dlt test_client hook raising Ignore
test('ignore: the response counts as an empty last page, and the slice is done', async () => {
  const { run, warehouse } = bench(
    [page(1, 'b'), { status: 404, body: {} }],
    [{ status: 404, action: 'ignore' }],
  )
  await run()
  expect([...warehouse.rows.keys()]).toEqual(['1'])
  expect(warehouse.progress.get('all')).toEqual(done)
})

// PEERS: dlt response_actions on content
// PEERS: dlt #1786
// PEERS: dlt retry predicates
// PEERS: dlt test_requests custom predicate
// PEERS: Airbyte HttpResponseFilter RETRY
test('retry: a body under 200 is asked for again, with the delays of a 503', async () => {
  const pending = { body: { items: [], state: 'incomplete' } }
  const { run, warehouse, events, transport } = bench(
    [pending, pending, page(1)],
    [{ body: "@.state == 'incomplete'", action: 'retry' }],
  )
  await run()
  expect(transport.requests).toHaveLength(3)
  expect(events.filter(({ type }) => type === 'request.retry')).toHaveLength(2)
  expect([...warehouse.rows.keys()]).toEqual(['1'])
})

// PEERS: dlt response_actions order
// PEERS: Airbyte CompositeErrorHandler
// PEERS: Airbyte CustomErrorHandler
test("the first entry that matches holds, the stream's before the source's", async () => {
  const { run } = bench(
    [{ status: 404, body: {} }],
    [{ status: '4xx', action: 'fail', message: 'the stream says' }],
    {
      source: [{ status: 404, action: 'ignore' }],
    },
  )
  await expect(run()).rejects.toThrow('GET https://api.test/items answered 404: the stream says')
  const second = bench([{ status: 404, body: {} }], [{ status: 403, action: 'fail' }], {
    source: [{ status: 404, action: 'ignore' }],
  })
  await second.run()
  expect(second.warehouse.progress.get('all')).toEqual(done)
})

// PEERS: dlt response_actions unhandled status still raises
test('a response that no entry names is treated as without any', async () => {
  const { run } = bench(
    [{ status: 400, body: { message: 'bad sort' } }],
    [{ status: [404, 422], action: 'ignore' }],
  )
  await expect(run()).rejects.toThrow("answered 400: bad sort (check the request's query and body)")
})

// PEERS: Airbyte HttpResponseFilter FAIL with error_message and failure_type
test('fail: a success stops the stream with the message, its placeholders filled', async () => {
  const { run } = bench(
    [{ body: { items: [], error: { code: 'plan', message: 'no such feature' } } }],
    [
      {
        body: "@.error.code == 'plan'",
        action: 'fail',
        message: '{status}: your plan lacks this ({body.error.message}, {body.none}) at {url}, {{as is}}',
      },
    ],
  )
  await expect(run()).rejects.toMatchObject({
    code: 'HTTP_STATUS',
    recovery: 'stop-stream',
    message:
      'GET https://api.test/items answered 200: 200: your plan lacks this (no such feature, (none)) at https://api.test/items, {as is}',
  })
})

// PEERS: Airbyte HttpResponseFilter error_message_contains
test('text: what the body holds, also where it is no JSON', async () => {
  const { run, transport } = bench(
    [{ body: '<html>down for maintenance</html>' }, page(1)],
    [{ text: 'maintenance', action: 'retry' }],
  )
  await run()
  expect(transport.requests).toHaveLength(2)
})

// PEERS: Airbyte HttpResponseFilter REFRESH_TOKEN_THEN_RETRY
// PEERS: airbyte#31687
test('refresh-token: the credential is renewed once, and a second refusal stops the stream', async () => {
  const expired = { status: 400, body: { error: { code: 'session_expired' } } }
  const reaction: Responses = [{ body: "@.error.code == 'session_expired'", action: 'refresh-token' }]
  const good = bench([expired, page(1)], reaction, { token: () => 'Bearer a' })
  await good.run()
  expect([good.renewals(), good.warehouse.received]).toEqual([1, 1])
  const under200 = bench([{ body: { error: { code: 'session_expired' } } }, page(1)], reaction, {
    token: () => 'Bearer a',
  })
  await under200.run()
  expect([under200.renewals(), under200.warehouse.received]).toEqual([1, 1])
  const bad = bench([expired, expired], reaction, { token: () => 'Bearer a' })
  await expect(bad.run()).rejects.toMatchObject({ code: 'AUTH_REFUSED', recovery: 'fix-config' })
  expect(bad.renewals()).toBe(1)
})

test('a 401 that is to be ignored may be an old token, which is renewed first', async () => {
  const refused = { status: 401, body: {} }
  const old = bench([refused, page(1)], [{ status: 401, action: 'ignore' }], { token: () => 'Bearer a' })
  await old.run()
  expect([old.renewals(), old.warehouse.received]).toEqual([1, 1])
  const meant = bench([refused, refused], [{ status: 401, action: 'ignore' }], { token: () => 'Bearer a' })
  await meant.run()
  expect([meant.renewals(), meant.warehouse.progress.get('all')]).toEqual([1, done])
})

// PEERS: Airbyte WaitTimeFromHeader with regex
// PEERS: Airbyte WaitUntilTimeFromHeader
// PEERS: Airbyte ConstantBackoffStrategy
// PEERS: Airbyte HttpResponseFilter RATE_LIMITED
// PEERS: Airbyte CustomBackoffStrategy
test.for<[Responses[number]['retryAfter'], Record<string, string>, object, number]>([
  ['30s', {}, {}, 30_000],
  [{ header: 'X-Wait', unit: 'ms' }, { 'x-wait': '1500' }, {}, 1500],
  [{ header: 'x-wait', unit: 's' }, { 'x-wait': '2.5' }, {}, 2500],
  [{ header: 'x-wait', match: '/wait (\\d+)s/' }, { 'x-wait': 'please wait 7s' }, {}, 7000],
  [{ header: 'x-reset', unit: 'epoch' }, { 'x-reset': '1767225610' }, {}, 10_000],
  [{ body: 'error.until', unit: 'iso' }, {}, { error: { until: '2026-01-01T00:00:20Z' } }, 20_000],
  [{ header: 'x-until', unit: 'http-date' }, { 'x-until': 'Thu, 01 Jan 2026 00:00:40 GMT' }, {}, 40_000],
  [undefined, { 'retry-after': '3' }, {}, 3000],
  [{ header: 'x-none' }, { 'retry-after': '3' }, {}, 3000],
])('wait-for-quota: %j is waited for, and no attempt is counted', async ([retryAfter, headers, body, ms]) => {
  const limited = { status: 420, headers: { ...noHeaders, ...headers }, body }
  const { run, waited, transport } = bench(
    [limited, page(1)],
    [{ status: 420, action: 'wait-for-quota', ...(retryAfter !== undefined && { retryAfter }) }],
  )
  await run()
  expect(transport.requests).toHaveLength(2)
  expect(waited()).toBeGreaterThanOrEqual(ms)
  expect(waited()).toBeLessThan(ms + 1000)
})

test('header: a text or a regular expression tells one 429 from another', async () => {
  const { run } = bench(
    [{ status: 429, headers: { ...noHeaders, 'x-limit': 'Daily-limit' }, body: {} }],
    [{ status: 429, header: { 'X-Limit': '/^daily/i' }, action: 'fail', message: 'come back tomorrow' }],
  )
  await expect(run()).rejects.toThrow('answered 429: come back tomorrow')
})

test('stop-slice: what came is committed, the checkpoint stays, and the reason is told', async () => {
  const { stream, warehouse, transport } = bench(
    [page(1, 'b'), { status: 451, body: { message: 'not today' } }, page(2)],
    [{ status: 451, action: 'stop-slice' }],
  )
  const reasons: string[] = []
  const read = async (slice: Slice) =>
    stream.read(slice, {
      signal: new AbortController().signal,
      emit: async (each) => warehouse.commit(stream, slice.key, each),
      onStop: (reason) => reasons.push(reason),
    })
  await read({ key: 'all', progress: null })
  expect(reasons).toEqual([
    'GET https://api.test/items?cursor=b answered 451: not today (the API refuses the request as it is)',
  ])
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 'b' }, highWater: null })
  await read({ key: 'all', progress: warehouse.progress.get('all')! })
  expect(transport.requests.at(-1)?.url).toBe('https://api.test/items?cursor=b')
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

/** A child's slice, as a stream of parents reads it. */
async function readChild(
  replies: Iterable<ScriptedReply>,
  entry: Partial<ReactionSettings> & { action: ReactionSettings['action'] },
) {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(replies)
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
  })
  const template = requestTemplate({
    method: 'GET',
    url: 'repos/{parent.name}/issues',
    query: {},
    headers: {},
  })
  const warehouse = new Warehouse()
  const values = { parent: { id: 7, name: 'octo/repo' } }
  const fetcher = pageFetcher({
    client,
    clock,
    stream: 'api.issues',
    quotas: [],
    format: formatOf('json'),
    records: 'items',
    optionalRecords: false,
    key: ['id'],
    unwrap: undefined,
    limits: defaultBodyLimits,
    reactions: compileReactions([entry as ReactionSettings], clock),
    placeholders: template.placeholders,
  })
  const paginator = { request: (base: never) => base, next: () => undefined }
  const reading = {
    start: undefined,
    values,
    request: (base: never) => base,
    take: (records: never) => records,
    progress: ({ next }: { next: unknown }) => ({
      position: next === undefined ? null : { at: 1 },
      highWater: null,
    }),
  }
  const requests = { paginator: paginator as never, base: template.fill(values), fetcher, pages: 1 }
  await readSlice(reading as never, requests, {
    signal: new AbortController().signal,
    emit: async (each) => {
      warehouse.pages.push(each)
    },
  })
  return { pages: warehouse.pages, requests: transport.requests }
}

// PEERS: Airbyte lacks "retry N times, then skip"
test('skip-record: after the attempts the parent is kept among the rejects, and its slice is done', async () => {
  const down = { status: 502, body: { message: 'Server Error' } }
  const { pages, requests } = await readChild([down, down, down], {
    status: 502,
    action: 'retry',
    attempts: 3,
    finally: 'skip-record',
    message: 'the issues of {parent.name} can not be read: {body.message}',
  })
  expect(requests).toHaveLength(3)
  expect(pages).toEqual([
    {
      records: [],
      bytes: 0,
      progress: done,
      rejects: [
        {
          record: { id: 7, name: 'octo/repo' },
          reason:
            'GET https://api.test/repos/octo%2Frepo/issues answered 502 for parent.name octo/repo: the issues of octo/repo can not be read: Server Error',
        },
      ],
    },
  ])
})

// PEERS: dlt lacks a retry policy for each endpoint
test.for<EndAction>(['ignore', 'skip-record', 'stop-slice'])(
  'retry, finally %s: it holds also where the retries of the source are used up first',
  async (action) => {
    const down = { status: 422, body: {} }
    const { requests, pages } = await readChild(
      Array.from({ length: 6 }, () => down),
      {
        status: '4xx',
        action: 'retry',
        attempts: 50,
        finally: action,
      },
    )
    expect(requests).toHaveLength(6)
    expect(pages).toHaveLength(action === 'stop-slice' ? 0 : 1)
  },
)

test('retry: other failures in between are not counted as its attempts', async () => {
  const down = { status: 500, body: {} }
  const busy = { status: 429, headers: { ...noHeaders, 'retry-after': '1' }, body: {} }
  const { requests } = await readChild([busy, busy, down, busy, down], {
    status: 500,
    action: 'retry',
    attempts: 2,
    finally: 'ignore',
  })
  expect(requests).toHaveLength(5)
})

// PEERS: dlt test_requests hook turns 503 into 204
test('what the config expects opens no breaker', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(Array.from({ length: 20 }, () => ({ status: 500, body: {} })))
  const events: SluiceEvent[] = []
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
  })
  for (let index = 0; index < 20; index++) {
    const asked = client.request({ method: 'GET', url: 'x', query: {}, headers: {} }, async () => {}, {
      react: () => ({ action: 'skip-record' }),
    })
    await expect(asked).rejects.toMatchObject({ action: 'skip-record' })
  }
  expect(events.filter(({ type }) => type.startsWith('breaker'))).toEqual([])
})

// PEERS: dlt fault 4 API key in an error
test('S1: a message shows no secret that the API sends back', async () => {
  const secret = 'super-secret-token-1'
  const { run } = bench(
    [{ status: 400, body: { echo: `Bearer ${secret}` } }],
    [{ status: 400, action: 'fail', message: 'it said {body.echo}' }],
    { secrets: [secret] },
  )
  await expect(run()).rejects.toThrow('answered 400: it said Bearer ***')
  const under200 = bench(
    [{ body: { echo: secret } }],
    [{ body: '@.echo', action: 'fail', message: 'it said {body.echo}' }],
    { secrets: [secret] },
  )
  await expect(under200.run()).rejects.toMatchObject({
    message: expect.stringContaining('it said ***'),
    reason: 'it said ***',
  })
})

test('Slack: ratelimited under 200 waits as long as Retry-After says, internal_error is repeated, others are an error (R2)', async () => {
  const slack = (error: string, headers = {}) => ({
    headers: { ...noHeaders, ...headers },
    body: { ok: false, error },
  })
  const busy = bench([slack('ratelimited', { 'retry-after': '30' }), page(1)], [])
  await busy.run()
  expect(busy.waited()).toBeGreaterThanOrEqual(30_000)
  const failing = bench([slack('internal_error'), page(1)], [])
  await failing.run()
  expect(failing.transport.requests).toHaveLength(2)
  await expect(bench([slack('channel_not_found')], []).run()).rejects.toMatchObject({
    code: 'API_ERROR_BODY',
  })
})

test('Discord: a search whose index is being built is asked for again, until it is there', async () => {
  const building = { status: 202, body: { message: 'Index not yet available', code: 110000, retry_after: 2 } }
  const { run, waited, warehouse } = bench([...Array.from({ length: 12 }, () => building), page(1)], [])
  await run()
  expect(waited()).toBeGreaterThanOrEqual(24_000)
  expect(warehouse.received).toBe(1)
})

test('a 202 without a body that says when to come back is waited for, as long as a run waits', async () => {
  const building = { status: 202, headers: { 'retry-after': '60' }, body: '' }
  const { run } = bench(
    Array.from({ length: 150 }, () => building),
    [],
  )
  await expect(run()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
})

// PEERS: dlt response_actions ignore 204
test('GitHub: a 204 has no records, and is the end of the list', async () => {
  const { run, warehouse } = bench([{ status: 204, headers: {}, body: '' }], [])
  await run()
  expect([warehouse.received, warehouse.progress.get('all')]).toEqual([0, done])
})

// PEERS: airbyte#42448
test('JSON Lines: a condition on the body looks at a body of one line, and reads no other for it', async () => {
  const lines = { format: 'jsonl' as const, records: undefined, paginate: undefined }
  const reaction: Responses = [{ body: "@.status == 'busy'", action: 'retry' }]
  const { run, warehouse, transport } = bench(
    [{ body: '{"status":"busy"}\n' }, { body: '{"id":1,"status":"busy"}\n{"id":2}\n' }],
    reaction,
    lines as never,
  )
  await run()
  expect(transport.requests).toHaveLength(2)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})
