// What the kinds of incremental reading have in common, and the variants of real APIs: one small API that sorts, filters and pages as it is told.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { offset } from '../../pagination/offset.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'
import { timeCodec } from './time-codec.ts'

interface Item {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
}

interface Manners {
  readonly sort?: 'ascending' | 'descending' | 'none'
  /** How the API compares with `since`: `inclusive` by default; `none` means that it has no such parameter. */
  readonly bound?: 'inclusive' | 'exclusive' | 'none'
  /** The API filters by whole steps of so many milliseconds: what is finer it neither takes nor compares. */
  readonly stepMs?: number
  readonly by?: 'time' | 'id'
  readonly size?: number
  /** How it writes a time, in records and in parameters. */
  readonly write?: (ms: number) => string | number
  readonly read?: (parameter: unknown) => number
  /** Says in each page up to where it has covered. */
  readonly covers?: boolean
}

const epoch = Date.parse('2024-02-01T00:00:00Z')

function setup(
  items: Item[],
  manners: Manners,
  incremental: Record<string, unknown>,
  now = '2024-06-01T00:00:00Z',
) {
  const { sort = 'none', bound = 'inclusive', stepMs = 1, by = 'time', size = 2 } = manners
  const { write = (ms) => new Date(ms).toISOString(), read = (text) => Date.parse(String(text)) } = manners
  const clock = fakeClock({ start: Date.parse(now) })
  const sortedBy = (item: Item) => (by === 'id' ? item.id : item.at)
  const step = (value: number) => Math.floor(value / stepMs)
  const client = scriptedClient(({ query }) => {
    const { since } = query
    const from = since === undefined ? undefined : by === 'id' ? Number(since) : read(since)
    const matching = items.filter((item) => {
      if (from === undefined || bound === 'none') return true
      const [own, other] = [step(sortedBy(item)), step(from)]
      return bound === 'inclusive' ? own >= other : own > other
    })
    if (sort !== 'none')
      matching.sort((a, b) => (sortedBy(a) - sortedBy(b)) * (sort === 'ascending' ? 1 : -1))
    const skip = Number(query['offset'])
    const covered = matching.length === 0 ? null : write(Math.max(...matching.map(({ at }) => at)))
    return {
      body: {
        items: matching.slice(skip, skip + size).map(({ id, at }) => ({ id, at: write(at) })),
        ...(manners.covers && { covered }),
      },
    }
  })
  const stream = streamOf(
    'shop',
    'items',
    {
      path: 'items',
      records: 'items',
      paginate: offset({ size: { param: 'limit', value: size } }),
      key: 'id',
      incremental: incremental as never,
    },
    client,
    clock,
  )
  return { clock, client, stream, warehouse: new Warehouse() }
}

const at = (...offsets: readonly number[]): Item[] => offsets.map((ms, id) => ({ id, at: epoch + ms }))
const byTime = { by: 'time', field: 'at', start: '2024-01-01' }
const byId = { by: 'id', field: 'id' }
const mark = (warehouse: Warehouse) => warehouse.progress.get('all')?.highWater
const ids = (warehouse: Warehouse) => [...warehouse.rows.keys()].map(Number).sort((a, b) => a - b)

describe('newest first', () => {
  const manners = { sort: 'descending', bound: 'none' } as const

  // PEERS: dlt incremental row_order
  // PEERS: dlt incremental attributes
  // PEERS: dlt test_incremental out-of-range flags
  // PEERS: Airbyte DatetimeBasedCursor is_data_feed
  test('reading stops at the page that passes the mark, and asks for no page behind it', async () => {
    const items = at(0, 1000, 2000, 3000, 4000, 5000)
    const { client, stream, warehouse } = setup(items, manners, { ...byTime, order: 'descending' })
    await runOnce(stream, warehouse)
    expect(client.requests).toHaveLength(4)
    items.push({ id: 6, at: epoch + 6000 })
    client.requests.length = 0
    await runOnce(stream, warehouse)
    // 6 and 5, then 4 and 3: 5 is the mark, and 4 lies behind it.
    expect(client.requests.map(({ query }) => query['offset'])).toEqual([0, 2])
    expect(warehouse.pages.at(-1)!.records).toEqual([])
    expect(ids(warehouse)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(mark(warehouse)).toBe('2024-02-01T00:00:06.000Z')
  })

  test('records that share the time of the mark are read to the last of them', async () => {
    const items = at(0, 1000, 1000, 1000, 1000)
    const { stream, warehouse } = setup(items.slice(0, 3), manners, { ...byTime, order: 'descending' })
    await runOnce(stream, warehouse)
    const later = setup(items, manners, { ...byTime, order: 'descending' })
    await runOnce(later.stream, warehouse)
    expect(ids(warehouse)).toEqual([0, 1, 2, 3, 4])
  })

  // PEERS: dlt test_incremental descending keeps right hashes
  test('the mark moves when the run has come down to the one before, and an interrupted run goes on in the middle (C5, C4)', async () => {
    const items = at(0, 1000, 2000, 3000, 4000)
    const { client, stream, warehouse } = setup(items, manners, { ...byTime, order: 'descending' })
    await expect(runOnce(stream, warehouse, { crashAfterPages: 1 })).rejects.toThrow(Crash)
    expect(mark(warehouse)).toBeNull()
    client.requests.length = 0
    await runOnce(stream, warehouse)
    expect(client.requests[0]!.query['offset']).toBe(2)
    expect(mark(warehouse)).toBe('2024-02-01T00:00:04.000Z')
  })

  // PEERS: dlt test_incremental row_order closes generators
  test('a list that is not sorted so stops the stream: what is newer could stand anywhere behind', async () => {
    const { stream, warehouse } = setup(
      at(2000, 1000, 3000),
      { bound: 'none' },
      { ...byTime, order: 'descending' },
    )
    await expect(runOnce(stream, warehouse)).rejects.toThrow(
      "shop.items: `order: descending` does not hold: a record with `at` 2024-02-01T00:00:03.000Z came after one with 2024-02-01T00:00:01.000Z. Ask the API to sort by that field, or set `order: 'none'`",
    )
  })

  test('ids stop at the greatest that is known, too, and it is not read again', async () => {
    const items = at(0, 0, 0, 0, 0)
    const { client, stream, warehouse } = setup(
      items,
      { ...manners, by: 'id' },
      { ...byId, order: 'descending' },
    )
    await runOnce(stream, warehouse)
    items.push({ id: 5, at: epoch })
    client.requests.length = 0
    await runOnce(stream, warehouse)
    expect(client.requests).toHaveLength(1)
    expect(warehouse.pages.at(-1)!.records).toEqual([{ id: 5, at: expect.any(String) }])
  })
})

describe('the bound of the API', () => {
  // PEERS: Airbyte DatetimeBasedCursor is_compare_strictly
  // PEERS: dlt incremental range_start
  // PEERS: dlt test_incremental ranges open and closed
  test('that leaves out the very time is asked one step earlier', async () => {
    const items = at(0, 1000, 1000)
    const late: Item = { id: 9, at: epoch + 1000 }
    const manners = {
      bound: 'exclusive',
      stepMs: 1000,
      read: (value: unknown) => Number(value) * 1000,
    } as const
    const { client, stream, warehouse } = setup(items, manners, {
      ...byTime,
      param: 'since',
      format: 'epoch',
      inclusive: false,
    })
    await runOnce(stream, warehouse)
    items.push(late)
    await runOnce(stream, warehouse)
    expect(client.requests.at(-1)!.query['since']).toBe(epoch / 1000)
    expect(ids(warehouse)).toEqual([0, 1, 2, 9])
  })

  // PEERS: Airbyte DatetimeBasedCursor cursor_granularity
  test('may compare more coarsely than its parameter is written: `granularity` says how', async () => {
    const items = at(0, 90_000)
    const { stream, warehouse, client } = setup(
      items,
      { bound: 'exclusive', stepMs: 60_000 },
      {
        ...byTime,
        param: 'since',
        inclusive: false,
        granularity: '1m',
      },
    )
    await runOnce(stream, warehouse)
    items.push({ id: 9, at: epoch + 100_000 })
    await runOnce(stream, warehouse)
    expect(client.requests.at(-1)!.query['since']).toBe('2024-02-01T00:00:30Z')
    expect(ids(warehouse)).toEqual([0, 1, 9])
  })

  test('in minutes of the account’s time zone, as in Jira’s JQL, is rounded down and reads the minute again', async () => {
    const codec = timeCodec({ format: '%Y-%m-%d %H:%M', timeZone: 'America/New_York' })
    const items = at(0, 61_000)
    const { stream, warehouse, client } = setup(
      items,
      { stepMs: 60_000, read: (text) => Date.parse(codec.read(String(text))!) },
      { ...byTime, param: 'since', format: '%Y-%m-%d %H:%M', timeZone: 'America/New_York' },
    )
    await runOnce(stream, warehouse)
    items.push({ id: 2, at: epoch + 62_000 })
    await runOnce(stream, warehouse)
    expect(client.requests.at(-1)!.query['since']).toBe('2024-01-31 19:01')
    expect(ids(warehouse)).toEqual([0, 1, 2])
  })

  test('and records in a form of their own are read in it', async () => {
    const codec = timeCodec({ format: '%d/%m/%Y %H:%M:%S', timeZone: 'Europe/Berlin' })
    const items = at(0, 86_400_000)
    const { stream, warehouse } = setup(
      items,
      { write: (ms) => codec.write(new Date(ms).toISOString()), read: (value) => Number(value) },
      {
        ...byTime,
        param: 'since',
        format: 'epoch_ms',
        fieldFormat: '%d/%m/%Y %H:%M:%S',
        timeZone: 'Europe/Berlin',
      },
    )
    await runOnce(stream, warehouse)
    expect(warehouse.rows.get('1')).toEqual({ id: 1, at: '02/02/2024 01:00:00' })
    expect(mark(warehouse)).toBe('2024-02-02T00:00:00Z')
    const strange = setup(at(0), { write: () => '2024.01.31' }, { ...byTime, fieldFormat: '%d/%m/%Y' })
    await expect(runOnce(strange.stream, new Warehouse())).rejects.toThrow(
      '`incremental.field: at` should be a time, as `format`, `fieldFormat` or ISO 8601 writes it, or a number counted from 1970, and a record has "2024.01.31"',
    )
  })
})

describe('a mark that only the response names', () => {
  // PEERS: dlt #3397
  // PEERS: dlt incremental cursor_path
  // PEERS: dlt incremental last_value_func
  test('becomes the high-water mark, as with Salesforce’s latestDateCovered, and outlives a run that finds nothing', async () => {
    const items = at(0, 5000)
    const { stream, warehouse, client } = setup(
      items,
      { covers: true },
      {
        by: 'time',
        mark: 'covered',
        param: 'since',
        start: '2024-01-01',
      },
    )
    await runOnce(stream, warehouse)
    expect(mark(warehouse)).toBe('2024-02-01T00:00:05.000Z')
    items.length = 0
    await runOnce(stream, warehouse)
    expect(client.requests.at(-1)!.query['since']).toBe('2024-02-01T00:00:05.000Z')
    expect(mark(warehouse)).toBe('2024-02-01T00:00:05.000Z')
  })

  test('may lie ahead of the clock, since the API knows what it has covered', async () => {
    const { stream, warehouse } = setup(
      at(0),
      { covers: true, write: () => '2030-01-01T00:00:00Z' },
      {
        by: 'time',
        mark: 'covered',
        param: 'since',
        start: '2024-01-01',
      },
    )
    await runOnce(stream, warehouse)
    expect(mark(warehouse)).toBe('2030-01-01T00:00:00Z')
  })

  test('of X’s first page alone (meta.newest_id) is kept while the pages behind it, which have lesser ones, are read', async () => {
    const pages = [
      { data: [{ id: '9' }, { id: '8' }], meta: { newest_id: '9', next: 'b' } },
      { data: [{ id: '7' }], meta: { newest_id: '7' } },
    ]
    const client = scriptedClient(({ query }) => ({ body: pages[query['token'] === 'b' ? 1 : 0] }))
    const stream = streamOf(
      'x',
      'posts',
      {
        path: 'search',
        records: 'data',
        paginate: { type: 'cursor', token: 'meta.next', param: 'token' },
        incremental: { by: 'id', field: 'id', mark: 'meta.newest_id', param: 'since_id' },
        key: 'id',
      },
      client,
    )
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    await runOnce(stream, warehouse)
    expect(client.requests.map(({ query }) => query['since_id'])).toEqual([undefined, undefined, '9', '9'])
  })

  test('that is none stops the stream', async () => {
    const { stream } = setup(
      at(0),
      { covers: true, write: () => 'soon' },
      {
        by: 'time',
        mark: 'covered',
        param: 'since',
        start: '2024-01-01',
      },
    )
    await expect(runOnce(stream, new Warehouse())).rejects.toThrow(
      'shop.items: `incremental.mark: covered` should be an ISO 8601 time or a number counted from 1970, and a page has "soon"',
    )
  })
})

// PEERS: dlt incremental on_cursor_value_missing
// PEERS: dlt test_incremental null cursor
test('records without the field are left out with `missing: drop`', async () => {
  const list = [{ id: 0, at: Number.NaN }, ...at(0, 1000).slice(1)]
  const { stream, warehouse } = setup(
    list,
    { write: (ms) => (Number.isNaN(ms) ? (null as never) : new Date(ms).toISOString()) },
    {
      ...byTime,
      missing: 'drop',
    },
  )
  await runOnce(stream, warehouse)
  expect(ids(warehouse)).toEqual([1])
})

describe('options that can not work', () => {
  const refused = (incremental: unknown) => () => setup([], {}, incremental as never)
  // PEERS: dlt test_incremental_config
  test('are refused with what is missing', () => {
    expect(refused({ by: 'time', param: 'since', start: '1d' })).toThrow(
      /give `field`, the time in a record, or `mark`/,
    )
    expect(refused({ by: 'time', mark: 'm', start: '1d' })).toThrow(
      /nothing here can tell old records from new ones/,
    )
    expect(refused({ by: 'time', mark: 'm', param: 'since', start: '1d', order: 'ascending' })).toThrow(
      /an order is one of `field`, which is not given/,
    )
    expect(refused({ ...byTime, timeZone: 'Mars' })).toThrow(/Mars.* is no time zone/)
    expect(refused({ ...byTime, format: '%Q' })).toThrow(/%Q.* is no form of a time: %Q is no directive/)
  })
})

// PEERS: dlt boundary dedup by hashes
// PEERS: dlt test_incremental lag
test('property: for every kind, any order of ties at the boundary, and any split into runs and crashes: the same', async () => {
  const kinds: readonly { readonly manners: Manners; readonly incremental: Record<string, unknown> }[] = [
    { manners: { sort: 'ascending' }, incremental: { ...byTime, param: 'since', order: 'ascending' } },
    { manners: { sort: 'none' }, incremental: { ...byTime, param: 'since' } },
    { manners: { bound: 'none' }, incremental: { ...byTime } },
    { manners: { sort: 'descending', bound: 'none' }, incremental: { ...byTime, order: 'descending' } },
    { manners: { sort: 'descending' }, incremental: { ...byTime, param: 'since', order: 'descending' } },
    {
      manners: { bound: 'exclusive', stepMs: 1000, read: (value) => Number(value) * 1000 },
      incremental: { ...byTime, param: 'since', format: 'epoch', inclusive: false },
    },
    {
      manners: { stepMs: 60_000, read: (text) => Date.parse(`${String(text).replace(' ', 'T')}:00Z`) },
      incremental: { ...byTime, param: 'since', format: '%Y-%m-%d %H:%M' },
    },
    {
      manners: { covers: true },
      incremental: { by: 'time', mark: 'covered', param: 'since', start: '2024-01-01' },
    },
    {
      manners: { by: 'id', sort: 'ascending', bound: 'exclusive' },
      incremental: { ...byId, param: 'since', order: 'ascending' },
    },
    { manners: { by: 'id', bound: 'exclusive' }, incremental: { ...byId, param: 'since' } },
    { manners: { by: 'id', bound: 'inclusive' }, incremental: { ...byId, param: 'since', inclusive: true } },
    {
      manners: { by: 'id', sort: 'descending', bound: 'none' },
      incremental: { ...byId, order: 'descending' },
    },
  ]
  // What is new between two runs is never older than what was there, and may share its time.
  const growth = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...kinds),
      growth,
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
      async ({ manners, incremental }, batches, crashes, size, shuffle) => {
        const items: Item[] = []
        const { stream, warehouse } = setup(items, { ...manners, size }, incremental)
        const crashesLeft = [...crashes]
        let time = epoch
        for (const batch of batches) {
          for (const step of batch) {
            time += step * 500
            const item = { id: items.length + 1, at: time }
            // Where the API doesn't sort, any place will do.
            if (manners.sort === undefined || manners.sort === 'none') {
              items.splice(Math.min(items.length, shuffle.next().value ?? 0), 0, item)
            } else items.push(item)
          }
          for (let crash = crashesLeft.pop(); crash !== undefined && crash < 4; crash = crashesLeft.pop()) {
            await runOnce(stream, warehouse, { crashAfterPages: crash }).catch((error: unknown) => {
              if (!(error instanceof Crash)) throw error
            })
          }
          await runOnce(stream, warehouse)
          expect(ids(warehouse)).toEqual(items.map(({ id }) => id).sort((a, b) => a - b))
        }
      },
    ),
    { numRuns: 300 },
  )
})
