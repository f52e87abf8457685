import { describe, expect, test } from 'vitest'
import type { Json, Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type OffsetOptions, offset, offsetPaginator } from './offset.ts'
import { PaginationInvalidError, PaginationStuckError } from './paginator.ts'

const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }))
const size = { param: 'limit', value: 3 }

/** Reads pages of the given bodies, one after the other; gives the offsets that were asked for. */
function offsets(options: Omit<OffsetOptions, 'type'>, bodies: readonly Value[]): unknown[] {
  const script = bodies.values()
  const read = readPages(offsetPaginator(offset(options)), () => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value)
  })
  return read.map(({ request }) => request.query['offset'])
}

describe('an offset list', () => {
  // PEERS: dlt paginator offset
  // PEERS: dlt paginator offset.offset
  // PEERS: dlt paginator offset.total_path
  // PEERS: dlt paginator offset.stop_after_empty_page
  // PEERS: dlt test_paginators stop on an empty page
  test.each<[string, Omit<OffsetOptions, 'type'>, Value[], number[]]>([
    ['ends at an empty page', { size }, [rows(3), rows(3), rows(0)], [0, 3, 6]],
    ['does not end at a short page by itself', { size }, [rows(3), rows(2), rows(3), rows(0)], [0, 3, 5, 8]],
    [
      'ends at a short page where the config says so',
      { size, lastPage: 'short' },
      [rows(3), rows(2)],
      [0, 3],
    ],
    ['without a size advances by what came', {}, [rows(20), rows(20), rows(0)], [0, 20, 40]],
    [
      'at an API that allows fewer than asked for loses nothing',
      { size: { param: 'limit', value: 1000 } },
      [rows(100), rows(100), rows(7), rows(0)],
      [0, 100, 200, 207],
    ],
    [
      'ends at the total, without a further request',
      { size, total: 'total' },
      [
        { data: rows(3), total: 6 },
        { data: rows(3), total: 6 },
      ],
      [0, 3],
    ],
    [
      'reads a total that is sent as text',
      { size, total: 'total' },
      [
        { data: rows(3), total: '4' },
        { data: rows(1), total: '4' },
      ],
      [0, 3],
    ],
    ['of total 0 has one page', { size, total: 'total' }, [{ data: [], total: 0 }], [0]],
    [
      'whose total grows is read to the new end',
      { size, total: 'total' },
      [
        { data: rows(3), total: 4 },
        { data: rows(3), total: 7 },
        { data: rows(1), total: 7 },
      ],
      [0, 3, 6],
    ],
    [
      'whose total shrinks ends at the new end',
      { size, total: 'total' },
      [
        { data: rows(3), total: 9 },
        { data: rows(1), total: 4 },
      ],
      [0, 3],
    ],
    [
      'whose total shrinks below what was read ends',
      { size, total: 'total' },
      [
        { data: rows(3), total: 9 },
        { data: [], total: 2 },
      ],
      [0, 3],
    ],
    [
      'whose total vanishes (GitLab, past 10,000) ends at an empty page',
      { size, total: 'total' },
      [{ data: rows(3), total: 9 }, { data: rows(3) }, { data: rows(3), total: null }, { data: [] }],
      [0, 3, 6, 9],
    ],
    [
      'goes on past a short page below the total, whatever lastPage says',
      { size, total: 'total', lastPage: 'short' },
      [
        { data: rows(2), total: 4 },
        { data: rows(2), total: 4 },
      ],
      [0, 2],
    ],
    [
      'goes on past pages that were filtered to nothing',
      { size, total: 'total' },
      [
        { data: [], total: 14 },
        { data: [], total: 14 },
        { data: [], total: 14 },
        { data: [], total: 14 },
        { data: rows(2), total: 14 },
      ],
      [0, 3, 6, 9, 12],
    ],
    [
      'goes on past an empty page whose flag says so',
      { size, more: 'has_more' },
      [
        { data: [], has_more: true },
        { data: rows(3), has_more: 'true' },
        { data: rows(3), has_more: 'false' },
      ],
      [0, 3, 6],
    ],
    [
      'ends where the flag says so, whatever the total says',
      { size, more: 'has_more', total: 'total' },
      [{ data: rows(3), has_more: false, total: 100 }],
      [0],
    ],
    [
      'may count from one',
      { size, first: 1, total: 'total' },
      [
        { data: rows(3), total: 4 },
        { data: rows(1), total: 4 },
      ],
      [1, 4],
    ],
  ])('%s', (_name, options, bodies, asked) => {
    expect(offsets(options, bodies)).toEqual(asked)
  })

  // PEERS: dlt paginator offset.has_more_path
  test('that is empty but says that more follow is stuck without a size (R5)', () => {
    const read = () =>
      offsets({ total: 'meta.total' }, [
        { data: rows(2), meta: { total: 9 } },
        { data: [], meta: { total: 9 } },
      ])
    expect(read).toThrow(PaginationStuckError)
    expect(read).toThrow(
      'https://api.example.com/items: the page at offset 2 is empty, but meta.total = 9 says that more follow; set `size`, so that reading can go on behind the gap, or leave `total` out, to end at the first empty page',
    )
    expect(() => offsets({ more: 'has_more' }, [{ data: [], has_more: 1 }])).toThrow(
      'the page at offset 0 is empty, but has_more says that more follow; set `size`, so that reading can go on behind the gap, or leave `more` out, to end at the first empty page',
    )
  })

  // PEERS: dlt paginator offset.total_path
  // PEERS: dlt test_paginators invalid or missing total
  test('whose total is no count is refused', () => {
    expect(() => offsets({ total: 'total' }, [{ data: rows(1), total: 'many' }])).toThrow(
      PaginationInvalidError,
    )
    expect(() => offsets({ total: 'total' }, [{ data: rows(1), total: 'many' }])).toThrow(
      'total should hold a count, but holds "many"',
    )
  })
})

describe('pages side by side', () => {
  const all = (options: Omit<OffsetOptions, 'type'>, body: Value, headers = {}) => {
    const positions = offsetPaginator(offset(options)).all?.(pageView(body, { headers }))
    return positions && [...positions]
  }

  test.each<[string, Omit<OffsetOptions, 'type'>, Value, number[] | undefined]>([
    [
      'are every page after the first where there is a total',
      { size, total: 'total' },
      { data: rows(3), total: 10 },
      [3, 6, 9],
    ],
    [
      'end at a total that is a multiple of the size',
      { size, total: 'total' },
      { data: rows(3), total: 9 },
      [3, 6],
    ],
    [
      'are as long as the first where there is no size',
      { total: 'total' },
      { data: rows(20), total: '50' },
      [20, 40],
    ],
    ['may count from one', { size, first: 1, total: 'total' }, { data: rows(3), total: 7 }, [4, 7]],
    ['are none where the first page holds all', { size, total: 'total' }, { data: rows(2), total: 2 }, []],
    ['are unknown without a total', { size }, rows(3), undefined],
    ['are unknown where the page lacks the total', { size, total: 'total' }, { data: rows(3) }, undefined],
    [
      'are unknown where the first page is shorter than asked for',
      { size, total: 'total' },
      { data: rows(2), total: 9 },
      undefined,
    ],
    [
      'are unknown where the first page was filtered to nothing',
      { total: 'total' },
      { data: [], total: 9 },
      undefined,
    ],
  ])('%s', (_name, options, body, positions) => {
    expect(all(options, body)).toEqual(positions)
  })

  test('take the total from a header too', () => {
    expect(all({ total: { header: 'X-Total-Count' } }, rows(2), { 'x-total-count': '5' })).toEqual([2, 4])
  })

  test('of a huge total are not held in memory', () => {
    const positions = offsetPaginator(offset({ size, total: 'total' })).all?.(
      pageView({ data: rows(3), total: 9e15 }),
    )
    expect(positions?.[Symbol.iterator]().next().value).toBe(3)
  })
})

describe('an offset request', () => {
  // PEERS: dlt paginator offset.limit
  // PEERS: dlt paginator offset.offset_param
  // PEERS: dlt paginator offset.limit_param
  // PEERS: Airbyte OffsetIncrement
  test('carries offset and size in the query, the first one too', () => {
    const { request } = offsetPaginator(offset({ size }))
    expect(request({ ...listRequest, query: { q: 'x' } }, undefined).query).toEqual({
      q: 'x',
      limit: 3,
      offset: 0,
    })
    expect(request(listRequest, 6).query).toEqual({ limit: 3, offset: 6 })
  })

  // PEERS: dlt paginator offset.offset_body_path
  // PEERS: dlt paginator offset.limit_body_path
  test('carries them in the body where the config says so, as numbers', () => {
    const { request } = offsetPaginator(
      offset({ param: { body: 'page.from' }, size: { param: { body: 'page.size' }, value: 50 } }),
    )
    expect(request({ ...listRequest, body: { q: 'x' } }, 50).body).toEqual({
      q: 'x',
      page: { from: 50, size: 50 },
    })
  })

  test('refuses a position of another kind', () => {
    const { request } = offsetPaginator(offset())
    const position: Json = 'abc'
    expect(() => request(listRequest, position as never)).toThrow(PaginationInvalidError)
    expect(() => request(listRequest, position as never)).toThrow(
      `https://api.example.com/items: the stored position "abc" is none of the paginator "offset", which stores number: it stems from other options. Reset the stream's state, or put the former options back`,
    )
  })
})
