import { expect, test } from 'vitest'
import { ReportBuilder } from '../observe/report.ts'
import type { JsonRecord } from '../ports/json.ts'
import { ownerField, type SideTable, tombstoneField } from '../ports/source.ts'
import { type ListStreamOptions, listStream, records } from './testing/list-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const desk = streamLoads()
const { load, rows } = desk

const users: SideTable = { table: 'users', key: ['id'], write: 'merge' }
const tags: SideTable = { table: 'tags', key: [], write: 'owned', owner: ['ticket'] }

/** Pages of records, each with the rows of one side table. */
function besideStream(
  side: SideTable,
  pages: readonly (readonly [records: readonly JsonRecord[], rows: readonly JsonRecord[]])[],
  options: Partial<ListStreamOptions> = {},
) {
  return listStream({
    slices: { all: pages.map(([main]) => main) },
    sides: [side],
    beside: (_slice, page) => ({ sides: new Map([[side.table, pages[page]![1]]]) }),
    ...options,
  })
}

/** A record with the tags that are split off of it. */
const tagged = (owner: number, record: JsonRecord, ...names: Json[]) => ({
  record: { ...record, [ownerField]: owner },
  rows: names.map((name) => ({ ticket: record['id']!, tag: name, [ownerField]: owner })),
})
type Json = string | number
const pageOf = (...owners: readonly ReturnType<typeof tagged>[]) =>
  [owners.map(({ record }) => record), owners.flatMap((owner) => owner.rows)] as const

test('rows of side tables are committed along, counted in the commit and in the report', async () => {
  const stream = besideStream(users, [
    [records(1, 2), [{ id: 7, name: 'Ada' }, { name: 'nobody' }]],
    [records(3, 4), [{ id: 7, name: 'Ada' }]],
  ])
  await load(stream)
  expect(rows('desk_tickets')).toEqual(records(1, 4))
  expect(rows('users')).toEqual([{ id: 7, name: 'Ada' }])
  const report = new ReportBuilder()
  for (const event of desk.events) report.add(event)
  expect(report.build().streams[0]).toMatchObject({
    records: 4,
    inserted: 4,
    rejected: 0,
    rejectReason: 'table users: key field "id" is missing',
    sides: [{ table: 'users', inserted: 1, updated: 0, unchanged: 1, deleted: 0, rejected: 1 }],
    schemaChanges: [
      'added column id (integer)',
      'table users: added column id (integer)',
      'table users: added column name (text)',
    ],
  })
  expect(desk.destination.rejects('support')).toMatchObject([
    { record: '{"name":"nobody"}', reason: 'table users: key field "id" is missing' },
  ])
})

test('a row of a side table without a key fails the stream that is told to fail then', async () => {
  const stream = besideStream(users, [[records(1, 1), [{ name: 'nobody' }]]], { onReject: 'fail' })
  const { error } = await load(stream)
  expect(error).toMatchObject({ code: 'KEY_INVALID' })
  expect((error as Error).message).toContain('desk.tickets, table users: key field "id" is missing')
})

test('what a page could not make a record of is kept with its reason, and counts as read', async () => {
  const stream = listStream({
    slices: { all: [records(1, 2)] },
    onReject: 'fail',
    beside: () => ({ rejects: [{ record: { line: '{"id": 3' }, reason: 'this line is no JSON' }] }),
  })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(desk.destination.rejects('support')).toMatchObject([
    { stream: 'desk.tickets', record: '{"line":"{\\"id\\": 3"}', reason: 'this line is no JSON', times: 1 },
  ])
  expect(desk.events.find(({ type }) => type === 'page.read')).toMatchObject({ records: 3 })
  expect(desk.events.find(({ type }) => type === 'load.commit')).toMatchObject({
    records: 3,
    inserted: 2,
    rejected: 1,
  })
  expect(desk.events.find(({ type }) => type === 'record.reject')).toMatchObject({
    count: 1,
    reason: 'this line is no JSON',
  })
})

test('a page that widens a column of a side table begins a new batch', async () => {
  const stream = besideStream(users, [
    [records(1, 1), [{ id: 7, score: 1 }]],
    [records(2, 2), [{ id: 8, score: 2 }]],
    [records(3, 3), [{ id: 9, score: 'high' }]],
  ])
  await load(stream)
  const commits = desk.events.flatMap((event) => (event.type === 'load.commit' ? [event.records] : []))
  expect(commits).toEqual([2, 1])
  expect(rows('users').map((row) => row['score'])).toEqual(['1', '2', 'high'])
})

test('rows of side tables fill a batch, too', async () => {
  const many = Array.from({ length: 9 }, (_, id) => ({ id }))
  await load(
    besideStream(users, [
      [records(1, 1), many],
      [records(2, 2), many],
    ]),
  )
  expect(desk.events.filter(({ type }) => type === 'load.commit')).toHaveLength(2)
})

test('side tables are replaced along with the table of their stream', async () => {
  await load(besideStream(users, [[records(1, 2), [{ id: 7 }, { id: 8 }]]]))
  await load(besideStream(users, [[records(2, 2), [{ id: 8 }]]], { write: 'replace' }))
  expect(rows('users')).toEqual([{ id: 8 }])
  await load(besideStream(users, [[records(3, 3), []]]), { fullRefresh: true })
  expect(rows('users')).toEqual([])
})

test('C4: a replacement that was cut off goes on with its side tables', async () => {
  const pages = [
    [records(1, 10), [{ id: 1 }]],
    [records(11, 20), [{ id: 2 }]],
  ] as const
  const cut = besideStream(users, pages, {
    write: 'replace',
    beforePage: (_slice, page) => {
      if (page === 1) throw new Error('the network is down')
    },
  })
  expect(await load(cut)).toMatchObject({ outcome: 'failed' })
  expect(rows('users')).toEqual([])
  await load(besideStream(users, pages, { write: 'replace' }))
  expect(rows('users')).toEqual([{ id: 1 }, { id: 2 }])
})

test('rows that belong to a record go with its version, however pages and batches fall', async () => {
  await load(
    besideStream(tags, [pageOf(tagged(0, { id: 1, n: 1 }, 'a', 'b'), tagged(1, { id: 2, n: 1 }, 'c'))]),
  )
  expect(rows('tags')).toEqual([
    { ticket: 1, tag: 'a' },
    { ticket: 1, tag: 'b' },
    { ticket: 2, tag: 'c' },
  ])
  expect(rows('desk_tickets')).toEqual([
    { id: 1, n: 1 },
    { id: 2, n: 1 },
  ])
  await load(
    besideStream(tags, [
      pageOf(tagged(0, { id: 1, n: 2 }, 'x'), tagged(1, { id: 1, n: 3 }, 'y')),
      pageOf(tagged(0, { id: 2, n: 2 })),
    ]),
  )
  expect(rows('tags')).toEqual([{ ticket: 1, tag: 'y' }])
})

test('rows of a record that was rejected are rejected with it', async () => {
  const lost = { record: { n: 1, [ownerField]: 1 }, rows: [{ ticket: 5, tag: 'lost', [ownerField]: 1 }] }
  await load(besideStream(tags, [pageOf(tagged(0, { id: 1 }, 'a'), lost as never)]))
  expect(rows('tags')).toEqual([{ ticket: 1, tag: 'a' }])
  expect(desk.destination.rejects('support').map(({ record, reason }) => [record, reason])).toEqual([
    ['{"n":1}', 'key field "id" is missing'],
    ['{"ticket":5,"tag":"lost"}', 'table tags: the record that it belongs to was not loaded'],
  ])
})

test('a key that is widened still finds the rows that belong to it, though no row brings the wider type', async () => {
  await load(besideStream(tags, [pageOf(tagged(0, { id: 1, n: 1 }, 'a'), tagged(1, { id: 2, n: 1 }, 'b'))]))
  await load(besideStream(tags, [pageOf(tagged(0, { id: 'x', n: 1 })), pageOf(tagged(0, { id: 1, n: 2 }))]))
  expect(rows('tags')).toEqual([{ ticket: '2', tag: 'b' }])
})

test('a record that is gone removes its row and what belongs to it, and makes no column', async () => {
  await load(besideStream(tags, [pageOf(tagged(0, { id: 1 }, 'a'), tagged(1, { id: 2 }, 'b'))]))
  const gone = tagged(0, { id: 1, [tombstoneField]: true, deleted_by: 'Ada' }, 'late')
  await load(
    besideStream(tags, [pageOf(gone, tagged(1, { id: 3, [tombstoneField]: false }, 'c'))], {
      tombstones: true,
    }),
  )
  expect(rows('desk_tickets')).toEqual([{ id: 2 }, { id: 3 }])
  expect(rows('tags')).toEqual([
    { ticket: 2, tag: 'b' },
    { ticket: 3, tag: 'c' },
  ])
  expect(desk.events.findLast(({ type }) => type === 'load.commit')).toMatchObject({
    inserted: 1,
    deleted: 1,
    sides: { tags: { inserted: 1, deleted: 1 } },
  })
})

test('records that are gone before the first one was there change nothing, and one made anew later in the batch stays', async () => {
  const gone = (id: number) => ({ id, [tombstoneField]: 1 })
  const stream = listStream({
    tombstones: true,
    slices: {
      all: [
        [gone(1), gone(2)],
        [{ id: 1 }, gone(3)],
      ],
    },
  })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(rows('desk_tickets')).toEqual([{ id: 1 }])
  expect(desk.events.find(({ type }) => type === 'load.commit')).toMatchObject({
    inserted: 1,
    unchanged: 3,
    deleted: 0,
  })
})

test('a stream whose records may be gone needs a key, and another way of writing than append', async () => {
  const refused = async (options: Partial<ListStreamOptions>) =>
    (await load(listStream({ tombstones: true, slices: { all: [] }, ...options }))).error
  const message =
    'desk.tickets: its records may say that a row is gone, and that takes a `key` to find it by and `write: merge`, `history` or `replace`'
  expect(await refused({ key: [] })).toMatchObject({ code: 'CONFIG_INVALID', message })
  expect(await refused({ write: 'append' })).toMatchObject({ code: 'CONFIG_INVALID', message })
})

test('a backfill of a stream with a side table that nothing tells the rows of apart is refused', async () => {
  const log: SideTable = { table: 'log', key: [], write: 'append' }
  const { error } = await load(besideStream(log, [[records(1, 1), []]]), { scope: { since: '2024-01-01' } })
  expect(error).toMatchObject({
    message:
      'desk.tickets: a backfill would add rows to log twice, since nothing tells them apart: give that table a key',
  })
})
