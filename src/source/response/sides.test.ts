import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'
import { compileSides, sidesOptions } from './sides.ts'

const response = { url: 'https://api.test/tickets', status: 200 }
const sides = (settings: Parameters<typeof sidesOptions.parse>[0]) =>
  compileSides(sidesOptions.parse(settings), 'desk_tickets')
const rows = (settings: Parameters<typeof sidesOptions.parse>[0], body: Value) =>
  [...(sides(settings).select(body, response) ?? [])].map(([table, each]) => [table, ...each])

test('each list goes to its table, by default the one of the stream and the side', () => {
  const settings = {
    users: { records: 'users', key: 'id' },
    groups: { records: '$.meta.groups[*].group', key: ['account', 'id'], table: 'groups', write: 'append' },
    log: { records: 'log' },
  }
  expect(sides(settings).tables).toEqual([
    { table: 'desk_tickets_users', key: ['id'], write: 'merge' },
    { table: 'groups', key: ['account', 'id'], write: 'append' },
    { table: 'desk_tickets_log', key: [], write: 'append' },
  ])
  const body = {
    tickets: [],
    users: [{ id: 1 }],
    meta: { groups: [{ group: { account: 2, id: 3 } }] },
    log: [],
  }
  expect(rows(settings, body)).toEqual([
    ['desk_tickets_users', { id: 1 }],
    ['groups', { account: 2, id: 3 }],
  ])
})

test('R2: a list may be absent, unless it is required', () => {
  expect(rows({ users: { records: 'users' } }, { users: null })).toEqual([])
  expect(rows({ users: { records: '$.users[*].user' } }, {})).toEqual([])
  expect(() => rows({ users: { records: 'users', required: true } }, { user: [] })).toThrow(
    'https://api.test/tickets: `sides.users.records: users` found nothing: the body has no `users`, only `user`; did you mean `user`? If the API leaves it out when there are no records, leave out `sides.users.required`',
  )
  expect(() => rows({ users: { records: 'users' } }, { users: 5 })).toThrow(
    'is the value "5", not a list or an object',
  )
})

// PEERS: Airbyte CustomRecordExtractor
test('the rows of a page are handed on with it, and the tables are declared', async () => {
  const client = scriptedClient(({ query }) => ({
    body: {
      tickets: [{ id: Number(query.page ?? 1) }],
      users: query.page === '2' ? [] : [{ id: 7 }],
      next: query.page === '2' ? null : '2',
    },
  }))
  const stream = streamOf(
    'desk',
    'tickets',
    {
      path: 'tickets',
      records: 'tickets',
      key: 'id',
      paginate: { type: 'cursor', token: 'next', param: 'page' },
      sides: { users: { records: 'users', key: 'id' } },
      transform: [{ add: { seen: true } }],
    },
    client,
  )
  expect(stream.sides).toEqual([{ table: 'desk_tickets_users', key: ['id'], write: 'merge' }])
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.pages.map(({ records, sides }) => [records, sides && [...sides]])).toEqual([
    [[{ id: 1, seen: true }], [['desk_tickets_users', [{ id: 7 }]]]],
    [[{ id: 2, seen: true }], undefined],
  ])
})

test.each<[string, object, string]>([
  [
    'a merge without a key',
    { users: { records: 'users', write: 'merge' } },
    'and there is none: name it, as in `key: id`',
  ],
  [
    'one table for two',
    { a: { records: 'a', table: 'users' }, b: { records: 'b', table: 'Users' } },
    'two sides have the same `table`: give each its own',
  ],
  ['a bad name', { 'a b': { records: 'a' } }, "can't name a side"],
  ['a selector that is none', { a: { records: '$.a[' } }, '(as JSONPath: unclosed bracketed selection)'],
])('%s is refused', (_name, settings, message) => {
  expect(sidesOptions.safeParse(settings).error?.message).toContain(message)
})
