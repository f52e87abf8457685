import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'
import { idOrdering } from './id-ordering.ts'

type Id = number | string

interface Setup {
  readonly ids: Id[]
  readonly incremental?: Record<string, unknown>
  readonly size?: number
  readonly newestFirst?: boolean
}

/** An API that gives what has a greater id than `since_id` (or that very one, where `inclusive`), by offset. */
function setup({ ids, incremental = {}, size = 2, newestFirst = false }: Setup) {
  const client = scriptedClient(({ query }) => {
    const since = query.since_id === undefined ? undefined : BigInt(query.since_id as string)
    const matching = ids.filter((id) => {
      if (since === undefined) return true
      return incremental.inclusive ? BigInt(id) >= since : BigInt(id) > since
    })
    matching.sort((a, b) => Number(BigInt(a) - BigInt(b)))
    if (newestFirst) matching.reverse()
    const offset = Number(query.offset ?? 0)
    return { body: matching.slice(offset, offset + size).map((id) => ({ id })) }
  })
  const stream = streamOf(
    'chat',
    'messages',
    {
      path: 'messages',
      paginate: { type: 'offset', param: 'offset', size: { param: 'limit', value: size } },
      key: 'id',
      incremental: { by: 'id', field: 'id', param: 'since_id', ...incremental },
    },
    client,
  )
  const asked = () => client.requests.map((request) => request.query.since_id)
  return { client, stream, asked, warehouse: new Warehouse() }
}

// PEERS: Airbyte IncrementingCountCursor
test('the first run asks without a bound, or with `start`, the next one with the greatest id', async () => {
  const { stream, warehouse, asked } = setup({ ids: [7, 10, 9] })
  await runOnce(stream, warehouse)
  await runOnce(stream, warehouse)
  expect(asked()).toEqual([undefined, undefined, undefined, '10'])
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: '10' })
  expect(warehouse.received).toBe(3)
  const started = setup({ ids: [7, 10, 9], incremental: { start: 7 } })
  await runOnce(started.stream, started.warehouse)
  expect(started.asked()[0]).toBe('7')
  expect([...started.warehouse.rows.keys()]).toEqual(['9', '10'])
})

test('R4: ids beyond 2^53 are compared and sent with all of their digits', async () => {
  const { stream, warehouse, asked } = setup({ ids: ['9007199254740993', '9007199254740992', '999'] })
  await runOnce(stream, warehouse)
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')!.highWater).toBe('9007199254740993')
  expect(asked().at(-1)).toBe('9007199254740993')
})

test('C5: newest first the mark moves at the end, in ascending order with each page', async () => {
  const newest = setup({ ids: [1, 2, 3, 4], newestFirst: true })
  await runOnce(newest.stream, newest.warehouse)
  expect(newest.warehouse.pages.map((page) => page.progress)).toMatchObject([
    { position: { highest: '4', since: null }, highWater: null },
    { position: { highest: '4' }, highWater: null },
    { position: null, highWater: '4' },
  ])
  const ascending = setup({ ids: [1, 2, 3, 4], incremental: { order: 'ascending' } })
  await runOnce(ascending.stream, ascending.warehouse)
  expect(ascending.warehouse.pages.map((page) => page.progress!.highWater)).toEqual(['2', '4', '4'])
})

// PEERS: dlt incremental lag
test('look-back asks from before the mark, and never from before the start', async () => {
  const { stream, warehouse, asked } = setup({ ids: [5, 20], incremental: { lookback: 10, start: 3 } })
  await runOnce(stream, warehouse)
  await runOnce(stream, warehouse)
  expect(asked().at(-1)).toBe('10')
  const long = setup({ ids: [5, 20], incremental: { lookback: 100, start: 3 } })
  await runOnce(long.stream, long.warehouse)
  await runOnce(long.stream, long.warehouse)
  expect(long.asked().at(-1)).toBe('3')
})

test('a backfill by time is refused, since ids know no time', () => {
  const { stream } = setup({ ids: [] })
  expect(() => stream.slices(new Map(), { since: '2024-01-01' })).toThrow(
    "chat.messages: --since can't bound this stream: `incremental.by: id` goes by ids, and a time says nothing about them",
  )
})

test('an id that is no whole number stops the stream', async () => {
  const client = scriptedClient(() => ({ body: [{ id: '8f14e45f' }] }))
  const stream = streamOf(
    'chat',
    'm',
    { path: 'm', paginate: { type: 'none' }, incremental: { by: 'id', field: 'id', param: 'since' } },
    client,
  )
  expect(stream.write).toBe('append')
  await expect(runOnce(stream, new Warehouse())).rejects.toThrow(
    'chat.m: `incremental.field: id` should be a whole number, or digits in a text, and a record has "8f14e45f"',
  )
})

test('a stored mark of another kind is refused', async () => {
  const { stream, warehouse } = setup({ ids: [1] })
  warehouse.progress.set('all', { position: null, highWater: '2024-01-01T00:00:00Z' })
  await expect(runOnce(stream, warehouse)).rejects.toThrow(
    'chat.messages: the stored high-water mark "2024-01-01T00:00:00Z" is no id: `incremental` was something else when it was stored. Reset the stream\'s state, or run it with --full-refresh',
  )
})

// PEERS: dlt string cursors compare lexically
test('property: ids of any form are ordered as the whole numbers that they are', () => {
  const id = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
  const form = fc.constantFrom<(id: bigint) => bigint | string | number>(
    (value) => value,
    (value) => String(value),
    (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)),
    (value) => (value < 0n ? String(value) : `00${value}`),
  )
  fc.assert(
    fc.property(id, id, form, form, (a, b, left, right) => {
      expect(Math.sign(idOrdering.compare(left(a), right(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
    }),
  )
})

test('property: however the runs are cut, every id is there, and none comes twice while nothing is read again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }),
      fc.uniqueArray(fc.integer({ min: 61, max: 99 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 5 }),
      fc.boolean(),
      async (first, later, crashes, newestFirst) => {
        const ids = [...first]
        const { stream, warehouse } = setup({ ids, newestFirst })
        for (const crashAfterPages of crashes) {
          await runOnce(stream, warehouse, { crashAfterPages }).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error
          })
        }
        await runOnce(stream, warehouse)
        ids.push(...later)
        await runOnce(stream, warehouse)
        expect(new Set(warehouse.rows.keys())).toEqual(new Set([...first, ...later].map(String)))
        expect(warehouse.received).toBe(ids.length)
      },
    ),
  )
})
