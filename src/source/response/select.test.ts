import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { ApiErrorBodyError, SelectorEmptyError, selectRecords, unwrapRecord } from './select.ts'

const response = { url: 'https://api.test/tickets?page=2', status: 200 }
const select = (body: Value, path: string, optional = false) =>
  selectRecords(body, { path, optional }, response)
const thrownBy = (call: () => unknown): Error => {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

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

test('R2: records that may be absent are none where they are absent or null', () => {
  expect(select({ meta: {} }, 'data', true)).toEqual([])
  expect(select({ data: null }, 'data', true)).toEqual([])
})

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
