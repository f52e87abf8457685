// A list that was read as a whole, against what its API says that there is.
import { expect, test } from 'vitest'
import type { SluiceEvent } from '../../ports/events.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { RestOptions } from '../rest-options.ts'
import { runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

const rows = (count: number) => Array.from({ length: count }, (_, id): JsonRecord => ({ id }))

function reading(totals: (page: number) => unknown, options: Partial<RestOptions['streams'][string]> = {}) {
  const events: SluiceEvent[] = []
  let page = 0
  const client = scriptedClient(({ query }) => {
    const from = Number(query['cursor'] ?? 0)
    const next = from + 10 < 25 ? String(from + 10) : null
    return { body: { data: rows(25).slice(from, from + 10), next, meta: { total: totals(++page) } } }
  })
  const { items } = streamsOf(
    'api',
    {
      items: {
        path: 'items',
        records: 'data',
        key: 'id',
        paginate: { type: 'cursor', token: 'next', param: 'cursor' },
        count: { total: 'meta.total' },
        ...options,
      },
    },
    client,
    fakeClock(),
    (event) => events.push(event),
  )
  const warehouse = new Warehouse()
  return { stream: items, warehouse, told: () => events.filter(({ type }) => type === 'count.mismatch') }
}

test('a list that gave what its API says is not spoken of', async () => {
  const { stream, warehouse, told } = reading(() => 25)
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(25)
  expect(told()).toEqual([])
})

test('a list that gave fewer or more than its API says is told of', async () => {
  for (const total of [26, '24']) {
    const { stream, warehouse, told } = reading(() => total)
    await runOnce(stream, warehouse)
    expect(told()).toMatchObject([
      { stream: 'api.items', slice: 'all', expected: Number(total), found: 25, place: 'meta.total' },
    ])
  }
})

test('what came or went while the list was read lies between what its pages say', async () => {
  for (const totals of [
    [25, 25, 27],
    [23, 26, 26],
    [25, null, undefined],
  ]) {
    const { stream, warehouse, told } = reading((page) => totals[page - 1])
    await runOnce(stream, warehouse)
    expect(told()).toEqual([])
  }
})

test('`onMismatch: fail` stops the stream before its last page is loaded, and says what to do', async () => {
  const { stream, warehouse } = reading(() => 30, { count: { total: 'meta.total', onMismatch: 'fail' } })
  await expect(runOnce(stream, warehouse)).rejects.toMatchObject({
    code: 'COUNT_MISMATCH',
    message: expect.stringContaining(
      'api.items: the list gave 25 records, and the API says at `meta.total` that there are 30. Run it again with --full-refresh',
    ),
  })
  expect(warehouse.rows.size).toBe(20)
})

test('a list that was read from its middle on is not compared, nor one that is to be ignored', async () => {
  const cut = reading(() => 30)
  await expect(runOnce(cut.stream, cut.warehouse, { crashAfterPages: 1 })).rejects.toThrow('after 1 pages')
  await runOnce(cut.stream, cut.warehouse)
  expect(cut.warehouse.rows.size).toBe(25)
  expect(cut.told()).toEqual([])
  const ignored = reading(() => 30, { count: { total: 'meta.total', onMismatch: 'ignore' } })
  await runOnce(ignored.stream, ignored.warehouse)
  expect(ignored.told()).toEqual([])
})

test('the total of `paginate` is compared without being named again, over pages that overlap', async () => {
  const events: SluiceEvent[] = []
  const client = scriptedClient(({ query }) => {
    const from = Number(query['offset'])
    // Two of the records that it counts are never shown.
    return { body: { data: rows(40).slice(from, from + 10), total: 42 } }
  })
  const paginate = { type: 'offset', total: 'total', size: { param: 'limit', value: 10 } } as const
  const { items } = streamsOf(
    'api',
    { items: { path: 'items', records: 'data', key: 'id', paginate } },
    client,
    fakeClock(),
    (event) => events.push(event),
  )
  await runOnce(items, new Warehouse())
  expect(events.filter(({ type }) => type === 'count.mismatch')).toMatchObject([{ expected: 42, found: 40 }])
})

/** A list of records with `total`, in pages of 10 by offset, which `change` writes to before the request of each number, from 1. */
function shifting(
  list: JsonRecord[],
  change: (request: number) => void,
  options: Partial<RestOptions['streams'][string]> = {},
) {
  const events: SluiceEvent[] = []
  const client = scriptedClient(({ query }) => {
    change(client.requests.length)
    const from = Number(query['offset'])
    const size = Number(query['limit'])
    return {
      body: { data: list.slice(from, from + size).filter(({ hidden }) => !hidden), total: list.length },
    }
  })
  const paginate = { type: 'offset', total: 'total', size: { param: 'limit', value: 10 } } as const
  const stream = { path: 'items', records: 'data', key: 'id', paginate, ...options }
  const { items } = streamsOf('api', { items: stream }, client, fakeClock(), (event) => events.push(event))
  return { stream: items, told: () => events.filter(({ type }) => type === 'count.mismatch') }
}

test('a record that changes while the list is read is counted once', async () => {
  for (const onMismatch of ['warn', 'fail'] as const)
    for (const inserted of [[], [{ id: 100 }, { id: 101 }]]) {
      const list = rows(40)
      const change = (request: number) => {
        // The last record of the first page, with which the second one begins, and one that is pushed on to the third.
        if (request === 2) list[9] = { id: 9, changed: 1 }
        if (request !== 3) return
        list[17] = { id: 17, changed: 1 }
        list.unshift(...inserted)
      }
      const { stream, told } = shifting(list, change, { count: { onMismatch } })
      const warehouse = new Warehouse()
      await runOnce(stream, warehouse)
      expect(told()).toEqual([])
      expect(warehouse.received).toBe(inserted.length === 0 ? 41 : 42)
      expect(warehouse.rows.size).toBe(40)
    }
})

test('what goes in front of the place while as much comes behind it leaves the number as it is, and is no mismatch', async () => {
  const list = rows(40)
  const change = (request: number) => {
    if (request === 2) {
      list.splice(2, 2)
      list.push({ id: 100 }, { id: 101 })
    }
  }
  const { stream, told } = shifting(list, change, { count: { onMismatch: 'fail' } })
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(42)
  expect(told()).toEqual([])
  const other = rows(40)
  const back = (request: number) => {
    if (request !== 2) return
    other.splice(30, 2)
    other.unshift({ id: 100 }, { id: 101 })
  }
  const second = shifting(other, back, { count: { onMismatch: 'fail' } })
  await runOnce(second.stream, warehouse)
  expect(second.told()).toEqual([])
})

test('a number that falls and rises again allows for what went behind what was read, and came in front of what was not', async () => {
  for (const totals of [
    [25, 24, 25],
    [24, 23, 24],
  ]) {
    const { stream, warehouse, told } = reading((page) => totals[page - 1])
    await runOnce(stream, warehouse)
    expect(told()).toEqual([])
  }
})

test('a list that was begun anew, because its place was lost, is not compared: some of it is counted twice', async () => {
  const list = rows(3000)
  const { stream, told } = shifting(
    list,
    (request) => {
      // All that is remembered of what was read, and more.
      if (request === 26) list.splice(300, 2176)
    },
    {
      paginate: { type: 'offset', size: { param: 'limit', value: 100 } },
      count: { total: 'total', onMismatch: 'fail' },
    },
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBeGreaterThan(3000)
  expect(told()).toEqual([])
})

test('a record that an incremental list gives again where it has moved to is none too many; one that lacks is told of', async () => {
  const twice = (list: JsonRecord[], total: number) => {
    const incremental = { by: 'time', field: 'at', param: 'since', start: '2020-01-01' } as const
    const events: SluiceEvent[] = []
    const client = scriptedClient(({ query }) => {
      const from = Number(query['cursor'] ?? 0)
      const next = from + 10 < list.length ? String(from + 10) : null
      return { body: { data: list.slice(from, from + 10), next, total } }
    })
    const paginate = { type: 'cursor', token: 'next', param: 'cursor' } as const
    const items = {
      path: 'items',
      records: 'data',
      key: 'id',
      paginate,
      incremental,
      count: { total: 'total' },
    }
    const streams = streamsOf('api', { items }, client, fakeClock(), (event) => events.push(event))
    return {
      stream: streams.items,
      told: () => events.filter(({ type }) => type === 'count.mismatch'),
    }
  }
  const list = rows(20).map((record, at): JsonRecord => ({ ...record, at: 1_700_000_000 + at }))
  const again = twice([...list, { id: 3, at: 1_700_000_100 }], 20)
  await runOnce(again.stream, new Warehouse())
  expect(again.told()).toEqual([])
  const lacking = twice(list, 21)
  await runOnce(lacking.stream, new Warehouse())
  expect(lacking.told()).toMatchObject([{ expected: 21, found: 20 }])
})

test('records that an API counts and leaves out of its pages are no records that came: they are told of', async () => {
  const list = rows(42).map(
    (record): JsonRecord => ({ ...record, hidden: record['id'] === 3 || record['id'] === 15 }),
  )
  const { stream, told } = shifting(list, () => {})
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(40)
  expect(told()).toMatchObject([{ expected: 42, found: 40 }])
})
