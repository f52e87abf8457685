// Which lists overlap, and what is told of those that shift.
import { expect, test } from 'vitest'
import type { SluiceEvent } from '../../ports/events.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

const size = { param: 'limit', value: 10 }
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at): JsonRecord => ({ id: from + at }))

type StreamInput = RestOptions['streams'][string]

/** A list that `change` writes to before the request of each number, from 1. */
function reading(
  list: JsonRecord[],
  change: (request: number) => void,
  options: Partial<StreamInput> = {},
  pageSize = 10,
) {
  const events: SluiceEvent[] = []
  const client = scriptedClient(({ query }) => {
    change(client.requests.length)
    const from = Number(query['offset'])
    return { body: { data: list.slice(from, from + pageSize) } }
  })
  const { items } = streamsOf(
    'api',
    { items: { path: 'items', records: 'data', key: 'id', paginate: { type: 'offset', size }, ...options } },
    client,
    fakeClock(),
    (event) => events.push(event),
  )
  const told = (type: SluiceEvent['type']) => events.filter((event) => event.type === type)
  const offsets = () => client.requests.map(({ query }) => query['offset'])
  return { stream: items!, told, offsets, client }
}

test('a record that is deleted in front of the place costs no other one: the place is found again', async () => {
  const list = rows(0, 30)
  const { stream, told, offsets } = reading(list, (request) => request === 2 && list.splice(3, 2))
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect([...warehouse.rows.values()].map(({ id }) => id)).toEqual(rows(0, 30).map(({ id }) => id))
  expect(warehouse.received).toBe(30)
  expect(offsets().slice(0, 4)).toEqual([0, 9, 4, 13])
  expect(told('list.shift')).toMatchObject([{ by: -2, pages: 1 }])
})

test('records that come in front of the place are found on the page, and read twice by nobody', async () => {
  const list = rows(0, 30)
  const { stream, told } = reading(list, (request) => request === 2 && list.unshift(...rows(100, 103)))
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBe(30)
  expect(told('list.shift')).toMatchObject([{ by: 3, pages: 0 }])
  expect(told('stream.warning')).toEqual([])
})

test('an order that is not stable is told once', async () => {
  const list = rows(0, 40)
  const touch = () => {
    // What is read and then changed moves to the end, as in a list by the time of the last change.
    const [first] = list.splice(2, 1)
    list.push({ ...first!, changed: true })
  }
  const { stream, told } = reading(list, (request) => request > 1 && request < 4 && touch())
  await runOnce(stream, new Warehouse())
  expect(told('stream.warning')).toMatchObject([
    { message: expect.stringContaining('the order of the list is not stable') },
  ])
})

test('R5: pages in no order at all stop the stream, and say what to change', async () => {
  let next = 0
  const client = scriptedClient(() => {
    next += 10
    return { body: { data: rows(next - 10, next) } }
  })
  const { items } = streamsOf(
    'api',
    { items: { path: 'items', records: 'data', key: 'id', paginate: { type: 'offset', size } } },
    client,
  )
  await expect(runOnce(items!, new Warehouse())).rejects.toMatchObject({
    code: 'PAGINATION_STUCK',
    message: expect.stringContaining('the API gives its pages in no stable order'),
  })
})

test('a place that is found again far in front is no circle, however many pages lead from there to what is unread', async () => {
  const list = rows(0, 500)
  const paginate = { type: 'offset', size: { param: 'limit', value: 2 }, overlap: 'anchor' } as const
  const { stream } = reading(
    list,
    // All that was read within the reach of the search.
    (request) => request === 401 && list.splice(350, 51),
    { paginate },
    2,
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBe(500)
  expect(warehouse.rows.size).toBe(500)
})

test('R5: a list that is pushed back by as many records as a page leads on stops the stream, and says what to change', async () => {
  const list = rows(0, 50)
  const paginate = { type: 'offset', size: { param: 'limit', value: 2 }, overlap: 'anchor' } as const
  const { stream, client } = reading(list, (request) => list.unshift({ id: -request }), { paginate }, 2)
  await expect(runOnce(stream, new Warehouse())).rejects.toMatchObject({
    code: 'PAGINATION_STUCK',
    message: expect.stringMatching(
      /300 pages in a row brought no record that had not been read, and led no farther: .* Ask for larger pages/,
    ),
  })
  expect(client.requests.length).toBeLessThan(400)
})

test('R1: an API that does not know the offset is stopped', async () => {
  const client = scriptedClient(() => ({ body: { data: rows(0, 10) } }))
  const { items } = streamsOf(
    'api',
    { items: { path: 'items', records: 'data', key: 'id', paginate: { type: 'offset', size } } },
    client,
  )
  await expect(runOnce(items!, new Warehouse())).rejects.toMatchObject({ code: 'PAGINATION_LOOP' })
  expect(client.requests.length).toBeLessThan(6)
})

test('C4: what an earlier run has stored is known by short hashes, and the place is found by them', async () => {
  const list = rows(0, 40)
  const { stream, offsets } = reading(list, () => {})
  const warehouse = new Warehouse()
  await expect(runOnce(stream, warehouse, { crashAfterPages: 2 })).rejects.toThrow()
  const stored = warehouse.progress.get('all')!.position as { at: { at: number; known: string[] } }
  expect(stored.at.at).toBe(18)
  expect(stored.at.known).toHaveLength(9)
  expect(JSON.stringify(stored).length).toBeLessThan(200)
  // The record that was read last is gone, and others in front of it.
  list.splice(17, 2)
  list.splice(0, 3)
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBe(40)
  expect(new Set([...warehouse.rows.values()].map(({ id }) => id)).size).toBe(40)
  expect(offsets().length).toBeLessThan(10)
})

test('a position of a run whose pages did not overlap is taken up', async () => {
  const { stream, offsets } = reading(rows(0, 40), () => {})
  const warehouse = new Warehouse()
  warehouse.progress.set('all', { position: { at: 20 }, highWater: null })
  await runOnce(stream, warehouse)
  expect([...warehouse.rows.values()].map(({ id }) => id)).toEqual(rows(20, 40).map(({ id }) => id))
  expect(offsets()[0]).toBe(20)
})

test('pages overlap by default where it costs little and a key tells records apart, and the plan says so', () => {
  const paging = (options: Partial<StreamInput>) =>
    reading([], () => {}, options).stream.preview({ key: 'all', progress: null }).paging
  expect(paging({})).toContain('overlap by one record')
  expect(paging({ write: 'replace', sides: { users: { records: 'users' } } })).toContain('hides another one')
  expect(paging({ paginate: { type: 'offset', size, overlap: 'none' } })).toContain('hides another one')
  expect(paging({ paginate: { type: 'offset', size: { param: 'limit', value: 9 } } })).toContain('hides')
  expect(paging({ paginate: { type: 'offset', size, depth: { records: 100 } } })).toContain('hides')
  expect(paging({ paginate: { type: 'page-number', size } })).toContain('hides')
  const numbered = { type: 'page-number', size: { param: 'limit', value: 50 }, overlap: 'anchor' } as const
  expect(paging({ paginate: numbered })).toContain('overlap, by other page sizes')
})

test('what can not overlap is refused when the pipeline is loaded', () => {
  const problem = (options: object) => {
    const stream = {
      path: 'items',
      key: 'id',
      paginate: { type: 'offset', size, overlap: 'anchor' },
      ...options,
    }
    const parsed = restOptions.safeParse({
      type: 'rest',
      baseUrl: 'https://api.test',
      streams: { items: stream },
    })
    return parsed.error?.issues.map(({ message }) => message).join('\n')
  }
  expect(problem({})).toBeUndefined()
  expect(problem({ key: undefined })).toContain('knows records again by their key, and there is none')
  expect(problem({ format: 'jsonl' })).toContain('a page is handed on while it arrives')
  expect(problem({ sides: { users: { records: 'users' } } })).toContain('give each of `sides` a `key`')
  const deep = { type: 'offset', size, overlap: 'anchor', depth: { records: 10 } }
  expect(problem({ paginate: deep })).toContain('with `depth` pages are counted as the API counts them')
  const small = { type: 'page-number', size, overlap: 'anchor' }
  expect(problem({ paginate: small })).toContain('with a `value` of 20 or more')
})

/** An incremental list of 40, of which a record that was read moves to the end. */
function moving(incremental: StreamInput['incremental'], changed: JsonRecord) {
  const list = rows(0, 40).map(
    (record, at): JsonRecord => ({ ...record, at: `2026-01-01T00:00:${at + 10}Z` }),
  )
  const move = (request: number) => {
    if (request !== 2) return
    const [record] = list.splice(2, 1)
    list.push({ ...record!, ...changed })
  }
  return reading(list, move, { ...(incremental && { incremental }) })
}
const byTime = { by: 'time', field: 'at', param: 'since', start: '2020-01-01' } as const

test('an order that is not stable is told of an incremental list, too, unless the cursor has risen where a record has moved', async () => {
  const warnings = async (...given: Parameters<typeof moving>) => {
    const { stream, told } = moving(...given)
    await runOnce(stream, new Warehouse())
    return told('stream.warning').length
  }
  expect(await warnings(byTime, { at: '2026-01-01T00:00:59Z' })).toBe(0)
  expect(await warnings(byTime, {})).toBe(1)
  expect(await warnings(byTime, { at: '2026-01-01T00:00:05Z', changed: true })).toBe(1)
  // The same time in another zone.
  expect(await warnings(byTime, { at: '2026-01-01T02:00:12+02:00' })).toBe(1)
  expect(await warnings(byTime, { at: '2026-01-01T03:00:12+02:00' })).toBe(0)
  expect(await warnings({ by: 'id', field: 'id', param: 'since' }, { changed: true })).toBe(1)
  expect(await warnings(undefined, { at: '2026-01-01T00:00:59Z' })).toBe(1)
})

test('a record that moves from long ago is told of by its cursor, too', async () => {
  for (const [at, warnings] of [
    [1_700_000_005, 1],
    [1_800_000_000, 0],
  ]) {
    const list = rows(0, 1700).map((record, at): JsonRecord => ({ ...record, at: 1_700_000_000 + at }))
    const move = (request: number) => {
      if (request !== 160) return
      const [record] = list.splice(5, 1)
      list.push({ ...record!, at: at! })
    }
    const { stream, told } = reading(list, move, { incremental: byTime })
    await runOnce(stream, new Warehouse())
    expect(told('stream.warning')).toHaveLength(warnings!)
  }
})

test('in a stable order no warning is given of what came in between, changed, or was read while the last record was out of sight', async () => {
  const list = rows(0, 60)
  const { stream, told } = reading(list, (request) => {
    // What comes in front of the place is read, changes, and is pushed on to the next page.
    if (request === 2) list.splice(9, 0, { id: 100 }, { id: 101 })
    if (request === 3) list.splice(10, 0, { id: 102 })
    if (request === 3) list[12] = { ...list[12]!, changed: 1 }
    if (request === 4) list.unshift(...rows(200, 208))
    if (request === 5) list.splice(18, 0, ...rows(300, 318))
  })
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(rows(0, 60).every(({ id }) => warehouse.rows.has(String(id)))).toBe(true)
  expect(told('list.shift').length).toBeGreaterThan(2)
  expect(told('stream.warning')).toEqual([])
})
