import { describe, expect, test } from 'vitest'
import type { JsonRecord } from '../ports/json.ts'
import { parseAuth } from './auth-flag.ts'
import { detectKey } from './detect-key.ts'
import { splitAddress } from './draft-url.ts'
import { sourceNameOf, streamNameOf } from './names.ts'
import { quotaSuggestion } from './rate-limit-notes.ts'
import { sniffFormat } from './sample-format.ts'
import { timeFields } from './time-fields.ts'

const rows = (count: number, make: (index: number) => JsonRecord) =>
  Array.from({ length: count }, (_, index) => make(index))

describe('the key', () => {
  test.each<[string, JsonRecord[], string, unknown]>([
    [
      'id before all others',
      rows(5, (n) => ({ name: `n${n}`, uuid: `u${n}`, id: n })),
      'orders',
      { fields: ['id'], by: 'name' },
    ],
    [
      "the stream's own id before the id of another record",
      rows(5, (n) => ({ customer_id: n, order_id: n })),
      'orders',
      { fields: ['order_id'], by: 'name' },
    ],
    [
      'in any spelling',
      rows(5, (n) => ({ orderId: `o${n}` })),
      'orders',
      { fields: ['orderId'], by: 'name' },
    ],
    [
      'not an id that repeats',
      rows(5, (n) => ({ id: 1, uuid: `u${n}` })),
      'orders',
      { fields: ['uuid'], by: 'name' },
    ],
    [
      'not an id that is null once',
      rows(5, (n) => ({ id: n === 3 ? null : n, key: `k${n}` })),
      'orders',
      { fields: ['key'], by: 'name' },
    ],
    [
      'not an id that is absent once',
      rows(5, (n) => (n === 3 ? { code: 'c3' } : { id: n, code: `c${n}` })).toReversed(),
      'orders',
      { fields: ['code'], by: 'name' },
    ],
    [
      'two fields together',
      rows(12, (n) => ({ day: `2024-01-0${(n % 6) + 1}`, country: n < 6 ? 'de' : 'fr', amount: n / 3 })),
      'sales',
      { fields: ['day', 'country'], by: 'together' },
    ],
    [
      'an odd name that is unique over many',
      rows(30, (n) => ({ person_id: n, amount: n / 7 })),
      'sales',
      { fields: ['person_id'], by: 'only' },
    ],
    [
      'none among amounts and times',
      rows(12, (n) => ({ amount: n / 3, at: `2024-01-01T00:00:${10 + n}Z` })),
      'sales',
      undefined,
    ],
    ['none of no records', [], 'sales', undefined],
    ['the id of a single record, by its name', [{ id: 7 }], 'sales', { fields: ['id'], by: 'name' }],
  ])('%s', (_, records, stream, key) => {
    expect(detectKey(records, stream)).toEqual(key)
  })

  test('a record that comes twice, since the list has shifted, tells nothing against it', () => {
    const records = rows(5, (id) => ({ id }))
    expect(detectKey([...records, records[4]!], 'orders')).toEqual({ fields: ['id'], by: 'name' })
  })
})

test('times of change come before times of birth, each with its format', () => {
  const records: JsonRecord[] = [
    {
      created: 1_700_000_000,
      updatedAt: '2024-01-01T00:00:00Z',
      last_modified_date: 1_700_000_000_000,
      birthday: '1990-01-01',
      updated_by: 'me',
    },
  ]
  expect(timeFields(records)).toEqual([
    { field: 'updatedAt', format: 'iso', moves: true },
    { field: 'last_modified_date', format: 'epoch_ms', moves: true },
    { field: 'created', format: 'epoch', moves: false },
  ])
  expect(timeFields([{ updated_at: 'yesterday' }])).toEqual([])
  expect(timeFields([])).toEqual([])
})

test.each<[string, string, unknown]>([
  ['application/json', '[{"a":1}]', { format: 'json' }],
  ['text/plain', ' {"a":1}', { format: 'json' }],
  ['', '{"a":1}\n{"a":2}', { format: 'jsonl' }],
  ['application/x-ndjson', '{"a":1}', { format: 'jsonl' }],
  ['text/csv', 'a,b\n1,2\n', { format: 'csv' }],
  ['', 'a\tb\n"x\ty"\t2\n', { format: 'csv', delimiter: '\t' }],
  ['text/xml', '<?xml version="1.0"?><a/>', { format: 'xml' }],
  ['application/json', '<!DOCTYPE html><html>', { format: undefined, what: 'a web page' }],
  ['application/json', '', { format: undefined, what: 'nothing' }],
  ['application/pdf', '%PDF-1.7', { format: undefined, what: 'a PDF file' }],
  ['application/zip', 'PK\u0003\u0004', { format: undefined, what: 'a zip archive' }],
  [
    'text/plain',
    'hello',
    { format: undefined, what: 'text that is no JSON, CSV or XML (content-type: text/plain)' },
  ],
])('a body of %j that begins with %j is told by what was sent', (type, text, format) => {
  expect(sniffFormat(type, text)).toEqual(format)
})

test.each([
  ['api.acme.example.com', 'acme'],
  ['www.example.com', 'example'],
  ['127.0.0.1', 'api'],
])('the source at %s is called %s', (host, name) => {
  expect(sourceNameOf(host)).toBe(name)
})

test.each([
  ['/v1/orders/', 'orders'],
  ['/api/v2/incremental/tickets.json', 'tickets'],
  ['/v1/orderItems/list', 'order_items'],
  ['/2024/', 'records'],
  ['/%E0%A4%A', 'e0_a4_a'],
])('the stream at %s is called %s', (path, name) => {
  expect(streamNameOf(path)).toBe(name)
})

test('an address is parted into base, path and query; braces in it are no placeholders', () => {
  expect(splitAddress('https://api.acme.example.com/v1/orders?status=open&tag=a&tag=b&q={x}')).toMatchObject({
    baseUrl: 'https://api.acme.example.com/v1',
    path: 'orders',
    query: { status: 'open', tag: ['a', 'b'], q: '{{x}}' },
    sourceName: 'acme',
    streamName: 'orders',
  })
  expect(splitAddress('https://example.com')).toMatchObject({ baseUrl: 'https://example.com', path: '/' })
  expect(() => splitAddress('example.com/orders')).toThrow(
    '"example.com/orders" is no address: write one that starts with http:// or https://',
  )
})

test('a credential names variables; what is none is refused and not repeated', () => {
  expect(parseAuth('bearer:TOKEN')).toEqual({ type: 'bearer', token: '$' + '{env:TOKEN}' })
  expect(parseAuth('query:key:KEY')).toEqual({
    type: 'api_key',
    in: 'query',
    name: 'key',
    key: '$' + '{env:KEY}',
  })
  expect(parseAuth('basic:USER')).toEqual({ type: 'basic', username: '$' + '{env:USER}' })
  for (const wrong of [
    '',
    'digest:hush',
    'bearer:',
    'bearer:hu-sh',
    'header:hush',
    'basic:A:hu sh',
    'bearer:A:hush',
  ])
    expect(() => parseAuth(wrong)).toThrow(/^--auth: (?!.*hu-?\s?sh)/)
})

test('limits in the headers are suggested as a quota, with their window where they name it', () => {
  expect(quotaSuggestion({ 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '59' })).toMatchObject({
    value: [{ requests: 60, per: '1m' }],
    notes: [
      expect.stringContaining('x-ratelimit-limit: 60, x-ratelimit-remaining: 59'),
      expect.stringContaining('1m is a guess'),
    ],
  })
  expect(quotaSuggestion({ 'ratelimit-limit': '100', 'ratelimit-policy': '100;w=10' })).toMatchObject({
    value: [{ requests: 100, per: '10s' }],
  })
  expect(quotaSuggestion({ 'content-type': 'application/json' })).toBeUndefined()
})
