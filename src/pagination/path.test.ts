import { describe, expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import { LongDecimal, type Value } from '../ports/json.ts'
import { compilePath, joinPaths, parsePath, path } from './path.ts'

const body: Value = {
  meta: { after_cursor: 'x', 'a.b': 1, none: null },
  data: [{ id: 1 }, { id: 2 }],
  $distinct_id: 4,
  '@odata.nextLink': 'https://a.example',
  price: new LongDecimal('0.12345678901234567891'),
}

describe('a path reads', () => {
  // PEERS: dlt test_paginators quoted JSONPath
  test.each<[string, Value]>([
    ['meta.after_cursor', 'x'],
    ['$.meta.after_cursor', 'x'],
    ['data[0].id', 1],
    ['data[-1].id', 2],
    ["['@odata.nextLink']", 'https://a.example'],
    ['["@odata.nextLink"]', 'https://a.example'],
    ["meta['a.b']", 1],
    ["$['meta'].after_cursor", 'x'],
    ['meta.none', null],
    ['$', body],
    ['$distinct_id', 4],
  ])('%s', (text, value) => {
    expect(compilePath(text)(body)).toEqual(value)
  })

  test('an element of a body that is an array', () => {
    expect(compilePath('[0].id')([{ id: 7 }])).toBe(7)
  })
})

describe('a path finds nothing', () => {
  test.each([
    'absent',
    'meta.absent.deeper',
    'meta.none.deeper',
    'meta.after_cursor.length',
    'data.length',
    'data[2].id',
    'data[-3]',
    'meta[0]',
    'constructor',
    'meta.__proto__',
    'price.text',
  ])('at %s', (text) => {
    expect(compilePath(text)(body)).toBeUndefined()
  })

  test('in a body that was streamed', () => {
    expect(compilePath('meta.next')(undefined)).toBeUndefined()
    expect(compilePath('$')(undefined)).toBeUndefined()
  })
})

describe('what is no path is refused', () => {
  test.each(['', '.', 'a..b', 'a.', '.a', 'a[b]', 'a[', 'a[*]', 'data[*].id', '$.', '$..a', "['a'", 'a b'])(
    '%j',
    (text) => {
      expect(() => compilePath(text)).toThrow(ConfigError)
      expect(() => compilePath(text)).toThrow(
        `${JSON.stringify(text)} is no path: write keys with dots and indexes in brackets, as in "meta.after_cursor"`,
      )
      expect(path.safeParse(text).error?.issues[0]?.message).toContain('is no path')
    },
  )
})

test.each([
  ['a.b', 'data.a.b'],
  ["['@odata.x'].b", "data['@odata.x'].b"],
  ['[0]', 'data[0]'],
  ['$.a', 'data.a'],
  ['$', 'data'],
])('the path of %s below data is %s', (inner, joined) => {
  expect(joinPaths('data', inner)).toBe(joined)
  expect(parsePath(joined)).toBeDefined()
})
