import { expect, test } from 'vitest'
import { SluiceError } from '../errors.ts'
import { createClient } from '../http/client.ts'
import { cursor } from '../pagination/cursor.ts'
import { none } from '../pagination/none.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { createRestSource, rest } from './rest.ts'
import { type RestOptions, restOptions } from './rest-options.ts'
import { runOnce, Warehouse } from './testing/scripted-client.ts'

/** A source over the real client, on a transport that answers from a list. */
function sourceOf(options: Omit<RestOptions, 'type' | 'baseUrl'>, replies: ScriptedReply[]) {
  const clock = fakeClock({ auto: true })
  const transport = scriptedTransport(replies)
  const settings = restOptions.parse(rest({ baseUrl: 'https://api.test/v2', ...options }))
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test/v2',
    runtime: { transport, clock, random: () => 0.5 },
  })
  return { source: createRestSource('desk', settings, { client, clock }), transport, clock }
}

const page = (ids: number[], next: string | null) => ({ body: { tickets: ids.map((id) => ({ id })), next } })
const tickets = {
  path: 'tickets',
  records: 'tickets',
  query: { sort: 'id' },
  paginate: cursor({ token: 'next', param: 'cursor' }),
  key: 'id',
}
const signal = new AbortController().signal

// PEERS: dlt resource.endpoint
// PEERS: Airbyte DeclarativeStream
// PEERS: Airbyte SimpleRetriever
test('a stream is read through the real client, which repeats what broke off', async () => {
  const { source, transport } = sourceOf({ query: { project: 7, sort: 'none' }, streams: { tickets } }, [
    page([1, 2], 'b'),
    { body: '{"tickets":[{"id":3}],"ne' },
    { status: 503, body: 'busy' },
    page([3], null),
  ])
  const warehouse = new Warehouse()
  await runOnce(source.streams[0]!, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
  expect(warehouse.received).toBe(3)
  expect(transport.requests.map((request) => request.url)).toEqual([
    'https://api.test/v2/tickets?project=7&sort=id',
    'https://api.test/v2/tickets?project=7&sort=id&cursor=b',
    'https://api.test/v2/tickets?project=7&sort=id&cursor=b',
    'https://api.test/v2/tickets?project=7&sort=id&cursor=b',
  ])
})

test('R4: long numbers reach the records, the key and the cursor with all of their digits', async () => {
  const { source, transport } = sourceOf(
    {
      streams: {
        tickets: { ...tickets, paginate: none(), incremental: { by: 'id', field: 'id', param: 'since' } },
      },
    },
    [{ body: '{"tickets":[{"id":9007199254740993},{"id":9007199254740992}]}' }, { body: '{"tickets":[]}' }],
  )
  const warehouse = new Warehouse()
  await runOnce(source.streams[0]!, warehouse)
  await runOnce(source.streams[0]!, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['9007199254740993', '9007199254740992'])
  expect(transport.requests[1]!.url).toContain('since=9007199254740993')
})

// PEERS: dlt test_client POST paging without query
// PEERS: dlt test_offline POST search paging
test('a search by POST may be repeated, and puts its bounds into the body', async () => {
  const { source, transport } = sourceOf(
    {
      streams: {
        found: {
          path: 'search',
          method: 'POST',
          body: { filter: { type: 'ticket' } },
          headers: { 'X-Version': '3' },
          records: 'tickets',
          paginate: cursor({ token: 'next', param: { body: 'after' } }),
          key: 'id',
          incremental: { by: 'time', field: 'at', param: { body: 'filter.since' }, start: '2024-01-01' },
        },
      },
    },
    [
      { status: 503, body: 'busy' },
      { body: { tickets: [{ id: 1, at: '2024-02-01T00:00:00Z' }], next: 'b' } },
      page([], null),
    ],
  )
  const [stream] = source.streams
  const preview = stream!.preview({ key: 'all', progress: null })
  expect(preview).toMatchObject({
    method: 'POST',
    url: 'https://api.test/v2/search',
    headers: { 'x-version': '3' },
  })
  expect(JSON.parse(preview.body!)).toEqual({ filter: { type: 'ticket', since: '2024-01-01T00:00:00Z' } })
  await runOnce(stream!, new Warehouse())
  expect(transport.requests.map((request) => JSON.parse(String(request.body)))).toEqual([
    { filter: { type: 'ticket', since: '2024-01-01T00:00:00Z' } },
    { filter: { type: 'ticket', since: '2024-01-01T00:00:00Z' } },
    { filter: { type: 'ticket', since: '2024-01-01T00:00:00Z' }, after: 'b' },
  ])
})

// PEERS: Airbyte ResponseToFileExtractor
test('an error of whoever takes the parts of a streamed body ends the reading; the API is not asked again', async () => {
  class Busy extends SluiceError {
    readonly code = 'DESTINATION_FAILED'
    readonly recovery = 'retry'
  }
  const { source, transport } = sourceOf(
    { streams: { export: { path: 'export', format: 'jsonl', key: 'id' } } },
    [{ body: '{"id":1}\n' }, { body: '{"id":1}\n' }],
  )
  const busy = new Busy('the warehouse is busy')
  const reading = source.streams[0]!.read(
    { key: 'all', progress: null },
    { signal, emit: () => Promise.reject(busy) },
  )
  await expect(reading).rejects.toBe(busy)
  expect(transport.requests).toHaveLength(1)
})

test('the preview of a slice is the request that it would begin or go on with', () => {
  const { source } = sourceOf({ streams: { tickets } }, [])
  const [stream] = source.streams
  expect(stream!.preview({ key: 'all', progress: null })).toEqual({
    method: 'GET',
    url: 'https://api.test/v2/tickets?sort=id',
    headers: {},
  })
  expect(stream!.preview({ key: 'all', progress: { position: { at: 'c' }, highWater: null } }).url).toBe(
    'https://api.test/v2/tickets?sort=id&cursor=c',
  )
})

// PEERS: dlt check_connection
test('a check asks for the first page of the first stream', async () => {
  const { source, transport } = sourceOf(
    { streams: { tickets, other: { path: 'other', paginate: none() } } },
    [page([1], 'b')],
  )
  await source.check(signal)
  expect(transport.requests.map((request) => request.url)).toEqual(['https://api.test/v2/tickets?sort=id'])
})

// PEERS: Airbyte CheckStream
test('a check asks what `check` names, and an error in the body of a success fails it', async () => {
  const { source, transport } = sourceOf({ check: 'users/me.json', streams: { tickets } }, [
    { body: { user: { id: 1 } } },
    { body: { ok: false, error: 'invalid_auth' } },
    { status: 401, body: { error: "Couldn't authenticate you" } },
  ])
  await source.check(signal)
  expect(transport.requests[0]!.url).toBe('https://api.test/v2/users/me.json')
  await expect(source.check(signal)).rejects.toThrow(
    'https://api.test/v2/users/me.json: the API answered 200, but its body is an error: invalid_auth',
  )
  await expect(source.check(signal)).rejects.toThrow("Couldn't authenticate you")
})

test('a check of a streamed export does not read it, and one whose first window is not there yet asks without bounds', async () => {
  const { source, transport } = sourceOf(
    {
      streams: {
        export: {
          path: 'export',
          format: 'jsonl',
          key: 'id',
          slices: {
            by: 'time',
            size: '1d',
            start: '2030-01-01',
            from: { param: 'from', format: 'date' },
            to: { param: 'to', format: 'date', inclusive: true },
          },
        },
      },
    },
    [{ body: '<html>' }],
  )
  await source.check(signal)
  expect(transport.requests[0]!.url).toBe('https://api.test/v2/export')
})

test('a backfill of a list that has no filter is refused', () => {
  const { source } = sourceOf({ streams: { tickets } }, [])
  expect(() => source.streams[0]!.slices(new Map(), { until: '2024-01-01' })).toThrow(
    "desk.tickets: --until can't bound this stream: it has neither `incremental` nor `slices` of time, so the API has no filter to ask with",
  )
})

// PEERS: airbyte#53129
test('parents are asked for through the same client: their failures are repeated, and their limits waited for', async () => {
  const projects = { ...tickets, path: 'projects' }
  const issues = {
    ...tickets,
    path: 'projects/{parent.id}/issues',
    slices: { by: 'parent', stream: 'projects' },
  }
  const parents: ScriptedReply[] = [
    { status: 503, body: 'busy' },
    page([1], 'b'),
    { status: 429, headers: { 'retry-after': '40' }, body: '' },
    page([2], null),
  ]
  const reply: ScriptedReply = ({ url }) => {
    const parent = /projects\/(\d+)\/issues/.exec(url)?.[1]
    return parent === undefined ? parents.shift()! : page([Number(parent) * 10], null)
  }
  const { source, transport, clock } = sourceOf(
    { streams: { projects, issues } } as never,
    Array.from({ length: 6 }, () => reply),
  )
  const begun = clock.now()
  const warehouse = new Warehouse()
  await runOnce(source.streams.find(({ name }) => name === 'desk.issues')!, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['10', '20'])
  expect(transport.requests).toHaveLength(6)
  expect(clock.now() - begun).toBeGreaterThanOrEqual(40_000)
})

// PEERS: dlt single-entity heuristic
// PEERS: dlt #2586
test('a path that ends in a placeholder is paged as the config says: no path is taken for that of one record', async () => {
  const issues = {
    ...tickets,
    path: 'issues/{slice.project}',
    slices: { by: 'list', name: 'project', values: ['a'] },
  }
  const { source, transport } = sourceOf({ streams: { issues } } as never, [page([1], 'b'), page([2], null)])
  const warehouse = new Warehouse()
  await runOnce(source.streams[0]!, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
  expect(transport.requests.map(({ url }) => url)).toEqual([
    'https://api.test/v2/issues/a?sort=id',
    'https://api.test/v2/issues/a?sort=id&cursor=b',
  ])
})

// PEERS: dlt test_offline client headers not interpolated
test('what a source adds to every request is sent as it is written: placeholders are a stream’s', async () => {
  const { source, transport } = sourceOf({ query: { filter: '{parent.id}' }, streams: { tickets } }, [
    page([1], null),
  ])
  await runOnce(source.streams[0]!, new Warehouse())
  expect(transport.requests[0]!.url).toBe('https://api.test/v2/tickets?filter=%7Bparent.id%7D&sort=id')
})
