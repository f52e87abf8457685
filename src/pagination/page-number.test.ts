import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type PageNumberOptions, pageNumber, pageNumberPaginator } from './page-number.ts'
import { PaginationInvalidError } from './paginator.ts'

const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }))
const size = { param: 'per_page', value: 3 }

/** Reads pages of the given bodies, one after the other; gives the page numbers that were asked for. */
function numbers(options: Omit<PageNumberOptions, 'type'>, bodies: readonly Value[]): unknown[] {
  const script = bodies.values()
  const read = readPages(pageNumberPaginator(pageNumber(options)), () => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value)
  })
  return read.map(({ request }) => request.query['page'])
}

describe('a list of numbered pages', () => {
  // PEERS: dlt paginator page_number
  // PEERS: dlt paginator page_number.base_page
  // PEERS: dlt paginator page_number.total_path
  // PEERS: dlt paginator page_number.has_more_path
  // PEERS: dlt test_paginators zero-based and one-based
  test.each<[string, Omit<PageNumberOptions, 'type'>, Value[], number[]]>([
    ['ends at an empty page', {}, [rows(3), rows(1), rows(0)], [1, 2, 3]],
    ['may count from zero', { first: 0 }, [rows(3), rows(0)], [0, 1]],
    ['does not end at a short page by itself', { size }, [rows(2), rows(3), rows(0)], [1, 2, 3]],
    [
      'ends at a short page where the config says so (Mixpanel)',
      { size, first: 0, lastPage: 'short' },
      [rows(3), rows(2)],
      [0, 1],
    ],
    [
      'ends at the last of all pages',
      { totalPages: 'pages' },
      [
        { data: rows(3), pages: 2 },
        { data: rows(3), pages: 2 },
      ],
      [1, 2],
    ],
    [
      'ends at the last of all pages, counted from zero',
      { first: 0, totalPages: 'pages' },
      [
        { data: rows(3), pages: '2' },
        { data: rows(3), pages: '2' },
      ],
      [0, 1],
    ],
    [
      'goes on past empty pages below the number of all pages',
      { totalPages: 'pages' },
      [
        { data: [], pages: 5 },
        { data: [], pages: 5 },
        { data: [], pages: 5 },
        { data: [], pages: 5 },
        { data: rows(1), pages: 5 },
      ],
      [1, 2, 3, 4, 5],
    ],
    ['of 0 pages has one', { totalPages: 'pages' }, [{ data: [], pages: 0 }], [1]],
    [
      'whose number of pages grows and shrinks is read to its end',
      { totalPages: 'pages' },
      [
        { data: rows(3), pages: 2 },
        { data: rows(3), pages: 4 },
        { data: rows(3), pages: 3 },
      ],
      [1, 2, 3],
    ],
    [
      'whose number of pages vanishes (GitLab, past 10,000 records) ends at an empty page',
      { totalPages: 'pages' },
      [{ data: rows(3), pages: 2 }, { data: rows(3) }, { data: [] }],
      [1, 2, 3],
    ],
    [
      'ends at the total of records after full pages',
      { size, totalRecords: 'total' },
      [
        { data: rows(3), total: 6 },
        { data: rows(3), total: '6' },
      ],
      [1, 2],
    ],
    [
      'ends at a short page that reaches the total of records, where the config says so',
      { size, totalRecords: 'total', lastPage: 'short' },
      [
        { data: rows(2), total: 7 },
        { data: rows(3), total: 7 },
        { data: rows(1), total: 7 },
      ],
      [1, 2, 3],
    ],
    [
      'that fits one page ends at the total of records',
      { size, totalRecords: 'total' },
      [{ data: rows(2), total: 2 }],
      [1],
    ],
    [
      'at an API that allows fewer records than asked for loses nothing',
      { size: { param: 'per_page', value: 250 }, totalRecords: 'total' },
      [
        { data: rows(100), total: 350 },
        { data: rows(100), total: 350 },
        { data: rows(100), total: 350 },
        { data: rows(50), total: 350 },
        { data: [], total: 350 },
      ],
      [1, 2, 3, 4, 5],
    ],
    [
      'goes on past an empty page where full ones would not have reached the total',
      { size, totalRecords: 'total' },
      [
        { data: [], total: 7 },
        { data: [], total: 7 },
        { data: rows(1), total: 7 },
        { data: [], total: 7 },
      ],
      [1, 2, 3, 4],
    ],
    [
      'goes on past an empty page whose flag says so',
      { more: '!last' },
      [
        { data: [], last: false },
        { data: rows(1), last: true },
      ],
      [1, 2],
    ],
    [
      'ends where the flag says so, whatever the totals say',
      { more: '!last', totalPages: 'pages' },
      [{ data: rows(1), last: true, pages: 9 }],
      [1],
    ],
  ])('%s', (_name, options, bodies, asked) => {
    expect(numbers(options, bodies)).toEqual(asked)
  })

  // PEERS: dlt paginator page_number.total_path
  test('whose number of pages is no count is refused', () => {
    expect(() => numbers({ totalPages: 'pages' }, [{ data: rows(1), pages: -1 }])).toThrow(
      PaginationInvalidError,
    )
    expect(() => numbers({ totalPages: 'pages' }, [{ data: rows(1), pages: -1 }])).toThrow(
      'pages should hold a count, but holds -1',
    )
  })
})

describe('pages side by side', () => {
  test.each<[string, Omit<PageNumberOptions, 'type'>, Value, number[] | undefined]>([
    ['are every page after the first', { totalPages: 'pages' }, { data: rows(3), pages: 4 }, [2, 3, 4]],
    ['may count from zero', { first: 0, totalPages: 'pages' }, { data: rows(3), pages: 4 }, [1, 2, 3]],
    ['are none where there is one page', { totalPages: 'pages' }, { data: rows(3), pages: 1 }, []],
    ['are none where there is no page', { totalPages: 'pages' }, { data: [], pages: 0 }, []],
    [
      'follow from the total of records',
      { size, totalRecords: 'total' },
      { data: rows(3), total: 7 },
      [2, 3],
    ],
    [
      'follow from the total and the length of the first page',
      { totalRecords: 'total' },
      { data: rows(20), total: 40 },
      [2],
    ],
    [
      'are none where the first page holds all',
      { size, totalRecords: 'total' },
      { data: rows(2), total: 2 },
      [],
    ],
    [
      'are unknown where the first page is shorter than asked for',
      { size, totalRecords: 'total' },
      { data: rows(2), total: 7 },
      undefined,
    ],
    [
      'are unknown where the first page was filtered to nothing',
      { totalRecords: 'total' },
      { data: [], total: 7 },
      undefined,
    ],
    ['are unknown without a total', { size }, rows(3), undefined],
  ])('%s', (_name, options, body, positions) => {
    const all = pageNumberPaginator(pageNumber(options)).all?.(pageView(body))
    expect(all && [...all]).toEqual(positions)
  })

  test('take the number of pages from a header too (GitLab)', () => {
    const page = pageView(rows(2), { headers: { 'x-total-pages': '3' } })
    const { all } = pageNumberPaginator(pageNumber({ totalPages: { header: 'X-Total-Pages' } }))
    expect([...all!(page)!]).toEqual([2, 3])
  })
})

// PEERS: dlt paginator page_number.page_param
// PEERS: Airbyte PageIncrement
test('a page request carries number and size, the first one too', () => {
  const { request } = pageNumberPaginator(pageNumber({ param: 'p', size }))
  expect(request(listRequest, undefined).query).toEqual({ p: 1, per_page: 3 })
  expect(request(listRequest, 4).query).toEqual({ p: 4, per_page: 3 })
  expect(() => request(listRequest, { page: 4 } as never)).toThrow(
    'the stored position {"page":4} is none of the paginator "page-number", which stores number',
  )
})
