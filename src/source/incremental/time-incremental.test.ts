import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonRecord } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

type Item = { id: number; updated_at: string | number | null }

interface Setup {
  readonly items: Item[]
  readonly incremental?: Record<string, unknown>
  readonly size?: number
  readonly order?: 'ascending' | 'descending' | 'as it is'
  readonly now?: string
}

/** An API that filters by `since` (inclusive) and hands out its list by offset. */
function setup({
  items,
  incremental = {},
  size = 2,
  order = 'ascending',
  now = '2024-06-01T00:00:00Z',
}: Setup) {
  const clock = fakeClock({ start: Date.parse(now) })
  const client = scriptedClient(({ query }) => {
    const matching = items.filter(({ updated_at }) => {
      const time = toMs(updated_at)
      if (query.since !== undefined && time < toMs(query.since as string)) return false
      return query.until === undefined || time <= toMs(query.until as string)
    })
    if (order !== 'as it is') matching.sort((a, b) => toMs(a.updated_at) - toMs(b.updated_at))
    if (order === 'descending') matching.reverse()
    const offset = Number(query.offset ?? 0)
    return { body: { items: matching.slice(offset, offset + size) } }
  })
  const stream = streamOf(
    'shop',
    'items',
    {
      path: 'items',
      records: 'items',
      paginate: { type: 'offset', param: 'offset', size: { param: 'limit', value: size } },
      key: 'id',
      incremental: { by: 'time', field: 'updated_at', param: 'since', start: '2024-01-01', ...incremental },
    },
    client,
    clock,
  )
  const asked = () => client.requests.map((request) => request.query.since)
  return { clock, client, stream, asked, warehouse: new Warehouse() }
}

function toMs(value: string | number | null): number {
  return typeof value === 'number'
    ? value * 1000
    : value === null
      ? Number.POSITIVE_INFINITY
      : Date.parse(value)
}

const items = (): Item[] => [
  { id: 1, updated_at: '2024-01-01T00:00:00Z' },
  { id: 2, updated_at: '2024-01-02T00:00:00Z' },
  { id: 3, updated_at: '2024-01-02T00:00:00Z' },
  { id: 4, updated_at: '2024-01-03T00:00:00.123456Z' },
]

// PEERS: dlt incremental cursor_path
// PEERS: Airbyte DatetimeBasedCursor
test('the first run asks from the start, the next one from the high-water mark, inclusive', async () => {
  const { stream, warehouse, asked } = setup({ items: items() })
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: '2024-01-03T00:00:00.123456Z' })
  expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3', '4'])
  await runOnce(stream, warehouse)
  expect(asked().slice(-1)).toEqual(['2024-01-03T00:00:00.123456Z'])
  expect(new Set(asked())).toEqual(new Set(['2024-01-01T00:00:00Z', '2024-01-03T00:00:00.123456Z']))
})

// PEERS: dlt test_incremental state after item and page
test('C5: without an order the mark moves at the end of the list only, and is kept in the position until then', async () => {
  const { stream, warehouse } = setup({ items: items(), order: 'descending' })
  await runOnce(stream, warehouse)
  expect(warehouse.pages.map((page) => page.progress)).toMatchObject([
    { position: { highest: '2024-01-03T00:00:00.123456Z', since: '2024-01-01T00:00:00Z' }, highWater: null },
    { position: { highest: '2024-01-03T00:00:00.123456Z' }, highWater: null },
    { position: null, highWater: '2024-01-03T00:00:00.123456Z' },
  ])
})

// PEERS: dlt test_incremental state after item and page
test('C5: where the list is ascending the mark moves with each page', async () => {
  const { stream, warehouse } = setup({ items: items(), incremental: { order: 'ascending' } })
  await runOnce(stream, warehouse)
  expect(warehouse.pages.map((page) => page.progress!.highWater)).toEqual([
    '2024-01-02T00:00:00Z',
    '2024-01-03T00:00:00.123456Z',
    '2024-01-03T00:00:00.123456Z',
  ])
})

test.each(['ascending', 'none'] as const)(
  'C4: a read that died goes on at the same page with the same bounds (order %s)',
  async (order) => {
    for (const crashAfterPages of [1, 2]) {
      const { stream, warehouse, client, clock } = setup({ items: items(), incremental: { order } })
      await expect(runOnce(stream, warehouse, { crashAfterPages })).rejects.toThrow(Crash)
      await clock.advance(60_000)
      const before = client.requests.length
      await runOnce(stream, warehouse)
      expect(client.requests[before]!.query).toMatchObject({
        since: '2024-01-01T00:00:00Z',
        offset: crashAfterPages * 2,
      })
      expect([...warehouse.rows.keys()].sort()).toEqual(['1', '2', '3', '4'])
      expect(warehouse.received).toBe(4)
      expect(warehouse.progress.get('all')).toEqual({
        position: null,
        highWater: '2024-01-03T00:00:00.123456Z',
      })
    }
  },
)

// PEERS: dlt incremental primary_key
// PEERS: dlt test_incremental hashes carried over days
test('records that share the boundary time and come later are read by the next run', async () => {
  const list = items()
  const { stream, warehouse } = setup({ items: list })
  await runOnce(stream, warehouse)
  list.push({ id: 5, updated_at: '2024-01-03T00:00:00.123456Z' })
  await runOnce(stream, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3', '4', '5'])
})

// PEERS: dlt incremental lag
// PEERS: dlt test_incremental lag
// PEERS: Airbyte DatetimeBasedCursor lookback_window
test('look-back asks from before the mark, and never from before the start', async () => {
  const list = items()
  const { stream, warehouse, asked } = setup({ items: list, incremental: { lookback: '1d' } })
  await runOnce(stream, warehouse)
  await runOnce(stream, warehouse)
  expect(asked().at(-1)).toBe('2024-01-02T00:00:00.123456Z')
  expect(warehouse.progress.get('all')!.highWater).toBe('2024-01-03T00:00:00.123456Z')
  const long = setup({ items: list, incremental: { lookback: '60d' } })
  await runOnce(long.stream, long.warehouse)
  await runOnce(long.stream, long.warehouse)
  expect(new Set(long.asked())).toEqual(new Set(['2024-01-01T00:00:00Z']))
})

// PEERS: dlt #2269
test('the mark stays at now less the margin at most, as it was when the list was begun', async () => {
  const list = [
    { id: 1, updated_at: '2024-01-01T00:00:00Z' },
    { id: 2, updated_at: '2024-01-02T11:59:30Z' },
  ]
  const { stream, warehouse } = setup({
    items: list,
    incremental: { margin: '1m' },
    now: '2024-01-02T12:00:00Z',
  })
  await runOnce(stream, warehouse)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: '2024-01-02T11:59:00Z' })
})

test('a record that changes while the list is read is read by the next run', async () => {
  const list = items()
  const { stream, warehouse, clock } = setup({ items: list, order: 'as it is' })
  await expect(runOnce(stream, warehouse, { crashAfterPages: 1 })).rejects.toThrow(Crash)
  await clock.advance(3_600_000)
  // Record 1 was on the first page, and a newer record comes on the next.
  list[0] = { id: 1, updated_at: '2024-06-01T00:30:00Z' }
  list[3] = { id: 4, updated_at: '2024-06-01T00:59:00Z' }
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')!.highWater).toBe('2024-06-01T00:00:00Z')
  await runOnce(stream, warehouse)
  expect(warehouse.rows.get('1')).toEqual({ id: 1, updated_at: '2024-06-01T00:30:00Z' })
})

// PEERS: dlt endpoint.incremental
test('with `endParam` the list ends at now less the margin, and the next run reads what came after', async () => {
  const list = items()
  const { stream, warehouse, client } = setup({
    items: list,
    incremental: { endParam: 'until', margin: '1m', format: 'epoch' },
    now: '2024-01-02T00:00:30Z',
  })
  await runOnce(stream, warehouse)
  expect(client.requests[0]!.query).toMatchObject({ since: 1704067200, until: 1704153570 })
})

// PEERS: dlt test_offline incremental convert
test('times as epoch numbers are compared as numbers, and the mark is stored as ISO', async () => {
  const { stream, warehouse, client } = setup({
    items: [
      { id: 1, updated_at: 1704067200 },
      { id: 2, updated_at: 1704153600 },
    ],
    incremental: { format: 'epoch' },
  })
  await runOnce(stream, warehouse)
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')!.highWater).toBe('2024-01-02T00:00:00Z')
  expect(client.requests.at(-1)!.query.since).toBe(1704153600)
})

// PEERS: Airbyte DatetimeBasedCursor is_client_side_incremental
test('without `param` the whole list is read, and what is older than the mark is left out here', async () => {
  const list = items()
  const { stream, warehouse, asked } = setup({ items: list, incremental: { param: undefined } })
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBe(4)
  list.push({ id: 5, updated_at: '2024-01-04T00:00:00Z' })
  await runOnce(stream, warehouse)
  expect(asked().every((since) => since === undefined)).toBe(true)
  expect(warehouse.received).toBe(6)
  // A page that was filtered to nothing is not the last page.
  expect(warehouse.pages.slice(3).map((page) => page.records.length)).toEqual([0, 1, 1, 0])
  expect(warehouse.progress.get('all')!.highWater).toBe('2024-01-04T00:00:00Z')
})

// PEERS: dlt incremental end_value
test('a backfill reads its own bounds and moves no checkpoint', async () => {
  const { stream, warehouse, asked } = setup({ items: items() })
  await runOnce(stream, warehouse)
  const before = warehouse.progress.get('all')
  const backfill = new Warehouse()
  await runOnce(stream, backfill, { scope: { since: '2024-01-02', until: '2024-01-03' } })
  expect([...backfill.rows.keys()]).toEqual(['2', '3'])
  expect(asked().at(-1)).toBe('2024-01-02T00:00:00Z')
  expect(backfill.progress.size).toBe(0)
  expect(warehouse.progress.get('all')).toEqual(before)
})

// PEERS: dlt test_incremental initial after end
test('a backfill of what is no time, or of nothing, is refused', () => {
  const { stream } = setup({ items: items() })
  expect(() => stream.slices(new Map(), { since: 'monday' })).toThrow(
    'shop.items: --since "monday" is no time: write an ISO date or time, as in "2024-01-31" or "2024-01-31T09:30:00Z"',
  )
  expect(() => stream.slices(new Map(), { since: '2024-01-02', until: '2024-01-02' })).toThrow(
    'shop.items: there is nothing from 2024-01-02T00:00:00Z (--since) to 2024-01-02T00:00:00Z (--until): the first is not before the second',
  )
})

// PEERS: dlt test_incremental row_order closes generators
test('C5: a list that is not in the order that was declared stops the stream, inside a page and between pages', async () => {
  const descending = setup({ items: items(), order: 'descending', incremental: { order: 'ascending' } })
  await expect(runOnce(descending.stream, descending.warehouse)).rejects.toThrow(
    "shop.items: `order: ascending` does not hold: a record with `updated_at` 2024-01-02T00:00:00Z came after one with 2024-01-03T00:00:00.123456Z. Ask the API to sort by that field, or set `order: 'none'`: the high-water mark then moves at the end only",
  )
  const byPage = setup({ items: items(), size: 1, order: 'descending', incremental: { order: 'ascending' } })
  await expect(runOnce(byPage.stream, byPage.warehouse)).rejects.toMatchObject({ code: 'PAGINATION_INVALID' })
  expect(byPage.warehouse.pages).toHaveLength(1)
})

// PEERS: dlt incremental on_cursor_value_missing
// PEERS: dlt test_incremental missing key or cursor
test('a record without the field stops the stream, and the message names the nearest field', async () => {
  const { stream, warehouse } = setup({ items: items(), incremental: { field: 'update_at' } })
  const failure = runOnce(stream, warehouse)
  await expect(failure).rejects.toMatchObject({ code: 'CURSOR_MISSING', recovery: 'fix-config' })
  await expect(failure).rejects.toThrow(
    "shop.items: a record has no `update_at`, which `incremental.field` names; did you mean `updated_at`? To load such records without moving the high-water mark, set `missing: 'keep'`",
  )
})

// PEERS: dlt test_incremental null cursor
test('a record with null in the field, or with no time in it, stops the stream', async () => {
  const empty = setup({ items: [{ id: 1, updated_at: null }] })
  await expect(runOnce(empty.stream, empty.warehouse)).rejects.toThrow(
    "shop.items: a record has null in `updated_at`, which `incremental.field` names. To load such records without moving the high-water mark, set `missing: 'keep'`",
  )
  const wrong = setup({ items: items(), incremental: { field: 'id.x' } })
  await expect(runOnce(wrong.stream, wrong.warehouse)).rejects.toThrow('a record has no `id.x`')
  const text = setup({ items: [{ id: 1, updated_at: 'soon' }], incremental: { param: undefined } })
  await expect(runOnce(text.stream, text.warehouse)).rejects.toThrow(
    'shop.items: `incremental.field: updated_at` should be an ISO 8601 time or a number counted from 1970, and a record has "soon"',
  )
})

// PEERS: dlt incremental on_cursor_value_missing
test('with `missing: keep` a record without the field is loaded and the mark goes by the others', async () => {
  const list = [...items(), { id: 9, updated_at: null }]
  const { stream, warehouse } = setup({ items: list, incremental: { missing: 'keep' } })
  await runOnce(stream, warehouse)
  expect(warehouse.rows.has('9')).toBe(true)
  expect(warehouse.progress.get('all')!.highWater).toBe('2024-01-03T00:00:00.123456Z')
})

test('a stored mark of another kind is refused', async () => {
  const { stream, warehouse } = setup({ items: items() })
  warehouse.progress.set('all', { position: null, highWater: '17' })
  await expect(runOnce(stream, warehouse)).rejects.toThrow(
    'shop.items: the stored high-water mark "17" is no time: `incremental` was something else when it was stored. Reset the stream\'s state, or run it with --full-refresh',
  )
})

// PEERS: dlt test_incremental dedup
// PEERS: dlt test_incremental unordered rows
test('property: however the list is paged, tied and cut into runs, every record is there, once by key', async () => {
  const item = fc.record({ at: fc.integer({ min: 0, max: 12 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom<[string, 'ascending' | 'descending' | 'as it is']>(
        ['ascending', 'ascending'],
        ['none', 'ascending'],
        ['none', 'descending'],
        ['none', 'as it is'],
      ),
      async (drawn, crashes, size, [order, sort]) => {
        const list: Item[] = drawn.map(({ at }, index) => ({
          id: index,
          updated_at: new Date(Date.parse('2024-02-01T00:00:00Z') + at * 1000).toISOString(),
        }))
        const { stream, warehouse } = setup({ items: list, incremental: { order }, size, order: sort })
        for (const crashAfterPages of crashes) {
          await runOnce(stream, warehouse, { crashAfterPages }).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error
          })
          // The mark never passes a record that is not there.
          const mark = warehouse.progress.get('all')?.highWater ?? null
          if (mark === null) continue
          for (const { id, updated_at } of list) {
            if (toMs(updated_at) < Date.parse(mark as string))
              expect(warehouse.rows.has(String(id))).toBe(true)
          }
        }
        await runOnce(stream, warehouse)
        expect([...warehouse.rows.values()].sort(byId)).toEqual(list)
      },
    ),
  )
})

function byId(a: JsonRecord, b: JsonRecord): number {
  return Number(a.id) - Number(b.id)
}

test('a start of so long before now does not move past the mark of a stream that was not run for long', async () => {
  const items = [{ id: 1, updated_at: '2024-05-30T00:00:00Z' }]
  const { clock, client, stream, warehouse } = setup({ items, incremental: { start: '7d' } })
  await runOnce(stream, warehouse)
  expect(client.requests[0]?.query.since).toBe('2024-05-25T00:00:00Z')
  items.push({ id: 2, updated_at: '2024-06-02T00:00:00Z' })
  await clock.advance(60 * 86_400_000)
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(2)
})
