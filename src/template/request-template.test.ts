import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeBody } from '../http/request-body.ts'
import { requestUrl, sourceOrigins } from '../http/request-url.ts'
import { LongDecimal, type Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { requestTemplate, type TemplateValues } from './request-template.ts'

const base: RequestSpec = { method: 'GET', url: 'items', query: {}, headers: {} }
const origins = sourceOrigins('https://api.test/v2')

const fill = (request: Partial<RequestSpec>, values: TemplateValues = {}) =>
  requestTemplate({ ...base, ...request }).fill(values)
const url = (text: string, values: TemplateValues) => requestUrl(fill({ url: text }, values), origins)
const inBody = (text: unknown, values: TemplateValues = {}) => fill({ body: text as never }, values).body
const inQuery = (query: object, values: TemplateValues) =>
  requestUrl(fill({ query: query as never }, values), origins).replace(/^[^?]*\??/, '')

const parent: Value = {
  id: 7,
  name: 'Ann Lee',
  text: '7',
  none: null,
  open: true,
  closed: false,
  zero: 0,
  empty: '',
  half: 2.5,
  long: 9007199254740993n,
  decimal: new LongDecimal('0.10000000000000000001'),
  list: ['a', 'b'],
  numbers: [1, 2],
  nested: { a: { b: 'deep' }, list: [{ id: 'x' }] },
  größe: 'groß',
  mail: 'user@domain.test',
  dashed: { 'some-key': 'dash', '@odata.id': 'quoted' },
}
const values = { parent, slice: { from: '2024-01-01' }, cursor: { value: 5 } }

// PEERS: dlt interpolation, type kept only where the whole text is one placeholder
test.each<[string, unknown]>([
  ['{parent.id}', 7],
  ['{parent.text}', '7'],
  ['{parent.none}', null],
  ['{parent.open}', true],
  ['{parent.closed}', false],
  ['{parent.zero}', 0],
  ['{parent.empty}', ''],
  ['{parent.half}', 2.5],
  ['{parent.long}', 9007199254740993n],
  ['{parent.decimal}', new LongDecimal('0.10000000000000000001')],
  ['{parent.list}', ['a', 'b']],
  ['{parent.nested.a}', { b: 'deep' }],
  ['{parent.nested.a.b}', 'deep'],
  ['{parent.nested.list[0].id}', 'x'],
  ['{parent.list[-1]}', 'b'],
  ['{parent.größe}', 'groß'],
  ['{parent.dashed.some-key}', 'dash'],
  ["{parent.dashed['@odata.id']}", 'quoted'],
  ['{slice.from}', '2024-01-01'],
  ['{cursor.value}', 5],
])('a text that is %s alone takes its value with its type', (text, value) => {
  expect(inBody(text, values)).toEqual(value)
  expect(inBody({ deep: [{ here: text }] }, values)).toEqual({ deep: [{ here: value }] })
})

// PEERS: dlt interpolation, values inside a text become text
test.each([
  [' {parent.id}', ' 7'],
  ['{parent.id} ', '7 '],
  ['id={parent.id}', 'id=7'],
  ['{parent.id}{parent.id}', '77'],
  ['{parent.id}-{slice.from}', '7-2024-01-01'],
  ['is {parent.open}/{parent.closed}', 'is true/false'],
  ['{parent.half} and {parent.zero}', '2.5 and 0'],
  ['<{parent.empty}>', '<>'],
  ['#{parent.long}', '#9007199254740993'],
  ['#{parent.decimal}', '#0.10000000000000000001'],
  ['für {parent.größe} ✓', 'für groß ✓'],
  ['mailto:{parent.mail}', 'mailto:user@domain.test'],
  ['{parent.name}', 'Ann Lee'],
  ['user@domain.test', 'user@domain.test'],
  ['', ''],
  ['plain', 'plain'],
])('%j is %j', (text, filled) => {
  expect(inBody(text, values)).toBe(filled)
})

// PEERS: dlt interpolation, escaped braces
test.each([
  ['{{parent.id}}', '{parent.id}'],
  ['{{{parent.id}}}', '{7}'],
  ['{{{{parent.id}}}}', '{{parent.id}}'],
  ['a {{parent.id}} b {parent.id}', 'a {parent.id} b 7'],
  ['{{word}}', '{word}'],
  ['{"id":{parent.id}}', '{"id":7}'],
  ['{"a":{"id":{parent.id}}}', '{"a":{"id":7}}'],
  ['[{{"a":1}}]', '[{{"a":1}}]'],
])('braces: %j is %j', (text, filled) => {
  expect(inBody(text, values)).toBe(filled)
})

// PEERS: dlt interpolation, expression discovery ignores GraphQL bodies
test.each([
  '{ viewer { id } }',
  '{viewer{id}}',
  'query ($after: String) { issues(after: $after) { nodes { id parent { id } } edges { cursor } } }',
  'query{issues{nodes{id}pageInfo{hasNextPage endCursor}}}',
  '{"and":[{"updated":{"$gt":1}}]}',
  'function main() { return {a: {b: 1}} }',
  'fields=comments{message}',
  '{}',
  '{{}}',
  '}{',
  '{ }',
  '{a b}',
  '{1}',
])('%j holds no placeholder and is sent as it is written', (text) => {
  expect(requestTemplate({ ...base, body: { text } }).placeholders).toEqual([])
  expect(inBody({ text }, values)).toEqual({ text })
})

test('a script with braces of its own takes values', () => {
  const script = `function main(){return Events({from_date:'{slice.from}'}).filter(e=>{return {a:{b:1}}})}`
  expect(inBody(script, values)).toBe(script.replace('{slice.from}', '2024-01-01'))
})

test('the placeholders of a request are listed once each, from all of its parts', () => {
  const { placeholders } = requestTemplate({
    ...base,
    url: 'a/{parent.id}/{parent.id}',
    query: { since: '{cursor.value}', '{parent.key}': ['{slice.from}'] },
    headers: { 'x-team': '{parent.team}' },
    body: { '{parent.field}': [{ '{{parent.no}}': '{job.id}' }] },
  })
  expect([...placeholders].sort()).toEqual([
    'cursor.value',
    'job.id',
    'parent.field',
    'parent.id',
    'parent.key',
    'parent.team',
    'slice.from',
  ])
})

test('a request without placeholders is kept as it is', () => {
  const request = { ...base, url: 'a?b={c}', body: { a: [null, { b: '{ c }' }] }, query: { a: [] } }
  expect(requestTemplate(request).fill({})).toBe(request)
})

test('filling leaves the request itself alone, however often it is done', () => {
  const request = { ...base, url: '{parent.id}', query: { a: '{parent.id}' }, body: { a: ['{parent.id}'] } }
  const before = structuredClone(request)
  const template = requestTemplate(request)
  expect(template.fill({ parent: { id: 1 } }).body).toEqual({ a: [1] })
  expect(template.fill({ parent: { id: 'two' } }).body).toEqual({ a: ['two'] })
  expect(request).toEqual(before)
})

// PEERS: dlt child params in path, query, JSON, headers and form
// PEERS: dlt resolve parameter
// PEERS: dlt test_resolve_config nested field
// PEERS: Airbyte HttpRequester
// PEERS: Airbyte ComponentMappingDefinition
test('one request takes values in all of its parts', () => {
  expect(
    fill(
      {
        url: 'teams/{parent.id}/items?kind={parent.name}',
        query: { since: '{cursor.value}', tag: 'team-{parent.id}' },
        headers: { 'x-team': '{parent.id}' },
        body: { team: '{parent.id}', label: 'of {parent.name}' },
      },
      values,
    ),
  ).toEqual({
    method: 'GET',
    url: 'teams/7/items?kind=Ann%20Lee',
    query: { since: 5, tag: 'team-7' },
    headers: { 'x-team': '7' },
    body: { team: 7, label: 'of Ann Lee' },
  })
})

test.each([
  ['a/b', 'https://api.test/v2/items/a%2Fb/parts'],
  ['a b', 'https://api.test/v2/items/a%20b/parts'],
  ['a%2Fb', 'https://api.test/v2/items/a%252Fb/parts'],
  ['?x#y&z', 'https://api.test/v2/items/%3Fx%23y%26z/parts'],
  ['ü', 'https://api.test/v2/items/%C3%BC/parts'],
  ['\ud800', 'https://api.test/v2/items/%EF%BF%BD/parts'],
  ['...', 'https://api.test/v2/items/.../parts'],
  ['user@domain.test', 'https://api.test/v2/items/user%40domain.test/parts'],
])('a path value is encoded once: %j', (id, expected) => {
  expect(url('items/{parent.id}/parts', { parent: { id } })).toBe(expected)
})

test.each(['', '.', '..'])('a path value that would lead elsewhere is refused: %j', (id) => {
  expect(() => url('items/{parent.id}/parts', { parent: { id } })).toThrow(
    `path: the value of {parent.id} is ${JSON.stringify(id)}, which would lead to another place than the path says. Leave such records out of the parents by \`where: "@.id != '${id}'"\`, or put the value into \`query\``,
  )
})

// PEERS: dlt endpoint.path
test("a value may be empty in the path's query, and open the path as a whole URL", () => {
  expect(url('items?q={parent.id}', { parent: { id: '' } })).toBe('https://api.test/v2/items?q=')
  const parent = { url: 'https://api.test/v2/items/7?x=a%20b' }
  expect(url('{parent.url}', { parent })).toBe('https://api.test/v2/items/7?x=a%20b')
  // An address without its origin is one as well, where it is the whole path.
  expect(url('{parent.url}', { parent: { url: '/files/7.csv?x=a%20b' } })).toBe(
    'https://api.test/files/7.csv?x=a%20b',
  )
  expect(url('{job.url}?gzip=1', { job: { url: '/files/7.csv' } })).toBe(
    'https://api.test/files/7.csv?gzip=1',
  )
  expect(url('{job.url}', { job: { url: 'files/7.csv' } })).toBe('https://api.test/v2/files/7.csv')
  expect(url('{parent.id}', { parent: { id: 'a/b' } })).toBe('https://api.test/v2/a%2Fb')
  expect(url('{parent.id}/parts', { parent: { id: '/a' } })).toBe('https://api.test/v2/%2Fa/parts')
  // R3
  expect(() => url('{job.url}', { job: { url: '//evil.test/x' } })).toThrow('is at https://evil.test')
  expect(() => url('{parent.url}/parts', { parent: { url: 'https://evil.test/x' } })).toThrow(
    'https://evil.test/x/parts is at https://evil.test',
  )
})

// PEERS: dlt query values: None dropped, lists, booleans, dates, special characters
test.each<[object, string]>([
  [{ a: '{parent.none}' }, ''],
  [{ a: '{parent.list}' }, 'a=a&a=b'],
  [{ a: '{parent.open}', b: '{parent.zero}' }, 'a=true&b=0'],
  [{ a: '{parent.empty}' }, 'a='],
  [{ a: '{parent.nested.a}' }, 'a%5Bb%5D=deep'],
  [{ a: '{parent.long}' }, 'a=9007199254740993'],
  [{ a: ['x', '{parent.id}'] }, 'a=x&a=7'],
  [{ 'f[{parent.id}]': 1 }, 'f%5B7%5D=1'],
  [{ q: 'name="{parent.name}"&x' }, 'q=name%3D%22Ann%20Lee%22%26x'],
])('the query %j is %s', (query, expected) => {
  expect(inQuery(query, values)).toBe(expected)
})

// PEERS: dlt endpoint.headers
test('a header that is null is not sent', () => {
  const headers = { 'x-a': '{parent.none}', 'x-b': '{parent.open}', 'x-c': 'plain' }
  expect(fill({ headers }, values).headers).toEqual({ 'x-b': 'true', 'x-c': 'plain' })
})

// PEERS: dlt test_resolve_config missing field message lists available keys
// PEERS: dlt interpolation, missing value
test.each<[Partial<RequestSpec>, string]>([
  [
    { url: 'a/{parent.missing}' },
    'path: {parent.missing} stands for nothing: `parent` has the fields id, name, text, none, open, closed, zero, empty, half, long, decimal, list and 5 more',
  ],
  [
    { query: { q: '{job.id}' } },
    'query.q: {job.id} stands for nothing: there are values for parent, slice, cursor',
  ],
  [
    { body: { a: ['x {parent.none}'] } },
    'body.a[0]: {parent.none} stands inside a text, and its value is null: name a field that is a text or a number',
  ],
  [{ url: '{parent.list}' }, 'path: {parent.list} stands inside a text, and its value is a list'],
  [
    { headers: { 'x-a': '{parent.nested}' } },
    'headers["x-a"]: a text is needed here, and the value is an object',
  ],
  [{ body: { '{parent.none}': 1 } }, 'a text is needed here, and the value is null'],
])('a value that is missing or of the wrong kind is named with its place: %j', (request, message) => {
  expect(() => fill(request, values)).toThrow(message)
})

test('a value with a line break cannot begin another header', () => {
  expect(() => fill({ headers: { 'x-a': 'v={parent.id}' } }, { parent: { id: 'a\r\nx-b: c' } })).toThrow(
    'headers["x-a"]: "v=a\\r\\nx-b: c" holds a line break',
  )
})

test('inherited names are no fields', () => {
  expect(() => inBody('{parent.constructor}', values)).toThrow('{parent.constructor} stands for nothing')
  expect(() => inBody('{constructor.name}', values)).toThrow('there are values for parent, slice, cursor')
})

// PEERS: Airbyte CustomRequester
test('any value in any place arrives as it was given', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one !== '.' && one !== '..')
  fc.assert(
    fc.property(text, (id) => {
      const { body, ...asked } = fill(
        { url: 'a/{parent.id}/b', query: { q: '={parent.id}' }, body: { q: ['{parent.id}!'] } },
        { parent: { id } },
      )
      const read = new URL(requestUrl(asked, origins))
      expect(decodeURIComponent(read.pathname)).toBe(`/v2/a/${id}/b`)
      expect(read.searchParams.get('q')).toBe(`=${id}`)
      expect(JSON.parse(encodeBody(body!, undefined).text)).toEqual({ q: [`${id}!`] })
    }),
  )
})
