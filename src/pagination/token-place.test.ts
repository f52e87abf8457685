import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import { listRequest, pageView } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { nextUrl } from './next-url.ts'
import { createPaginator } from './options.ts'
import { PaginationInvalidError } from './paginator.ts'

const inUrl = createPaginator(
  cursor({ token: { url: 'links.next', param: 'page[cursor]' }, param: 'page[cursor]' }),
)
const links = (next: Value) => pageView({ data: [{ id: 1 }], links: { next } })

describe('a token inside a URL', () => {
  // PEERS: dlt paginator cursor.cursor_path
  test.each<[string, string, string]>([
    ['an absolute one', 'https://api.example.com/items?page[cursor]=WzE2&sort=id', 'WzE2'],
    ['one with an encoded name and value', '/items?page%5Bcursor%5D=a%2Bb%3D%3D', 'a+b=='],
    ['a query alone', '?x=1&page[cursor]=7', '7'],
    ['one whose value looks encoded once more', '?page[cursor]=a%2520b', 'a%20b'],
  ])('is taken out of %s', (_name, url, token) => {
    const position = inUrl.next(links(url), undefined)
    expect(position).toBe(token)
    // It was decoded when it was taken out; it is encoded once on its way.
    expect(inUrl.request(listRequest, position).query).toEqual({ 'page[cursor]': token })
  })

  test('ends the list where the URL, or the parameter in it, is empty', () => {
    for (const next of [null, '', false, '?page[cursor]='])
      expect(inUrl.next(links(next), undefined)).toBeUndefined()
    expect(inUrl.next(pageView({ data: [] }), undefined)).toBeUndefined()
  })

  test('may be in a URL that a header holds', () => {
    const paginator = createPaginator(
      cursor({ token: { url: { header: 'X-Next' }, param: 'after' }, param: { header: 'x-after' } }),
    )
    const position = paginator.next(pageView([], { headers: { 'x-next': '/items?after=a1' } }), undefined)
    expect(paginator.request(listRequest, position).headers).toEqual({ 'x-after': 'a1' })
  })

  test.each<[string, string]>([
    [
      '/items?after=1&limit=2',
      'but its URL has the parameters after, limit; name the right one in `token.param`',
    ],
    ['/items', 'but its URL has no parameters'],
    ['https://', 'but holds "https://"'],
  ])('that is not there (%s) stops the stream, and the message says what is', (url, message) => {
    expect(() => inUrl.next(links(url), undefined)).toThrow(PaginationInvalidError)
    expect(() => inUrl.next(links(url), undefined)).toThrow(message)
  })
})

describe('the last page', () => {
  const next = (options: object, body: Value, headers = {}) =>
    createPaginator(cursor({ token: 'next', param: 'cursor', ...options })).next(
      pageView(body, { headers }),
      undefined,
    )

  // PEERS: dlt cursor "" ends
  // PEERS: Airbyte CursorPagination stop_condition
  test.each<[string, Value]>([
    ['null', { next: null }],
    ['empty text', { next: '' }],
    ['false', { next: false }],
    ['nothing', {}],
  ])('may say %s', (_name, body) => {
    expect(next({}, body)).toBeUndefined()
  })

  test('says null as a text in a header, which can hold no null (Salesforce Sforce-Locator)', () => {
    const token = { header: 'Sforce-Locator' }
    expect(next({ token, param: 'locator' }, [], { 'sforce-locator': 'null' })).toBeUndefined()
    expect(next({ token, param: 'locator' }, [], { 'sforce-locator': 'MTAwMDA' })).toBe('MTAwMDA')
  })

  test('may be marked by a value that the config names', () => {
    expect(next({}, { next: 'null' })).toBe('null')
    expect(next({ endValues: ['null'] }, { next: 'null' })).toBeUndefined()
    expect(next({ endValues: [0, 'END'] }, { next: 0 })).toBeUndefined()
    expect(next({ endValues: [0, 'END'] }, { next: '0' })).toBeUndefined()
    expect(next({ endValues: [0, 'END'] }, { next: 'END' })).toBeUndefined()
    expect(next({}, { next: 0 })).toBe('0')
    const url = createPaginator(nextUrl({ url: 'next', endValues: ['none'] }))
    expect(url.next(pageView({ next: 'none' }), undefined)).toBeUndefined()
  })
})
