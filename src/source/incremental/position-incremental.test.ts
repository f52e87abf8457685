import { expect, test } from 'vitest'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

/** Zendesk's manners: `start_time` first, then cursors only; the last page names a cursor too, unless there was nothing. */
function desk(events: number[], { start = true }: { start?: boolean } = {}) {
  const client = scriptedClient(({ query }) => {
    const from = query.cursor === undefined ? 0 : Number(String(query.cursor).slice(1))
    const page = events.slice(from, from + 2)
    const end = from + page.length
    return {
      body: {
        tickets: page.map((id) => ({ id })),
        after_cursor: page.length === 0 ? null : `c${end}`,
        end_of_stream: end === events.length,
      },
    }
  })
  const stream = streamOf(
    'desk',
    'tickets',
    {
      path: 'incremental/tickets/cursor',
      records: 'tickets',
      query: { per_page: 2 },
      paginate: {
        type: 'cursor',
        token: 'after_cursor',
        param: 'cursor',
        more: '!end_of_stream',
        persist: true,
      },
      incremental: {
        by: 'position',
        ...(start && { start: { param: 'start_time', value: '2024-01-01', format: 'epoch' } }),
      },
      key: 'id',
    },
    client,
  )
  return { client, stream, warehouse: new Warehouse() }
}

// PEERS: Airbyte StateDelegatingStream
test('the start goes into the first request of all, and every other one goes by the cursor', async () => {
  const { client, stream, warehouse } = desk([1, 2, 3])
  await runOnce(stream, warehouse)
  expect(client.requests.map((request) => request.query)).toEqual([
    { per_page: 2, start_time: 1704067200 },
    { per_page: 2, cursor: 'c2' },
  ])
})

test('the next run goes on from the cursor of the last page, and one without news keeps it', async () => {
  const events = [1, 2, 3]
  const { client, stream, warehouse } = desk(events)
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 'c3' }, highWater: null })
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 'c3' }, highWater: null })
  events.push(4)
  await runOnce(stream, warehouse)
  expect(client.requests.slice(2).map((request) => request.query.cursor)).toEqual(['c3', 'c3'])
  expect(warehouse.received).toBe(4)
})

test('a first run without news begins again at the start', async () => {
  const { client, stream, warehouse } = desk([])
  await runOnce(stream, warehouse)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
  await runOnce(stream, warehouse)
  expect(client.requests[1]!.query).toEqual({ per_page: 2, start_time: 1704067200 })
})

test('C4: a read that died goes on at the page that was not committed', async () => {
  for (const crashAfterPages of [1, 2]) {
    const { stream, warehouse } = desk([1, 2, 3, 4, 5])
    await expect(runOnce(stream, warehouse, { crashAfterPages })).rejects.toThrow(Crash)
    await runOnce(stream, warehouse)
    expect(warehouse.received).toBe(5)
    expect(warehouse.rows.size).toBe(5)
  }
})

test('a backfill starts at --since and leaves the position alone; --until is refused', async () => {
  const { client, stream } = desk([1, 2, 3])
  const warehouse = new Warehouse()
  warehouse.progress.set('all', { position: { at: 'c3' }, highWater: null })
  await runOnce(stream, warehouse, { scope: { since: '2024-02-01' } })
  expect(client.requests[0]!.query).toEqual({ per_page: 2, start_time: 1706745600 })
  expect(warehouse.received).toBe(3)
  expect(warehouse.pages.every((page) => page.progress === undefined)).toBe(true)
  expect(() => stream.slices(new Map(), { since: '2024-01-01', until: '2024-02-01' })).toThrow(
    "desk.tickets: --since and --until can't bound this stream: `incremental.by: position` reads from a position to the end of the list",
  )
  expect(() => desk([], { start: false }).stream.slices(new Map(), { since: '2024-01-01' })).toThrow(
    "desk.tickets: --since can't bound this stream: `incremental.start` names no parameter to ask with",
  )
})
