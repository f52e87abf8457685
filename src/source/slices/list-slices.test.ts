import { describe, expect, test } from 'vitest'
import { planPipeline } from '../../engine/plan.ts'
import { offset } from '../../pagination/offset.ts'
import type { Json, JsonRecord } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

type StreamInput = RestOptions['streams'][string]

const paginate = offset({ param: 'offset', size: { param: 'limit', value: 2 } })
const sales: StreamInput = {
  path: 'sales',
  query: { country: '{slice.country}' },
  paginate,
  key: 'id',
  slices: { by: 'list', name: 'country', values: ['de', 'fr'] },
}

/** A list that is filtered by every query parameter that a record has a field of. */
function api(records: readonly JsonRecord[]) {
  return scriptedClient(({ query }) => {
    const matching = records.filter((record) =>
      Object.entries(query).every(([name, value]) => record[name] === undefined || record[name] === value),
    )
    const start = Number(query['offset'] ?? 0)
    return { body: matching.slice(start, start + Number(query['limit'])) }
  })
}

const records = [
  { id: 1, country: 'de' },
  { id: 2, country: 'de' },
  { id: 3, country: 'fr' },
  { id: 4, country: 'de' },
]

describe('a list of values', () => {
  // PEERS: Airbyte ListPartitionRouter
  // PEERS: Airbyte DynamicDeclarativeStream
  test('each value is a slice of its own, and stands where the request says', async () => {
    const client = api(records)
    const { sales: stream } = streamsOf('shop', { sales }, client)
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual(['country=de', 'country=fr', '(pass)'])
    expect([...warehouse.rows.keys()]).toEqual(['1', '2', '4', '3'])
    expect(client.requests.map(({ query }) => query['country'])).toEqual(['de', 'de', 'de', 'fr', 'fr'])
  })

  test('C4: a run that goes on reads neither the values that were read nor the pages', async () => {
    const client = api(records)
    const { sales: stream } = streamsOf('shop', { sales }, client)
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages: 1 })).rejects.toThrow(Crash)
    expect(await runOnce(stream, warehouse)).toEqual(['country=de', 'country=fr', '(pass)'])
    expect(warehouse.received).toBe(4)
  })

  // PEERS: Airbyte ConfigComponentsResolver
  // PEERS: Airbyte StreamConfig
  // PEERS: Airbyte ParametrizedComponentsResolver
  // PEERS: Airbyte StreamParametersDefinition
  test('values that are objects give each of their fields, with its type', async () => {
    const client = scriptedClient(({ body }) => ({ body: [{ id: JSON.stringify(body) }] }))
    const { sales: stream } = streamsOf(
      'shop',
      {
        sales: {
          path: 'accounts/{slice.account}/sales',
          method: 'POST',
          body: { region: '{slice.region}', account: '{slice.account}', text: 'of {slice.account}' },
          paginate: { type: 'none' },
          key: 'id',
          slices: {
            by: 'list',
            values: [
              { region: 'eu', account: 1 },
              { account: 2, region: 'us' },
            ],
          },
        },
      },
      client,
    )
    expect(await runOnce(stream, new Warehouse())).toEqual([
      'account=1,region=eu',
      'account=2,region=us',
      '(pass)',
    ])
    expect(client.requests[0]).toMatchObject({
      url: 'accounts/1/sales',
      body: { region: 'eu', account: 1, text: 'of 1' },
    })
  })

  test('`fields` gives each record its value', async () => {
    const bare = scriptedClient(({ query }) => ({ body: [{ id: String(query['country']) }] }))
    const slices = { ...sales.slices, fields: { market: 'country' } } as StreamInput['slices']
    const { sales: stream } = streamsOf(
      'shop',
      { sales: { ...sales, slices, paginate: { type: 'none' } } },
      bare,
    )
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    expect([...warehouse.rows.values()]).toEqual([
      { id: 'de', market: 'de' },
      { id: 'fr', market: 'fr' },
    ])
  })

  test('a list that is reordered keeps its checkpoints', async () => {
    const client = api(records)
    const warehouse = new Warehouse()
    const { sales: stream } = streamsOf('shop', { sales }, client)
    await expect(runOnce(stream, warehouse, { crashAfterPages: 3 })).rejects.toThrow(Crash)
    const slices = { by: 'list', name: 'country', values: ['it', 'fr', 'de'] } satisfies StreamInput['slices']
    const { sales: changed } = streamsOf('shop', { sales: { ...sales, slices } }, client)
    expect(await runOnce(changed, warehouse)).toEqual(['country=it', 'country=fr', '(pass)'])
  })

  test('a plan lists the slices, and not the mark at their end', async () => {
    const client = api(records)
    const streams = Object.values(streamsOf('shop', { sales }, client))
    const [planned] = await planPipeline({
      name: 'p',
      sources: [{ name: 'shop', streams, check: async () => {}, [Symbol.asyncDispose]: async () => {} }],
      destination: memoryDestination(),
      batch: { maxRecords: 10, maxBytes: 1e6, maxAgeMs: 1e6 },
      concurrentStreams: 1,
    })
    expect(planned!.slices.map(({ key, request }) => [key, request.url])).toEqual([
      ['country=de', 'https://api.test/sales?country=de&limit=2&offset=0'],
      ['country=fr', 'https://api.test/sales?country=fr&limit=2&offset=0'],
    ])
    expect(planned).toMatchObject({ moreSlices: 0, slicing: null })
  })
})

test('a plan tells that whole lists are read from their beginning, unless a run was cut short in one, or between two', async () => {
  const client = api(records)
  const { sales: stream, all } = streamsOf('shop', { sales, all: { path: 'sales', paginate } }, client)
  const after = (...progress: [slice: string, position: Json, highWater: Json][]) =>
    stream.isUnderWay!(
      new Map(progress.map(([slice, position, highWater]) => [slice, { position, highWater }])),
    )
  expect(
    after(['country=de', null, 'pass 1'], ['country=fr', null, 'pass 1'], ['(pass)', null, 'pass 1']),
  ).toBe(false)
  expect(
    after(['country=de', null, 'pass 2'], ['country=fr', null, 'pass 1'], ['(pass)', null, 'pass 1']),
  ).toBe(true)
  expect(after(['country=de', { at: 2 }, null])).toBe(true)
  expect(all.isUnderWay!(new Map([['all', { position: null, highWater: null }]]))).toBe(false)
  expect(
    'isUnderWay' in
      streamsOf(
        'shop',
        { sales: { ...sales, incremental: { by: 'id', field: 'id', param: 'since_id' } } },
        client,
      ).sales,
  ).toBe(false)
})

describe('products', () => {
  // PEERS: Airbyte CustomPartitionRouter
  test('list × list: the first one is outermost', async () => {
    const client = api([
      { id: 1, country: 'de', plan: 'pro' },
      { id: 2, country: 'fr', plan: 'free' },
    ])
    const { sales: stream } = streamsOf(
      'shop',
      {
        sales: {
          ...sales,
          query: { country: '{slice.country}', plan: '{slice.plan}' },
          slices: [
            { by: 'list', name: 'country', values: ['de', 'fr'] },
            { by: 'list', name: 'plan', values: ['free', 'pro'] },
          ],
        },
      },
      client,
    )
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual([
      'country=de/plan=free',
      'country=de/plan=pro',
      'country=fr/plan=free',
      'country=fr/plan=pro',
      '(pass)',
    ])
    expect(warehouse.received).toBe(2)
  })

  test('list × windows of time: each value has its own windows; what is settled is not read again', async () => {
    const clock = fakeClock({ start: Date.parse('2026-01-02T12:00:00Z') })
    const client = scriptedClient(({ url }) => ({ body: [{ id: url }] }))
    const { sales: stream } = streamsOf(
      'shop',
      {
        sales: {
          path: '{slice.country}/{slice.from}/{slice.to}',
          paginate: { type: 'none' },
          key: 'id',
          slices: [
            { by: 'list', name: 'country', values: ['de', 'fr'] },
            {
              by: 'time',
              size: '1d',
              start: '2026-01-01',
              from: { format: 'date' },
              to: { format: 'date', inclusive: true },
              lookback: '6h',
            },
          ],
        },
      },
      client,
      clock,
    )
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual([
      'country=de/2026-01-01T00:00:00Z',
      'country=de/2026-01-02T00:00:00Z',
      'country=fr/2026-01-01T00:00:00Z',
      'country=fr/2026-01-02T00:00:00Z',
    ])
    expect(client.requests.map(({ url }) => url)).toEqual([
      'de/2026-01-01/2026-01-01',
      'de/2026-01-02/2026-01-02',
      'fr/2026-01-01/2026-01-01',
      'fr/2026-01-02/2026-01-02',
    ])
    expect(await runOnce(stream, warehouse)).toEqual([
      'country=de/2026-01-02T00:00:00Z',
      'country=fr/2026-01-02T00:00:00Z',
    ])
    const scope = { since: '2025-12-31', until: '2026-01-01' }
    expect(await runOnce(stream, warehouse, { scope })).toEqual([
      'country=de/2025-12-31T00:00:00Z',
      'country=fr/2025-12-31T00:00:00Z',
    ])
  })

  test('list × incremental by id: one high-water mark for each value', async () => {
    const client = scriptedClient(({ query }) => {
      const ids = query['country'] === 'de' ? [3, 5] : [4]
      return { body: ids.filter((id) => id > Number(query['after'] ?? 0)).map((id) => ({ id })) }
    })
    const { sales: stream } = streamsOf(
      'shop',
      {
        sales: {
          ...sales,
          paginate: { type: 'none' },
          incremental: { by: 'id', field: 'id', param: 'after' },
        },
      },
      client,
    )
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual(['country=de', 'country=fr'])
    await runOnce(stream, warehouse)
    expect([...warehouse.progress.values()].map(({ highWater }) => highWater)).toEqual(['5', '4'])
    expect(client.requests.slice(2).map(({ query }) => query['after'])).toEqual(['5', '4'])
    expect(warehouse.received).toBe(3)
  })
})

test('windows of the calendar in a time zone: dates of that zone, months of their own length', async () => {
  const clock = fakeClock({ start: Date.parse('2026-04-10T12:00:00Z') })
  const client = scriptedClient(({ query }) => ({ body: [{ id: String(query['from']) }] }))
  const { sales: stream } = streamsOf(
    'shop',
    {
      sales: {
        path: 'sales',
        paginate: { type: 'none' },
        key: 'id',
        slices: {
          by: 'time',
          size: '1 month',
          timeZone: 'Europe/Berlin',
          start: '2026-02-01',
          from: { param: 'from', format: 'date' },
          to: { param: 'to', format: 'date', inclusive: true },
        },
      },
    },
    client,
    clock,
  )
  const warehouse = new Warehouse()
  expect(await runOnce(stream, warehouse)).toEqual([
    '2026-01-31T23:00:00Z',
    '2026-02-28T23:00:00Z',
    '2026-03-31T22:00:00Z',
  ])
  expect(client.requests.map(({ query }) => [query['from'], query['to']])).toEqual([
    ['2026-02-01', '2026-02-28'],
    ['2026-03-01', '2026-03-31'],
    ['2026-04-01', '2026-04-10'],
  ])
  // The day that has begun is asked for again.
  await clock.advance(86_400_000)
  expect(await runOnce(stream, warehouse)).toEqual(['2026-03-31T22:00:00Z'])
  expect(client.requests.at(-1)!.query).toEqual({ from: '2026-04-10', to: '2026-04-11' })
})
