import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { selectConnection } from './select-connection.ts'

const select = (items: unknown, optional = false) =>
  selectConnection(
    { data: { viewer: { items: items as Value } } },
    { connection: 'viewer.items', optional },
    'https://api.test/graphql',
  )

test('nodes are the records, and so are the nodes of edges; null holds none', () => {
  expect(select({ nodes: [{ id: 1 }, null, { id: 2 }] })).toEqual([{ id: 1 }, { id: 2 }])
  expect(select({ edges: [{ cursor: 'a', node: { id: 1 } }, { node: null }, null] })).toEqual([{ id: 1 }])
  expect(select({ nodes: ['a'] })).toEqual([{ value: 'a' }])
  expect(select({ nodes: [] })).toEqual([])
})

test('R2: a connection that is not there is an error, unless it may be absent', () => {
  expect(() => select(null)).toThrow(
    'https://api.test/graphql: the connection `data.viewer.items` is null: check `paginate.connection`; if that means that there are no records, set `optionalRecords: true`',
  )
  expect(() => select(undefined)).toThrow('the connection `data.viewer.items` is not there')
  expect(select(null, true)).toEqual([])
})

test('R2: a connection without nodes and edges is an error', () => {
  expect(() => select({ totalCount: 3 })).toThrow(
    '`data.viewer.items` has neither `nodes` nor `edges`: ask for "nodes { … }" in the query, or point `records` at the list',
  )
  expect(() => select([{ id: 1 }])).toThrow('has neither `nodes` nor `edges`')
})
