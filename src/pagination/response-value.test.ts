import { describe, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../ports/json.ts'
import { pageView } from '../testing/pages.ts'
import { PaginationInvalidError } from './paginator.ts'
import { countReader, responseValue, tokenReader } from './response-value.ts'

describe('a token', () => {
  test.each<[string, Value, string]>([
    ['text', 'abc', 'abc'],
    ['a number', 12, '12'],
    ['0', 0, '0'],
    ['an integer beyond 2^53, with all of its digits (R4)', 12345678901234567890n, '12345678901234567890'],
    [
      'a long decimal, with all of its digits (R4)',
      new LongDecimal('1512085950.000216000000001'),
      '1512085950.000216000000001',
    ],
  ])('may be %s', (_name, next, text) => {
    expect(tokenReader('next')(pageView({ next }))).toBe(text)
  })

  test.each<[string, Value | undefined]>([
    ['missing', {}],
    ['null', { next: null }],
    ['empty', { next: '' }],
    ['in a body that was streamed', undefined],
  ])('is none where it is %s', (_name, body) => {
    expect(tokenReader('next')(pageView(body))).toBeUndefined()
  })

  test.each<[string, () => Value, string]>([
    ['a boolean', () => true, 'true'],
    ['an object', () => ({ cursor: 'x' }), '{"cursor":"x"}'],
    ['an array', () => [1n], '["1"]'],
  ])('is not %s', (_name, make, shown) => {
    const next = make()
    const read = () => tokenReader('next')(pageView({ next }))
    expect(read).toThrow(PaginationInvalidError)
    expect(read).toThrow(
      `https://api.example.com/items: next should hold text or a number, but holds ${shown}; name the place of the token itself`,
    )
  })

  test('may be in a header, of which the first line counts', () => {
    const place = responseValue.parse({ header: 'X-Next-Page' })
    expect(tokenReader(place)(pageView([], { headers: { 'x-next-page': '2' } }))).toBe('2')
    expect(tokenReader(place)(pageView([], { headers: { 'x-next-page': ['2', '3'] } }))).toBe('2')
    expect(tokenReader(place)(pageView([], { headers: { 'x-next-page': '' } }))).toBeUndefined()
    expect(tokenReader(place)(pageView([]))).toBeUndefined()
  })
})

describe('a count', () => {
  // PEERS: dlt test_paginators total as text
  test.each<[Value, number | undefined]>([
    [120, 120],
    ['120', 120],
    [0, 0],
    [null, undefined],
    ['', undefined],
  ])('%j is read as %s', (total, count) => {
    expect(countReader('total')(pageView({ total }))).toBe(count)
  })

  // PEERS: dlt test_paginators invalid or missing total
  test.each<[Value]>([['many'], ['1e3'], [-1], [1.5], [true], [[3]], ['12 of 40']])(
    '%j is refused',
    (total) => {
      const read = () => countReader('total')(pageView({ total }))
      expect(read).toThrow(PaginationInvalidError)
      expect(read).toThrow(
        `total should hold a count, but holds ${JSON.stringify(total)}; name the place of the count, or leave the option out`,
      )
    },
  )

  test('that is refused is quoted up to 80 characters', () => {
    expect(() => countReader('total')(pageView({ total: 'x'.repeat(200) }))).toThrow(
      `holds "${'x'.repeat(79)}…; name`,
    )
  })
})
