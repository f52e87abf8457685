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
