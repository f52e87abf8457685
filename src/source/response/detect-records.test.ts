import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { detectRecords } from './detect-records.ts'

const paths = (body: Value) => detectRecords(body).map(({ path }) => path)

// PEERS: dlt data detection
test.each<[string, Value, string[]]>([
  ['the body itself', [{ id: 1 }], ['']],
  [
    'a known name before a longer list of another',
    { things: [{ a: 1 }, { a: 2 }], items: [{ id: 1 }] },
    ['items', 'things'],
  ],
  ['a list of objects before one of texts', { data: ['a'], tickets: [{ id: 1 }] }, ['tickets', 'data']],
  [
    'an upper level before a lower one',
    { page: { rows: [{ id: 1 }] }, rows: [{ id: 2 }] },
    ['rows', 'page.rows'],
  ],
  ['the longer of two', { a: [{ id: 1 }], b: [{ id: 1 }, { id: 2 }] }, ['b', 'a']],
  ['an empty list by its name', { items: [], meta: { tags: [] } }, ['items', 'meta.tags']],
  ['three levels down', { a: { b: { list: [{ id: 1 }] } } }, ['a.b.list']],
  ['no deeper', { a: { b: { c: { list: [{ id: 1 }] } } } }, []],
  ['a key that needs quotes', { 'a.b': [{ id: 1 }] }, ["['a.b']"]],
  ['not inside records', { data: [{ items: [{ id: 1 }] }] }, ['data']],
  ['the errors last', { errors: [{ code: 1 }], users: [{ id: 1 }] }, ['users', 'errors']],
  ['not a list of scalars that nothing names', { tags: ['a', 'b'], name: 'x' }, []],
  ['nothing in one record', { id: 1, name: 'x' }, []],
  ['nothing in a text', 'x', []],
])('finds %s', (_name, body, found) => {
  expect(paths(body)).toEqual(found)
})
