import { expect, test } from 'vitest'
import { cursor } from '../../pagination/cursor.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { StreamInput } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const paginate = { type: 'none' } as const
const start = Date.parse('2024-03-01T12:00:00Z')

/** Runs a stream over a list that grows between two runs, and gives what was asked. */
async function asked(
  options: Partial<StreamInput>,
  lists: readonly (readonly object[])[],
): Promise<RequestSpec[]> {
  const clock = fakeClock({ start, auto: true })
  const warehouse = new Warehouse()
  let run = 0
  const client = scriptedClient(() => ({ body: lists[run] }))
  for (; run < lists.length; run++) {
    const stream = streamOf('desk', 'items', { path: 'items', paginate, ...options } as never, client, clock)
    await runOnce(stream, warehouse)
    await clock.sleep(3_600_000)
  }
  return client.requests
}

// PEERS: dlt {incremental.*} placeholders in the query, the path and the body
// PEERS: dlt test_offline {incremental.*} with lag
test('the bounds of a time stand where the request names them, in the format that was given', async () => {
  const requests = await asked(
    {
      key: 'id',
      path: 'items/{cursor.value}',
      query: { where: 'at >= {cursor.value} and at < {cursor.end}' },
      body: { since: '{cursor.value}' },
      incremental: { by: 'time', field: 'at', start: '2024-01-01', format: 'epoch' },
    },
    [[{ id: 1, at: '2024-02-01T00:00:00Z' }], []],
  )
  expect(requests.map(({ url, query, body }) => [url, query['where'], body])).toEqual([
    ['items/1704067200', `at >= 1704067200 and at < ${start / 1000}`, { since: 1704067200 }],
    ['items/1706745600', `at >= 1706745600 and at < ${start / 1000 + 3600}`, { since: 1706745600 }],
  ])
})

test('what the API filters by a placeholder is not filtered here; without one it is', async () => {
  const read = async (query: StreamInput['query']) => {
    const warehouse = new Warehouse()
    const body = [
      { id: 1, at: '2023-01-01T00:00:00Z' },
      { id: 2, at: '2024-02-01T00:00:00Z' },
    ]
    const incremental = { by: 'time', field: 'at', start: '2024-01-01' } as const
    const options = { path: 'items', key: 'id', paginate, incremental, ...(query && { query }) }
    const stream = streamOf(
      'desk',
      'items',
      options,
      scriptedClient(() => ({ body })),
      fakeClock({ start }),
    )
    await runOnce(stream, warehouse)
    return [...warehouse.rows.keys()]
  }
  expect(await read({ since: '{cursor.value}' })).toEqual(['1', '2'])
  expect(await read(undefined)).toEqual(['2'])
})

test('an id is a number in a body, keeps its digits, and is no parameter as long as there is none', async () => {
  const long = '9007199254740993'
  const requests = await asked(
    {
      query: { after: '{cursor.value}' },
      body: { after: '{cursor.value}' },
      incremental: { by: 'id', field: 'id' },
    },
    [[{ id: 41 }], [{ id: long }], []],
  )
  expect(requests.map(({ query, body }) => [query, body])).toEqual([
    [{ after: [] }, { after: null }],
    [{ after: 41 }, { after: 41 }],
    [{ after: long }, { after: BigInt(long) }],
  ])
})

test('the start of a position is said by every page that asks by a placeholder', async () => {
  const client = scriptedClient(({ query }) =>
    query['page'] === undefined ? { body: { data: [{ id: 1 }], next: 'b' } } : { body: { data: [] } },
  )
  const stream = streamOf(
    'desk',
    'items',
    {
      path: 'items',
      records: 'data',
      key: 'id',
      query: { since: '{cursor.value}' },
      paginate: cursor({ token: 'next', param: 'page', persist: true, lastPage: 'empty' }),
      incremental: { by: 'position', start: { value: '2024-01-01', format: 'date' } },
    },
    client,
    fakeClock({ start }),
  )
  await runOnce(stream, new Warehouse())
  expect(client.requests.map(({ query }) => query)).toEqual([
    { since: '2024-01-01' },
    { since: '2024-01-01', page: 'b' },
  ])
})

test('the bounds of a window stand where the request names them', async () => {
  const requests = await asked(
    {
      key: 'id',
      query: { script: 'Events({from: "{slice.from}", to: "{slice.to}"})' },
      slices: {
        by: 'time',
        size: '1d',
        start: '2024-02-28',
        from: { format: 'date' },
        to: { format: 'date', inclusive: true },
      },
    },
    [[]],
  )
  expect(requests.map(({ query }) => query['script'])).toEqual([
    'Events({from: "2024-02-28", to: "2024-02-28"})',
    'Events({from: "2024-02-29", to: "2024-02-29"})',
    'Events({from: "2024-03-01", to: "2024-03-01"})',
  ])
})

test('C4: a read that resumes asks with the bounds that it began with', async () => {
  const clock = fakeClock({ start, auto: true })
  const client = scriptedClient(({ query }) =>
    query['page'] === undefined
      ? { body: { data: [{ id: 1, at: '2024-02-01T00:00:00Z' }], next: 'b' } }
      : { body: { data: [{ id: 2, at: '2024-02-02T00:00:00Z' }] } },
  )
  const stream = streamOf(
    'desk',
    'items',
    {
      path: 'items',
      records: 'data',
      key: 'id',
      query: { until: '{cursor.end}', since: '{cursor.value}' },
      paginate: cursor({ token: 'next', param: 'page' }),
      incremental: { by: 'time', field: 'at', start: '2024-01-01' },
    },
    client,
    clock,
  )
  const warehouse = new Warehouse()
  await expect(runOnce(stream, warehouse, { crashAfterPages: 1 })).rejects.toThrow(Crash)
  await clock.sleep(3_600_000)
  await runOnce(stream, warehouse)
  const bounds = client.requests.map(({ query }) => [query['since'], query['until']])
  expect(new Set(bounds.map(String)).size).toBe(1)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})
