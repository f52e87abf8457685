import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseOptions } from '../options/parse-options.ts'
import { env } from '../options/secret.ts'
import { mergeDefaults, type RestOptions, restOptions, type StreamInput } from './rest-options.ts'
import { withDefaults } from './stream-defaults.ts'

type Defaults = NonNullable<RestOptions['defaults']>

/** The stream that comes of defaults and a stream. */
function merge(defaults: object, stream: object): unknown {
  return withDefaults({ defaults, streams: { items: stream } }).streams.items
}

const paginate = { type: 'none' } as const
const schema = z.pipe(mergeDefaults, restOptions)

function parse(defaults: Defaults, stream: Partial<StreamInput> = {}, source: Partial<RestOptions> = {}) {
  const streams = { items: { path: 'items', ...stream } }
  return parseOptions(schema, { type: 'rest', baseUrl: 'https://api.test', ...source, defaults, streams })
    .streams['items']!
}

// PEERS: dlt resource_defaults deep and shallow merge
test.each<[string, object, object, object]>([
  ['an option that the stream has none of', { key: 'id' }, { path: 'a' }, { path: 'a', key: 'id' }],
  ['an option that both have', { key: 'id' }, { key: 'uid' }, { key: 'uid' }],
  ['a list, replaced whole', { key: ['a', 'b'] }, { key: ['c'] }, { key: ['c'] }],
  [
    'an object of options, replaced whole',
    { paginate: { type: 'cursor', token: 'next', param: 'after' } },
    { paginate: { type: 'none' } },
    { paginate: { type: 'none' } },
  ],
  ['an option taken away', { key: 'id', write: 'merge' }, { key: null }, { write: 'merge' }],
  ['query by key', { query: { a: 1, b: 2 } }, { query: { b: 3, c: 4 } }, { query: { a: 1, b: 3, c: 4 } }],
  [
    'query at every depth',
    { query: { page: { size: 1, sort: 'id' } } },
    { query: { page: { size: 2 } } },
    { query: { page: { size: 2, sort: 'id' } } },
  ],
  ['a parameter taken away', { query: { a: 1, b: 2 } }, { query: { a: null } }, { query: { b: 2 } }],
  [
    'a parameter list, replaced whole',
    { query: { a: [1, 2] } },
    { query: { a: [3] } },
    { query: { a: [3] } },
  ],
  ['all parameters taken away', { query: { a: 1 } }, { query: null }, {}],
  [
    'headers in any case',
    { headers: { 'X-Team': 'a', accept: 'x' } },
    { headers: { 'x-team': 'b', Accept: null } },
    { headers: { 'x-team': 'b' } },
  ],
  [
    'a body at every depth',
    { body: { filter: { open: true, tags: ['a'] }, sort: 'id' } },
    { body: { filter: { tags: ['b'], since: '{cursor.value}' } } },
    { body: { filter: { open: true, tags: ['b'], since: '{cursor.value}' }, sort: 'id' } },
  ],
  [
    'a null of a body that no default has is sent',
    { body: { sort: 'id' } },
    { body: { assignee: null } },
    { body: { sort: 'id', assignee: null } },
  ],
  ['a body of another kind, replaced whole', { body: { a: 1 } }, { body: 'text' }, { body: 'text' }],
  ['an undefined option is none', { key: 'id' }, { key: undefined }, { key: 'id' }],
])('%s', (_, defaults, stream, merged) => {
  expect(merge(defaults, stream)).toEqual(merged)
})

// PEERS: dlt configuration objects are never mutated
test('what is given is never changed, and no two streams share what they were given', () => {
  const tree = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.integer(),
      fc.array(fc.integer(), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
    ),
  })).value
  const options = fc.dictionary(fc.constantFrom('query', 'headers', 'body', 'key'), tree, {
    noNullPrototype: true,
  })
  fc.assert(
    fc.property(options, options, options, (defaults, one, two) => {
      const source = { defaults, streams: { one, two } }
      const before = structuredClone(source)
      const { streams } = withDefaults(source)
      expect(source).toEqual(before)
      // Each stream comes out as if it were alone.
      expect(streams.one).toEqual(withDefaults({ defaults, streams: { one } }).streams.one)
      // The merged streams do not change when the defaults are merged into them again, but for nulls that had taken something away.
      expect(withDefaults({ defaults: {}, streams }).streams).toEqual(streams)
    }),
  )
})

test('a secret is one value, and is replaced whole', () => {
  const key = env('KEY')
  expect(merge({ headers: { 'x-key': key }, query: { key } }, { query: { key: 'plain' } })).toEqual({
    headers: { 'x-key': key },
    query: { key: 'plain' },
  })
})

test("a stream's defaults hold where neither says anything", () => {
  const stream = parse({ paginate, write: 'append', onReject: 'fail' }, { key: 'id' })
  expect(stream).toMatchObject({
    path: 'items',
    write: 'append',
    onReject: 'fail',
    format: { type: 'json' },
    key: ['id'],
  })
})

// PEERS: dlt None resets a default
test('null takes a default away, also from the type of a pipeline in TypeScript', () => {
  const stream = parse(
    { paginate, key: 'id', query: { a: 1 }, headers: { 'x-a': 'a' } },
    { key: null, query: null, headers: { 'x-a': null } },
  )
  expect(stream.key).toBeUndefined()
  expect(stream.query).toBeUndefined()
  expect(stream.headers).toEqual({})
})

// PEERS: dlt paginator precedence of defaults and resource
// PEERS: dlt client.paginator
// PEERS: dlt endpoint.paginator
test.each<[Defaults, Partial<StreamInput>, string | undefined]>([
  [{ paginate }, {}, 'none'],
  [{}, { paginate: { type: 'link-header' } }, 'link-header'],
  [{ paginate }, { paginate: { type: 'link-header' } }, 'link-header'],
])('the nearer paginator holds: %j with %j', (defaults, stream, type) => {
  expect(parse(defaults, stream).paginate?.type).toBe(type)
})

test('a mistake in the defaults is named once, where it was made', () => {
  expect(() => parse({ paginate, write: 'upsert' as never })).toThrow(
    /^defaults\.write: "upsert" is not allowed; allowed: "append", "merge", "replace", "history", "delete", "reconcile"$/,
  )
  expect(() => parse({ paginate, quries: {} } as never)).toThrow(/^defaults\.quries: there is no such option/)
  expect(() => parse({ paginate, path: 'x' } as never)).toThrow(/^defaults\.path: there is no such option/)
})

test('a combination that cannot work is named at the stream that has it', () => {
  expect(() => parse({ paginate, write: 'merge' })).toThrow(
    /^streams\.items\.key: `write: merge` replaces records/,
  )
})

test('a source without defaults, or with something else in their place, is left to its validation', () => {
  for (const source of [null, 'x', {}, { defaults: 1, streams: {} }, { defaults: {}, streams: [] }])
    expect(withDefaults(source)).toBe(source)
  expect(() => parse(5 as never, { paginate })).toThrow(/^defaults: 5 is a number; an object is expected$/)
})
