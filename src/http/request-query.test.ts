import { expect, test } from 'vitest'
import { env } from '../options/secret.ts'
import { LongDecimal } from '../ports/json.ts'
import { flattenQuery } from './request-query.ts'

const flat = (query: Parameters<typeof flattenQuery>[0]) => Object.fromEntries(flattenQuery(query))

// PEERS: dlt query values: None dropped, lists, booleans, dates, special characters
// PEERS: dlt endpoint.params
test('a list repeats its name, an object makes bracketed names, and null has no value', () => {
  const key = env('KEY')
  expect(
    flat({ ids: [1, null, 'b'], page: { size: 100, filter: { open: true } }, none: null, key: { a: key } }),
  ).toEqual({
    ids: [1, 'b'],
    'page[size]': [100],
    'page[filter][open]': [true],
    none: [],
    'key[a]': [key],
  })
})

test('R4: long numbers become their digits', () => {
  const long = { id: 9007199254740993n, rate: new LongDecimal('1.00000000000000000001') }
  expect(flat(long as never)).toEqual({ id: ['9007199254740993'], rate: ['1.00000000000000000001'] })
})

test('a name that every object inherits is a name like any other', () => {
  expect([...flattenQuery(JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'))]).toEqual([
    ['__proto__[a]', [1]],
    ['constructor', [2]],
  ])
})

test('a list of lists has no one spelling and is refused', () => {
  expect(() => flat({ a: { b: [[1]] } } as never)).toThrow(
    'a[b]: a list of a query or a form holds texts, numbers and booleans, not lists',
  )
})
