import { expect, test } from 'vitest'
import { env } from '../../options/secret.ts'
import { none } from '../../pagination/none.ts'
import { relay } from '../../pagination/relay.ts'
import { restOptions, type StreamInput } from '../rest-options.ts'
import { listScopes, placeholderScopes } from './placeholder-scopes.ts'

const path = 'items'
const paginate = none()
const byTime = { by: 'time', field: 'at', start: '2024-01-01' } as const
const windows = { by: 'time', size: '1d', start: '2026-01-01', from: {}, to: { inclusive: false } } as const

/** Every problem of a stream's options, as `option: message`. */
function problemsOf(stream: object): string[] {
  const streams = { items: stream }
  const result = restOptions.safeParse({ type: 'rest', baseUrl: 'https://api.test', streams })
  return (result.error?.issues ?? []).map((issue) => `${issue.path.slice(2).join('.')}: ${issue.message}`)
}
const hasNone =
  'placeholders get their values from `slices`, `incremental` or `job`, and this stream has none of them'

// PEERS: dlt unknown placeholder refused, the message lists what there is
test.each<[string, object, string]>([
  [
    'a value that the stream does not have',
    { path: 'teams/{parent.id}/items', paginate },
    `path: {parent.id} stands for nothing: ${hasNone}. If it is a text, write {{parent.id}}`,
  ],
  [
    'a misspelt word',
    { path, paginate, key: 'id', incremental: byTime, query: { a: ['{cursr.value}'] } },
    'query.a.0: {cursr.value} stands for nothing; did you mean {cursor.value}? Here this stream has {cursor.value}, {cursor.end}. If it is a text, write {{cursr.value}}',
  ],
  [
    'a misspelt field, in a key',
    { path, paginate, key: 'id', incremental: byTime, body: { deep: { '{cursor.start}': 1 } } },
    'body.deep.{cursor.start}: {cursor.start} in this key stands for nothing: this stream has {cursor.value}, {cursor.end}. If it is a text, write {{cursor.start}}',
  ],
  [
    'a text that is one word in braces',
    { path, paginate, query: { since: '{last_value}' } },
    `query.since: {last_value} is no placeholder: write the word, a dot and the field, as in {parent.id}, without spaces or a format; for the text itself write {{last_value}}; ${hasNone}`,
  ],
  [
    'a word in braces in a path',
    { path: 'teams/{id}/items', paginate },
    `path: {id} is no placeholder: write the word, a dot and the field, as in {parent.id}, without spaces or a format; for the text itself write {{id}}; ${hasNone}`,
  ],
  [
    'a placeholder with a dollar',
    { path: `teams/\${parent.id}/items`, paginate },
    `path: \${parent.id} is no placeholder: write the word, a dot and the field, as in {parent.id}, without spaces or a format; and without a $; ${hasNone}`,
  ],
  [
    'a variable that lacks its dollar',
    { path, paginate, headers: { 'x-a': 'Token {env:KEY}' } },
    `headers.x-a: {env:KEY} is no variable: write \${env:KEY}; ${hasNone}`,
  ],
])('%s is refused, and the message says what there is', (_, stream, message) => {
  expect(problemsOf(stream)).toEqual([message])
})

// PEERS: dlt format specifications and conversions in placeholders
test.each(['{cursor.value:>5}', '{cursor.value!r}', '{ cursor.value }', 'x { cursor.value}', '{cursor!r}'])(
  'a format or a space makes no placeholder, and is refused: %s',
  (text) => {
    const stream = { path, paginate, key: 'id', incremental: byTime, query: { a: text } }
    expect(problemsOf(stream).join()).toMatch(/ is no placeholder: write the word, a dot and the field/)
  },
)

test.each<[string, object]>([
  ['a script in a body', { body: { script: `a => \`\${a.id} \${parent.id}\`` } }],
  ['GraphQL in a body', { body: { query: '{ cursor { id } edges { cursor } node {slice} }' } }],
  ['field lists', { query: { fields: 'id,comments{message}', filter: '{"a":{"b":1}}' } }],
  ['a text that is escaped', { query: { a: '{{word}}', b: '{{parent.id}}' } }],
  ['a secret', { query: { a: env('KEY') }, path: `bot\${env:TOKEN}/items`, body: { a: [env('KEY')] } }],
  ['nothing that is a placeholder', { graphql: { query: '{ parent { id } cursor.value {parent.id} }' } }],
])('%s is left alone', (_, options) => {
  expect(problemsOf({ path, paginate, ...options })).toEqual([])
})

test('what placeholders there are is told by slices, incremental and job', () => {
  expect(placeholderScopes({})).toEqual({})
  expect(placeholderScopes({ incremental: { by: 'time' } })).toEqual({ cursor: ['value', 'end'] })
  expect(placeholderScopes({ incremental: { by: 'id' }, job: {} })).toEqual({ cursor: ['value'], job: 'any' })
  expect(placeholderScopes({ slices: [{ by: 'time' }] })).toEqual({ slice: ['from', 'to'] })
  const countries = { by: 'list', name: 'country', values: ['de'] } as const
  expect(placeholderScopes({ slices: [countries, { by: 'time' }] })).toEqual({
    slice: ['country', 'from', 'to'],
  })
  expect(placeholderScopes({ slices: [{ by: 'list', values: [{ a: 1, b: 2 }] }] })).toEqual({
    slice: ['a', 'b'],
  })
  expect(
    listScopes(placeholderScopes({ slices: [{ by: 'parent', as: 'parent' }], incremental: { by: 'id' } })),
  ).toBe('this stream has {parent.FIELD}, {cursor.value}')
})

test.each<[string, object, string[]]>([
  ['an id that is filtered here', { key: 'id', incremental: { by: 'id', field: 'id' } }, []],
  [
    'a window of which the request says the beginning alone',
    { key: 'id', slices: windows, query: { q: 'at>={slice.from}' } },
    [
      'slices.to.param: nothing tells the API where a window ends: name the parameter, or write {slice.to} where the request has it',
    ],
  ],
  [
    'a window whose bounds are in the request',
    { key: 'id', slices: windows, query: { q: '{slice.from}..{slice.to}' } },
    [],
  ],
  ['a time that is filtered here', { key: 'id', incremental: byTime }, []],
  [
    'an id that is in the path',
    { path: 'items/after/{cursor.value}', incremental: { by: 'id', field: 'id' } },
    [],
  ],
])('a bound that the API is never told is refused: %s', (_, options, problems) => {
  expect(problemsOf({ path, paginate, ...options })).toEqual(problems)
})

// PEERS: dlt endpoint.method
// PEERS: Airbyte lacks other methods
test.each([
  ['put', 'PUT'],
  ['QUERY', 'QUERY'],
  ['Search', 'SEARCH'],
])('any method goes, in capitals: %s', (method, sent) => {
  const streams = { items: { path, paginate, method } }
  expect(
    restOptions.parse({ type: 'rest', baseUrl: 'https://api.test', streams }).streams['items']?.method,
  ).toBe(sent)
})

test.each([
  ['a b', '"a b" is no HTTP method: write one word, as in GET or POST'],
  ['head', 'HEAD has no body to read records from: use GET or POST'],
])('what is no method of a list is refused: %s', (method, message) => {
  expect(problemsOf({ path, paginate, method })).toEqual([`method: ${message}`])
})

const query =
  'query ($after: String) { items(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }'
const connection = relay({ connection: 'items' })

// PEERS: Airbyte RequestBodyGraphQL
test.each<[string, Partial<StreamInput>, string[]]>([
  ['a query with its connection', { graphql: { query }, paginate: connection }, []],
  ['a body of its own', { body: { query }, paginate: connection }, []],
  [
    'a body beside it',
    { graphql: { query }, body: {}, paginate },
    ['body: `graphql` makes the body of the request: leave out `body`, or write the query into it yourself'],
  ],
  [
    'another method',
    { graphql: { query }, method: 'GET', paginate },
    ['method: `graphql` is sent as POST: leave out `method`'],
  ],
  [
    'JSON Lines',
    { graphql: { query }, key: 'id', format: 'jsonl' },
    ['format: a reply to `graphql` is one JSON document: leave out `format`'],
  ],
  [
    'a query that lacks what its paginator needs',
    { graphql: { query: '{ items { nodes { id } } }' }, paginate: connection },
    [
      'graphql.query: the query takes no variable $after, by which `paginate` asks for the next page: declare it, as in "query ($after: String)", and pass it to the connection, as in "after: $after"',
      'graphql.query: the query does not ask for hasNextPage, which says where the next page begins: add "pageInfo { hasNextPage endCursor }" to the connection',
      'graphql.query: the query does not ask for endCursor, which says where the next page begins: add "pageInfo { hasNextPage endCursor }" to the connection',
    ],
  ],
  [
    'a connection without a query',
    { paginate: connection },
    ['paginate: a connection is of a GraphQL query: add `graphql: { query: … }`'],
  ],
])('GraphQL: %s', (_, options, problems) => {
  expect(problemsOf({ path: 'graphql', ...options })).toEqual(problems)
})
