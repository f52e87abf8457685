import { describe, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../../ports/json.ts'
import { compileQuery, queryProblem } from './json-path.ts'

const found = (query: string, body: Value) => compileQuery(query)(body)
const items = (query: string, body: Value) => (found(query, body) as { items: Value[] }).items
const missing = (query: string, body: Value) => (found(query, body) as { missing: string }).missing

const body = {
  edges: [{ node: { id: 1, on: true } }, { node: { id: 2, on: false } }],
  groups: { a: { users: [{ id: 3 }] }, b: { users: [{ id: 4 }, { id: 5 }] }, c: { users: [] } },
  values: [
    ['id', 'name'],
    [1, 'x'],
    [2, 'y'],
  ],
}

// PEERS: dlt endpoint.data_selector
// PEERS: Airbyte DpathExtractor with wildcards
describe('what a query finds', () => {
  test.each<[string, Value[]]>([
    [
      '$.edges[*].node',
      [
        { id: 1, on: true },
        { id: 2, on: false },
      ],
    ],
    [
      'edges[*].node',
      [
        { id: 1, on: true },
        { id: 2, on: false },
      ],
    ],
    ['$.edges[?@.node.on == true].node', [{ id: 1, on: true }]],
    ['$.edges[?@.node.id > $.values[1][0]].node.id', [2]],
    ['$.groups.*.users', [{ id: 3 }, { id: 4 }, { id: 5 }]],
    ['$.groups.*.users[*]', [{ id: 3 }, { id: 4 }, { id: 5 }]],
    ["$.groups['a','b'].users[0]", [{ id: 3 }, { id: 4 }]],
    ['$..users[*].id', [3, 4, 5]],
    ['..users', [{ id: 3 }, { id: 4 }, { id: 5 }]],
    [
      '$.values[1:]',
      [
        [1, 'x'],
        [2, 'y'],
      ],
    ],
    [
      '$.values[::-1]',
      [
        [2, 'y'],
        [1, 'x'],
        ['id', 'name'],
      ],
    ],
    ['$.edges[-1].node.id', [2]],
  ])('%s', (query, expected) => {
    expect(items(query, body)).toEqual(expected)
  })

  test('a list of more items than a call takes arguments, and a document of any depth', () => {
    const many = { data: Array.from({ length: 200_000 }, (_, id) => ({ node: { id } })) }
    expect(items('$.data[*].node', many)).toHaveLength(200_000)
    let deep: Value = { x: [1] }
    for (let level = 0; level < 20_000; level++) deep = { a: deep }
    expect(items('$..x', deep)).toEqual([1])
  })

  test('R4: long numbers are compared as numbers, and have no inside', () => {
    const long = [{ id: 12345678901234567890n }, { id: 3 }, { id: new LongDecimal('1234567890.12345678901') }]
    expect(items('$[?@.id > 1000]', long)).toEqual([long[0], long[2]])
    expect(items('$[*].*', long)).toEqual([12345678901234567890n, 3, long[2]!.id])
    expect(found('$[2].id.text', long)).toHaveProperty('missing')
  })
})

describe('R2: nothing was found', () => {
  test.each<[string, Value]>([
    ['$.edges[*].node', { edges: [] }],
    ['$.edges[?@.on == true].node', { edges: [{ on: false }] }],
    ['$.groups.*.users[*]', { groups: { a: { users: [] } } }],
    ['$.groups.*.users', { groups: { a: { users: [] } } }],
    ['$.values[1:]', { values: [['id']] }],
    ['$..users[*]', { users: [] }],
    ['$.*', {}],
  ])('%s in a list that is empty, or filtered to nothing, is no error: %j', (query, empty) => {
    expect(items(query, empty)).toEqual([])
  })

  test.each<[string, Value, string]>([
    ['$.edges[*].node', {}, 'the body has no `edges`, only no keys at all'],
    ['$.edges[*].node', { edge: [] }, 'the body has no `edges`, only `edge`'],
    ['$.edges[*].node', { edges: [{ nod: 1 }, { nod: 2 }] }, '`$.edges[*]` has no `node`, only `nod`'],
    ['$.edges[*].node', { edges: 5 }, '`$.edges` is the value "5", which has no `[*]`'],
    ['$.edges[*].node', { edges: null }, '`$.edges` is null, which has no `[*]`'],
    ['$..users', { user: [] }, "nothing in the body matches `..['users']`"],
    ['$.values[1:]', { values: {} }, '`$.values` is an object, which has no `[1::1]`'],
    ['$.data[0].items[*]', { data: [] }, '`$.data` is a list, which has no `[0]`'],
  ])('%s in what has no such place says where it ends: %j', (query, wrong, message) => {
    expect(missing(query, wrong)).toBe(message)
  })
})

test('a text that is no query has a reason', () => {
  expect(queryProblem('$.a[')).toBe('unclosed bracketed selection')
  expect(queryProblem('$.a[?foo(@)]')).toBe("no such function 'foo'")
  expect(queryProblem('$.a[*].b')).toBeUndefined()
})
