import { describe, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type CursorOptions, cursor, cursorPaginator } from './cursor.ts'
import { PaginationInvalidError, PaginationLoopError } from './paginator.ts'

/** Reads pages of the given bodies, one after the other; gives the cursors that were asked for. */
function cursors(options: Partial<CursorOptions>, bodies: readonly Value[]): unknown[] {
  const script = bodies.values()
  const read = readPages(cursorPaginator(cursor({ token: 'next', param: 'cursor', ...options })), () => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value)
  })
  return read.map(({ request }) => request.query['cursor'])
}

const row = [{ id: 1 }]

describe('a list with cursors', () => {
  // PEERS: dlt paginator cursor
  // PEERS: dlt paginator cursor.cursor_path
  // PEERS: dlt paginator cursor.has_more_path
  // PEERS: Airbyte CursorPagination
  test.each<[string, Partial<CursorOptions>, Value[], unknown[]]>([
    ['ends where the token is missing (X)', {}, [{ data: row, next: 'a' }, { data: row }], [undefined, 'a']],
    [
      'ends where the token is null (Notion)',
      {},
      [
        { data: row, next: 'a' },
        { data: row, next: null },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where the token is empty (Slack)',
      {},
      [
        { data: row, next: 'a' },
        { data: row, next: '' },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where the object around the token is null (Intercom)',
      { token: 'pages.next.starting_after' },
      [
        { data: row, pages: { next: { starting_after: 'a' } } },
        { data: row, pages: { next: null } },
      ],
      [undefined, 'a'],
    ],
    [
      'goes on past any number of empty pages with a token',
      {},
      [
        { data: [], next: 'a' },
        { data: [], next: 'b' },
        { data: [], next: 'c' },
        { data: [], next: 'd' },
        { data: row },
      ],
      [undefined, 'a', 'b', 'c', 'd'],
    ],
    [
      'goes on past pages without any records field (X)',
      {},
      [{ next: 'a' }, { data: row }],
      [undefined, 'a'],
    ],
    [
      'ends at an empty page where the config says so (scrolls)',
      { lastPage: 'empty' },
      [
        { data: row, next: 'a' },
        { data: row, next: 'b' },
        { data: [], next: 'b' },
      ],
      [undefined, 'a', 'b'],
    ],
    [
      'ends where has_more is false, though there is a token',
      { more: 'has_more' },
      [
        { data: row, next: 'a', has_more: true },
        { data: row, next: 'b', has_more: false },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where has_more is "false"',
      { more: 'has_more' },
      [
        { data: row, next: 'a', has_more: 'true' },
        { data: row, next: 'b', has_more: 'false' },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where has_more is 0',
      { more: 'has_more' },
      [
        { data: row, next: 'a', has_more: 1 },
        { data: row, next: 'b', has_more: 0 },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where end_of_stream is true (Zendesk)',
      { more: '!end_of_stream' },
      [
        { data: row, next: 'a', end_of_stream: false },
        { data: row, next: 'b', end_of_stream: true },
      ],
      [undefined, 'a'],
    ],
    [
      'ends where the flag says so, though the token repeats',
      { more: 'has_more' },
      [
        { data: row, next: 'a', has_more: true },
        { data: [], next: 'a', has_more: false },
      ],
      [undefined, 'a'],
    ],
    [
      'leaves it to the token where the flag is missing',
      { more: 'has_more' },
      [{ data: row, next: 'a' }, { data: row }],
      [undefined, 'a'],
    ],
    [
      'ends at 0 where the token is named as the flag too',
      { more: 'next' },
      [
        { data: row, next: 7 },
        { data: row, next: 0 },
      ],
      [undefined, '7'],
    ],
    [
      'keeps the digits of a token that is a long integer (R4)',
      {},
      [{ data: row, next: 12345678901234567890n }, { data: row }],
      [undefined, '12345678901234567890'],
    ],
    [
      'keeps the digits of a token that is a long decimal (R4)',
      {},
      [{ data: row, next: new LongDecimal('1512085950.000216000000001') }, { data: row }],
      [undefined, '1512085950.000216000000001'],
    ],
    [
      'keeps the zeros of a token that is text',
      {},
      [{ data: row, next: '007.500' }, { data: row }],
      [undefined, '007.500'],
    ],
  ])('%s', (_name, options, bodies, asked) => {
    expect(cursors(options, bodies)).toEqual(asked)
  })

  // PEERS: dlt fault 3 repeated cursor
  test('whose token repeats stops with an error (R1)', () => {
    const read = () =>
      cursors({}, [
        { data: row, next: 'a' },
        { data: row, next: 'a' },
      ])
    expect(read).toThrow(PaginationLoopError)
    expect(read).toThrow(
      `https://api.example.com/items: next is "a", which led to this very page; reading on would never end. Check the paginator's options against the API's documentation`,
    )
  })

  // PEERS: dlt fault 8 has_more past the maximum
  test('that says more but holds no token stops with an error, for records would be lost', () => {
    const read = () => cursors({ more: 'has_more' }, [{ data: row, has_more: true, next: null }])
    expect(read).toThrow(PaginationInvalidError)
    expect(read).toThrow(
      'https://api.example.com/items: has_more says that there are more pages, but next names none; name the right place of the next page',
    )
  })

  test('whose token is an object stops with an error', () => {
    expect(() => cursors({}, [{ data: row, next: { after: 'a' } }])).toThrow(
      'next should hold text or a number, but holds {"after":"a"}',
    )
  })
})

describe('a token', () => {
  // PEERS: dlt paginator header_cursor
  // PEERS: dlt paginator header_cursor.cursor_key
  test('may come in a header', () => {
    const { next } = cursorPaginator(cursor({ token: { header: 'X-Next-Cursor' }, param: 'cursor' }))
    expect(next(pageView(row, { headers: { 'x-next-cursor': 'a' } }), undefined)).toBe('a')
    expect(next(pageView(row), 'a')).toBeUndefined()
    expect(() => next(pageView(row, { headers: { 'x-next-cursor': 'a' } }), 'a')).toThrow(
      'header x-next-cursor is "a", which led to this very page',
    )
  })

  // PEERS: dlt paginator header_cursor.cursor_param
  // PEERS: dlt paginator cursor.cursor_param
  // PEERS: dlt paginator cursor.cursor_body_path
  test.each<[string, CursorOptions['param'], object]>([
    ['a query parameter', 'page[after]', { query: { 'page[after]': 'a' } }],
    ['a header', { header: 'X-Cursor' }, { headers: { 'x-cursor': 'a' } }],
    ['a field of the body (Notion)', { body: 'start_cursor' }, { body: { start_cursor: 'a' } }],
  ])('may go into %s', (_name, param, expected) => {
    const { request } = cursorPaginator(cursor({ token: 'next', param }))
    expect(request(listRequest, 'a')).toEqual({ ...listRequest, ...expected })
    expect(request(listRequest, undefined)).toEqual(listRequest)
  })

  test('goes with the page size, which the first request carries too', () => {
    const { request } = cursorPaginator(
      cursor({ token: 'next', param: 'cursor', size: { param: 'page[size]', value: 100 } }),
    )
    expect(request(listRequest, undefined).query).toEqual({ 'page[size]': 100 })
    expect(request(listRequest, 'a').query).toEqual({ 'page[size]': 100, cursor: 'a' })
  })

  test('that is no text is refused as a stored position', () => {
    const { request } = cursorPaginator(cursor({ token: 'next', param: 'cursor' }))
    expect(() => request(listRequest, 30 as never)).toThrow(
      'the stored position 30 is none of the paginator "cursor", which stores text',
    )
  })
})

describe('a token for a query parameter is not encoded twice', () => {
  const sent = (token: string, encoded?: boolean) => {
    const options = cursor({ token: 'next', param: 'cursor', ...(encoded === undefined ? {} : { encoded }) })
    return cursorPaginator(options).request(listRequest, token).query['cursor']
  }

  test.each<[string, string, string]>([
    ['decoded where it came URL-encoded', 'dGVhbTpDMDYx%3D%3D', 'dGVhbTpDMDYx=='],
    ['decoded where all of it is encoded', '%7B%22id%22%3A1%7D', '{"id":1}'],
    ['sent as it is where it holds =', 'dGVhbTpDMDYx==', 'dGVhbTpDMDYx=='],
    ['sent as it is where it holds + and /', 'ab+/cd%3D', 'ab+/cd%3D'],
    ['sent as it is where it is a JSON text with a %XX in it', '{"q":"100%25"}', '{"q":"100%25"}'],
    ['sent as it is where % encodes nothing', '50%', '50%'],
    ['sent as it is where %XX is no UTF-8', 'a%FFb', 'a%FFb'],
  ])('%s', (_name, token, value) => {
    expect(sent(token)).toBe(value)
  })

  test('and the config has the last word', () => {
    expect(sent('a%3D', false)).toBe('a%3D')
    expect(sent('a+b%3D', true)).toBe('a+b=')
    expect(sent('a%FFb', true)).toBe('a%FFb')
  })

  test('while its position stays as the API sent it', () => {
    const { next } = cursorPaginator(cursor({ token: 'next', param: 'cursor' }))
    expect(next(pageView({ next: 'a%3D' }), undefined)).toBe('a%3D')
    expect(() => next(pageView({ next: 'a%3D' }), 'a%3D')).toThrow(PaginationLoopError)
  })

  test('and is left alone in a body, which knows no URL encoding', () => {
    const { request } = cursorPaginator(cursor({ token: 'next', param: { body: 'after' } }))
    expect(request(listRequest, 'a%3D').body).toEqual({ after: 'a%3D' })
  })
})

describe('a position that persists', () => {
  const paginator = cursorPaginator(
    cursor({ token: 'after_cursor', param: 'cursor', more: '!end_of_stream', persist: true }),
  )

  test('is the token of the last page, where the next run goes on', () => {
    const last = pageView({ data: row, after_cursor: 'b', end_of_stream: true })
    expect(paginator.next(last, 'a')).toBeUndefined()
    expect(paginator.resume?.(last, 'a')).toBe('b')
  })

  test('is kept where a page with nothing new holds no token', () => {
    const last = pageView({ data: [], after_cursor: null, end_of_stream: true })
    expect(paginator.resume?.(last, 'a')).toBe('a')
    expect(paginator.resume?.(last, undefined)).toBeUndefined()
  })

  test('may be the same again: a run that finds nothing new ends without an error', () => {
    const last = pageView({ data: [], after_cursor: 'a', end_of_stream: true })
    expect(paginator.next(last, 'a')).toBeUndefined()
    expect(paginator.resume?.(last, 'a')).toBe('a')
  })

  test('may be the same again without a flag too, where the page is empty', () => {
    const { next } = cursorPaginator(cursor({ token: 'after', param: 'cursor', persist: true }))
    expect(next(pageView({ data: [], after: 'a' }), 'a')).toBeUndefined()
    expect(() => next(pageView({ data: row, after: 'a' }), 'a')).toThrow(PaginationLoopError)
  })

  test('is there only where the config says so', () => {
    expect(cursorPaginator(cursor({ token: 'next', param: 'cursor' })).resume).toBeUndefined()
  })
})

test('the builder gives plain options', () => {
  expect(cursor({ token: 'after_cursor', param: 'cursor', more: '!end_of_stream' })).toEqual({
    type: 'cursor',
    token: 'after_cursor',
    param: 'cursor',
    more: '!end_of_stream',
  })
})
