import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { PageView } from './paginator.ts'
import { relay, relayPaginator } from './relay.ts'

const base: RequestSpec = {
  method: 'POST',
  url: 'graphql',
  query: {},
  headers: {},
  body: { query: '…', variables: { owner: 'acme' } },
}

function pageOf(body: unknown): PageView {
  return { url: 'https://api.test/graphql', status: 200, headers: {}, body: body as Value, records: [] }
}
const withInfo = (pageInfo: unknown) => pageOf({ data: { repository: { issues: { nodes: [], pageInfo } } } })
const paginator = relayPaginator(relay({ connection: 'repository.issues', size: { value: 50 } }))

// PEERS: Airbyte RequestBodyGraphQL
test('the cursor and the page size are variables, beside those of the request', () => {
  expect(paginator.request(base, undefined).body).toEqual({
    query: '…',
    variables: { owner: 'acme', first: 50 },
  })
  expect(paginator.request(base, 'Y3Vy').body).toEqual({
    query: '…',
    variables: { owner: 'acme', first: 50, after: 'Y3Vy' },
  })
})

test('a variable may be a field of another one', () => {
  const nested = relayPaginator({
    type: 'relay',
    connection: 'items',
    variable: 'page.after',
    size: { variable: 'page.first', value: 2 },
  })
  const withPage = { ...base, body: { variables: { page: { sort: 'id' } } } }
  expect(nested.request(withPage, 'x').body).toEqual({
    variables: { page: { sort: 'id', first: 2, after: 'x' } },
  })
})

test('hasNextPage says whether the list goes on, whatever endCursor is', () => {
  expect(paginator.next(withInfo({ hasNextPage: true, endCursor: 'a' }), undefined)).toBe('a')
  expect(paginator.next(withInfo({ hasNextPage: false, endCursor: 'a' }), 'z')).toBeUndefined()
  expect(paginator.next(withInfo({ hasNextPage: false, endCursor: null }), undefined)).toBeUndefined()
})

test('a connection that is null has no next page', () => {
  expect(paginator.next(pageOf({ data: { repository: null } }), undefined)).toBeUndefined()
})

test.each([
  [
    { hasNextPage: true, endCursor: null },
    'repository.issues.pageInfo says that there is a next page, but its endCursor is null',
  ],
  [{ hasNextPage: true, endCursor: '' }, 'but its endCursor is ""'],
  [{ hasNextPage: true }, 'but its endCursor is not there: ask for it in the query'],
  [
    { endCursor: 'a' },
    'repository.issues.pageInfo.hasNextPage is not there: ask for it in the query, "pageInfo { hasNextPage endCursor }"',
  ],
  [undefined, 'repository.issues.pageInfo.hasNextPage is not there'],
])('R1: a page that cannot lead on stops the stream: %j', (info, message) => {
  expect(() => paginator.next(withInfo(info), 'z')).toThrow(
    expect.objectContaining({ code: 'PAGINATION_INVALID', message: expect.stringContaining(message) }),
  )
})

test('R1: a cursor that leads to the same page again stops the stream', () => {
  expect(() => paginator.next(withInfo({ hasNextPage: true, endCursor: 'a' }), 'a')).toThrow(
    'repository.issues.pageInfo.endCursor is "a", which led to this very page; does the query pass $after to the connection?',
  )
})

test('a stored position of another paginator is refused', () => {
  expect(() => paginator.request(base, { page: 2 } as never)).toThrow(/relay/)
})

test('a variable is named by keys', () => {
  expect(() => relayPaginator(relay({ connection: 'a', variable: 'a[0]' }))).toThrow(
    'a variable is named by keys only, as in "after" or "page.after"',
  )
})

test('any list in pages of any size is read once, to its end', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const paginate = relayPaginator(relay({ connection: 'items', size: { value: size } }))
      const read: number[] = []
      let position: string | undefined
      do {
        const { variables } = paginate.request({ ...base, body: {} }, position).body as {
          variables: { first: number; after?: string }
        }
        const from = variables.after === undefined ? 0 : Number(variables.after)
        const nodes = items.slice(from, from + variables.first)
        read.push(...nodes)
        const end = from + nodes.length
        const pageInfo = { hasNextPage: end < items.length, endCursor: String(end) }
        position = paginate.next(pageOf({ data: { items: { nodes: nodes as Json, pageInfo } } }), position)
      } while (position !== undefined)
      expect(read).toEqual(items)
    }),
  )
})
