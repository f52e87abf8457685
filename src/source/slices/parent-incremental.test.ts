import { expect, test } from 'vitest'
import { cursor } from '../../pagination/cursor.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { api, issues, type Lists, projects, twoProjects } from './scripted-parents.ts'

// PEERS: dlt test_offline parallel children
test('parents × incremental by time: each parent has its own high-water mark', async () => {
  // PEERS: dlt #2429
  // PEERS: dlt fault 7 one cursor for all parents
  const lists: Lists = {
    projects: [{ id: 1 }, { id: 2 }],
    'projects/1/issues': [{ id: 11, changed: '2026-06-01T00:00:00Z' }],
    'projects/2/issues': [{ id: 21, changed: '2026-01-15T00:00:00Z' }],
  }
  const client = api(lists)
  const clock = fakeClock({ start: Date.parse('2026-07-01') })
  const incremental = { by: 'time', field: 'changed', param: 'since', start: '2026-01-01' } as const
  const { issues: stream } = streamsOf(
    'desk',
    { projects, issues: { ...issues, incremental } },
    client,
    clock,
  )
  const warehouse = new Warehouse()
  expect(await runOnce(stream, warehouse)).toEqual(['id=1', 'id=2'])
  await runOnce(stream, warehouse)
  const since = client.requests.filter(({ url }) => url !== 'projects').map(({ query }) => query['since'])
  expect(since).toEqual([
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z',
    '2026-06-01T00:00:00Z',
    '2026-01-15T00:00:00Z',
  ])
  expect(warehouse.progress.get('id=2')).toEqual({ position: null, highWater: '2026-01-15T00:00:00Z' })
  // --since goes to each parent.
  await runOnce(stream, warehouse, { scope: { since: '2026-02-02' } })
  expect(client.requests.at(-1)!.query['since']).toBe('2026-02-02T00:00:00Z')
})

test('parents × incremental by position: each parent goes on from its own position', async () => {
  const client = scriptedClient(({ url, query }) => {
    if (url === 'projects') return { body: { items: [{ id: 1 }, { id: 2 }], next: null } }
    const from = Number(query['cursor'] ?? 0)
    const end = url.includes('/1/') ? 3 : 1
    const ids = from < end ? [{ id: `${url}#${from}` }] : []
    return { body: { items: ids, next: String(Math.min(end, from + 1)), more: from + 1 < end } }
  })
  const { issues: stream } = streamsOf(
    'desk',
    {
      projects,
      issues: {
        ...issues,
        paginate: cursor({ token: 'next', param: 'cursor', more: 'more', persist: true }),
        incremental: { by: 'position' },
      },
    },
    client,
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect([...warehouse.progress]).toEqual([
    ['id=1', { position: { at: '3' }, highWater: null }],
    ['id=2', { position: { at: '1' }, highWater: null }],
  ])
  const before = client.requests.length
  await runOnce(stream, warehouse)
  expect(client.requests.slice(before).map(({ url, query }) => `${url}#${query['cursor'] ?? ''}`)).toEqual([
    'projects#',
    'projects/1/issues#3',
    'projects/2/issues#1',
  ])
  expect(warehouse.received).toBe(4)
})

test('a backfill that the API has no filter for is refused before a parent is asked for', () => {
  const client = api(twoProjects)
  const { issues: stream } = streamsOf('desk', { issues, projects }, client)
  expect(() => stream.slices(new Map(), { since: '2024-01-01' })).toThrow(
    "desk.issues: --since can't bound this stream: it has neither `incremental` nor `slices` of time",
  )
  expect(client.requests).toEqual([])
})
