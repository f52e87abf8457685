import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import {
  ApiErrorBodyError,
  compileSelector,
  SelectorEmptyError,
  type SelectorOptions,
  selectRecords,
  unwrapRecord,
} from './select.ts'

const response = { url: 'https://api.test/tickets?page=2', status: 200 }
const select = (body: Value, path: string, optional = false, more: Partial<SelectorOptions> = {}) =>
  selectRecords(body, compileSelector({ path, optional, ...more }), response).records
const thrownBy = (call: () => unknown): Error => {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

// PEERS: Airbyte DpathExtractor
// PEERS: dlt test_client GET one
// PEERS: dlt test_offline records under an odd key, or none
test('a list gives its items, an object is one record', () => {
  expect(select({ tickets: [{ id: 1 }, { id: 2 }] }, 'tickets')).toEqual([{ id: 1 }, { id: 2 }])
  expect(select({ data: { items: [{ id: 1 }] } }, 'data.items')).toEqual([{ id: 1 }])
  expect(select([{ id: 1 }], '')).toEqual([{ id: 1 }])
  expect(select({ user: { id: 1 } }, 'user')).toEqual([{ id: 1 }])
  expect(select({ id: 1 }, '')).toEqual([{ id: 1 }])
  expect(select({ tickets: [] }, 'tickets')).toEqual([])
})

test('the list itself is handed on, not a copy of it', () => {
  const tickets = [{ id: 1 }]
  expect(select({ tickets }, 'tickets')).toBe(tickets)
})

test('items that are no objects become records with one field, so that nothing is lost', () => {
  expect(select([1, 'a', null, [2], { id: 3 }], '')).toEqual([
    { value: 1 },
    { value: 'a' },
    { value: null },
    { value: [2] },
    { id: 3 },
  ])
})

// PEERS: dlt test_offline records under an odd key, or none
test('R2: a path that finds nothing says what was asked for, what is there, and which name is near', () => {
  const error = thrownBy(() => select({ ticket: [], count: 0, next_page: null }, 'tickets'))
  expect(error).toBeInstanceOf(SelectorEmptyError)
  expect(error).toMatchObject({ code: 'SELECTOR_EMPTY', recovery: 'fix-config', path: 'tickets' })
  expect(error.message).toBe(
    'https://api.test/tickets?page=2: `records: tickets` found nothing: the body has no `tickets`, only `ticket`, `count`, `next_page`; did you mean `ticket`? If the API leaves it out when there are no records, set `optionalRecords: true`',
  )
})

test('R2: a path that stops half-way says where', () => {
  expect(thrownBy(() => select({ data: { rows: [] } }, 'data.items')).message).toContain(
    '`records: data.items` found nothing: `data` has no `items`, only `rows`. If the API leaves it out',
  )
  expect(thrownBy(() => select({ data: { item: [] } }, 'data.items')).message).toContain(
    'did you mean `data.item`?',
  )
  expect(thrownBy(() => select({ data: {} }, 'data.items')).message).toContain('only no keys at all')
  expect(thrownBy(() => select({ data: 5 }, 'data.items')).message).toContain(
    '`data` is the value "5", which has no `items`',
  )
})

test('R2: a body that is the list itself says how to name it', () => {
  expect(thrownBy(() => select([{ id: 1 }], 'tickets')).message).toContain(
    "`records: tickets` found nothing: the body is a list, which has no `tickets`; for the list itself, set `records: ''`",
  )
})

test('R2: null counts as nothing, and a scalar can hold no records', () => {
  expect(thrownBy(() => select({ tickets: null }, 'tickets')).message).toBe(
    'https://api.test/tickets?page=2: `records: tickets` is null. If that means that there are no records, set `optionalRecords: true`',
  )
  expect(thrownBy(() => select({ count: 5 }, 'count')).message).toContain(
    '`records: count` is the value "5", not a list or an object: point `records` at the list of records',
  )
  expect(thrownBy(() => select('OK', '', true)).message).toContain('the body is the text "OK"')
})

// PEERS: dlt final page with null data
test('R2: records that may be absent are none where they are absent or null', () => {
  expect(select({ meta: {} }, 'data', true)).toEqual([])
  expect(select({ data: null }, 'data', true)).toEqual([])
})

// PEERS: dlt silent zero rows on 200 with an error body
test.each<[string, Value, string, boolean]>([
  ['where the path is absent', { error: 'invalid_auth' }, 'tickets', false],
  ['where the path may be absent', { error: 'invalid_auth' }, 'tickets', true],
  ['beside an empty list', { tickets: [], error: 'invalid_auth' }, 'tickets', false],
  ['where the body itself is asked for', { error: 'invalid_auth' }, '', false],
])('R2: an error body under a success is an error %s', (_, body, path, optional) => {
  const error = thrownBy(() => select(body, path, optional))
  expect(error).toBeInstanceOf(ApiErrorBodyError)
  expect(error).toMatchObject({ code: 'API_ERROR_BODY', recovery: 'stop-stream' })
  expect(error.message).toBe(
    'https://api.test/tickets?page=2: the API answered 200, but its body is an error: invalid_auth',
  )
})

test('a list of errors that is empty, or an error that is null, is none', () => {
  expect(select({ tickets: [], errors: [] }, 'tickets')).toEqual([])
  expect(select({ tickets: [], error: null }, 'tickets')).toEqual([])
})

test('unwrapping lifts the fields of one object beside the others, and loses none', () => {
  expect(
    unwrapRecord({ event: 'Signed up', properties: { time: 1, $insert_id: 'a' } }, 'properties'),
  ).toEqual({
    event: 'Signed up',
    time: 1,
    $insert_id: 'a',
  })
  expect(unwrapRecord({ event: 'a', properties: { event: 'b', properties: 'c' } }, 'properties')).toEqual({
    event: 'a',
    properties_event: 'b',
    properties: 'c',
  })
  const plain = { event: 'a', properties: null }
  expect(unwrapRecord(plain, 'properties')).toBe(plain)
})

test('a query finds records anywhere, and R2 holds for it', () => {
  const body = { edges: [{ node: { id: 1 } }, { node: { id: 2 } }] }
  expect(select(body, '$.edges[*].node')).toEqual([{ id: 1 }, { id: 2 }])
  expect(select({ edges: [] }, '$.edges[*].node')).toEqual([])
  expect(select({ edges: [1, null] }, '$.edges[*]')).toEqual([{ value: 1 }, { value: null }])
  expect(select({}, '$.edges[*].node', true)).toEqual([])
  expect(thrownBy(() => select({ edge: [] }, '$.edges[*].node')).message).toBe(
    'https://api.test/tickets?page=2: `records: $.edges[*].node` found nothing: the body has no `edges`, only `edge`. If the API leaves it out when there are no records, set `optionalRecords: true`',
  )
  expect(thrownBy(() => select({ edges: null }, '$.edges[*].node')).message).toContain(
    '`$.edges` is null, which has no `[*]`. If that means that there are no records, set',
  )
  expect(thrownBy(() => select({ errors: ['no access'] }, '$.edges[*].node', true))).toBeInstanceOf(
    ApiErrorBodyError,
  )
  expect(thrownBy(() => select({ edges: [], error: 'busy' }, '$.edges[*].node'))).toBeInstanceOf(
    ApiErrorBodyError,
  )
})

test('a path that is none is refused', () => {
  expect(thrownBy(() => select([], '$.a[')).message).toBe(
    'records: "$.a[" is no path, and no JSONPath either: unclosed bracketed selection',
  )
})

// PEERS: Airbyte CustomRecordExtractor
test('the values of an object are records, and their keys a field', () => {
  const map = (body: Value, path = 'users', field = 'id') => select(body, path, false, { as: { map: field } })
  expect(map({ users: { a: { name: 'Ann' }, b: { name: 'Bo', id: 'b' }, c: 3, d: null } })).toEqual([
    { id: 'a', name: 'Ann' },
    { id: 'b', name: 'Bo' },
    { id: 'c', value: 3 },
    { id: 'd', value: null },
  ])
  expect(map({ users: {} })).toEqual([])
  expect(map({ 1: { n: 1 } }, '')).toEqual([{ id: '1', n: 1 }])
  expect(map({ rates: { usd: 1.1 } }, 'rates', 'value')).toEqual([{ value: 'usd', value_value: 1.1 }])
  expect(map({ groups: [{ users: { a: {} } }, { users: { b: {} } }] }, '$.groups[*].users')).toEqual([
    { id: 'a' },
    { id: 'b' },
  ])
  expect(thrownBy(() => map({ users: { a: { id: 7 } } })).message).toContain(
    'the record "a" has a field `id` of its own (the value "7"): choose another name in `recordsAs: { map: id }`',
  )
  expect(thrownBy(() => map({ users: [1] })).message).toContain(
    '`recordsAs: { map: id }` takes the values of an object, and `records` leads to a list with the value "1" in it: leave',
  )
  expect(thrownBy(() => map({ error: 'busy' }, ''))).toBeInstanceOf(ApiErrorBodyError)
})

test('lists of values become records by names that stand elsewhere', () => {
  const rows = (body: Value, names: string | string[], path = 'rows') =>
    selectRecords(body, compileSelector({ path, optional: false, as: { rows: names } }), response)
  const report = { columns: [{ name: 'day' }, { name: 'hits' }], rows: [['2024-01-01', 5], ['2024-01-02']] }
  const records = [{ day: '2024-01-01', hits: 5 }, { day: '2024-01-02' }]
  expect(rows(report, '$.columns[*].name')).toEqual({ records })
  expect(rows(report, ['day', 'hits'])).toEqual({ records })
  expect(
    rows(
      {
        values: [
          ['day', 'hits'],
          ['2024-01-01', 5],
        ],
      },
      'values[0]',
      '$.values[1:]',
    ),
  ).toEqual({
    records: [{ day: '2024-01-01', hits: 5 }],
  })
  expect(rows({ rows: [] }, 'columns')).toEqual({ records: [] })
  expect(rows({ columns: ['a'], rows: [[1], [1, 2], { a: 3 }] }, 'columns')).toEqual({
    records: [{ a: 1 }],
    rejects: [
      { record: { values: [1, 2] }, reason: 'it has 2 values, and there are 1 names' },
      { record: { value: { a: 3 } }, reason: 'it is an object, not a list of values' },
    ],
  })
  const message = (body: Value, names: string) => thrownBy(() => rows(body, names)).message
  expect(message({ rows: [[1]] }, 'columns')).toContain(
    "`recordsAs.rows: columns` is absent, not the list of the rows' names",
  )
  expect(message(report, 'columns')).toContain(
    'holds an object, which is no name: for lists of objects, lead to their names, as in "$.columns[*].name"',
  )
  expect(message({ rows: [[1]], columns: ['a', 'a'] }, 'columns')).toContain('holds the name "a" twice')
  expect(message({ rows: { a: 1 }, columns: ['a'] }, 'columns')).toContain(
    '`recordsAs: { rows }` takes a list of lists, and `records` leads to an object',
  )
})

test('in XML the absence of elements is an empty list, and one element is a list of one', () => {
  const xml = (body: Value, path = 'users.user') =>
    select(body, path, false, { valueField: '#text', absentIsEmpty: true })
  expect(xml({ users: { user: [{ id: '1' }, 'Ann'] } })).toEqual([{ id: '1' }, { '#text': 'Ann' }])
  expect(xml({ users: { user: { id: '1' } } })).toEqual([{ id: '1' }])
  expect(xml({ users: { user: 'Ann' } })).toEqual([{ '#text': 'Ann' }])
  expect(xml({ users: '' })).toEqual([])
  expect(xml({ users: { '@total': '0' } })).toEqual([])
  expect(thrownBy(() => xml({ user: '' })).message).toContain('the body has no `users`, only `user`')
  expect(thrownBy(() => xml({ error: 'busy' }))).toBeInstanceOf(ApiErrorBodyError)
})
