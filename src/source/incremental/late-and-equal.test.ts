// Records that arrive behind the high-water mark, and any number of records of one time: found once, with a state that does not grow.
import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { RestOptions } from '../rest-options.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

type Item = { readonly id: number; readonly at: string }

const minute = 60_000
const start = Date.parse('2024-01-01T00:00:00Z')
const timeOf = (minutes: number) => new Date(start + minutes * minute).toISOString()

/** An API that filters by `since`, inclusive, and sorts by time. */
function reading(items: Item[], incremental: object, paginate: RestOptions['streams'][string]['paginate']) {
  const clock = fakeClock({ start: start + 10_000 * minute })
  const client = scriptedClient(({ query }) => {
    const since = Date.parse(String(query['since']))
    const found = items
      .filter(({ at }) => Date.parse(at) >= since)
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.id - b.id)
    const from = Number(query['offset'] ?? query['cursor'] ?? 0)
    const next = from + 10 < found.length ? String(from + 10) : null
    return { body: { data: found.slice(from, from + 10), next } }
  })
  const stream = streamOf(
    'api',
    'items',
    {
      path: 'items',
      records: 'data',
      key: 'id',
      paginate,
      incremental: { by: 'time', field: 'at', param: 'since', start: '2024-01-01', ...incremental } as never,
    },
    client,
    clock,
  )
  return { stream, client }
}

const paginators = [
  ['cursor', { type: 'cursor', token: 'next', param: 'cursor' }],
  ['offset', { type: 'offset', size: { param: 'limit', value: 10 } }],
] as const

test.each(paginators)(
  'what arrives late within the look-back is found, and is there once (%s)',
  async (_kind, paginate) => {
    const items: Item[] = Array.from({ length: 40 }, (_, id) => ({ id, at: timeOf(10 * id) }))
    const { stream } = reading(items, { lookback: '2h' }, paginate)
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    const size = () => JSON.stringify([...warehouse.progress]).length
    const before = size()
    for (let run = 0; run < 20; run++) {
      // Within the two hours before the mark, and never at its end.
      const id = items.length
      items.push({ id, at: timeOf(390 - 5 - run * 5) })
      await runOnce(stream, warehouse)
      expect(warehouse.rows.size).toBe(items.length)
      expect(size()).toBe(before)
    }
    // What lies beyond the look-back is not looked for.
    items.push({ id: 1000, at: timeOf(100) })
    await runOnce(stream, warehouse)
    expect(warehouse.rows.has('1000')).toBe(false)
  },
)

test.each(paginators)(
  'any number of records of one time is read, whatever pages they lie on (%s)',
  async (_kind, paginate) => {
    for (const order of ['none', 'ascending']) {
      const items: Item[] = Array.from({ length: 35 }, (_, id) => ({ id, at: timeOf(id < 2 ? id : 5) }))
      const { stream } = reading(items, { order }, paginate)
      const warehouse = new Warehouse()
      await runOnce(stream, warehouse)
      expect(warehouse.received).toBe(35)
      // More of the very same time, which the mark stands at.
      for (let id = 35; id < 70; id++) items.push({ id, at: timeOf(5) })
      await runOnce(stream, warehouse)
      expect(warehouse.rows.size).toBe(70)
      items.push({ id: 70, at: timeOf(6) })
      await runOnce(stream, warehouse)
      expect(warehouse.rows.size).toBe(71)
    }
  },
)

test('a run that is cut short among records of one time goes on behind the last one that was committed', async () => {
  for (const [, paginate] of paginators) {
    const items: Item[] = Array.from({ length: 45 }, (_, id) => ({ id, at: timeOf(5) }))
    const { stream } = reading(items, { order: 'ascending' }, paginate)
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages: 2 })).rejects.toThrow('after 2 pages')
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(45)
    expect(warehouse.received).toBe(45)
  }
})
