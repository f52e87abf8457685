import { describe, expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import type { RequestSpec } from '../ports/request.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { offset } from './offset.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import { PaginationDepthError } from './paginator.ts'
import { time } from './time.ts'

const size = { param: 'limit', value: 2 }
const kinds = (depth: object): PaginatorOptions[] =>
  [
    offset({ size }),
    pageNumber({ size }),
    cursor({ token: 'token', param: 'cursor' }),
    nextUrl({ url: 'next' }),
    linkHeader(),
    keyset({ param: 'after' }),
    time({ param: 'since', field: 'at', size }),
  ].map((options) => ({ ...options, depth }))

/** A list without an end, two records a page, whatever kind asks. */
function endless(request: RequestSpec) {
  const { query } = request
  const fromUrl = new URL(request.url).searchParams.get('at')
  const at = Number(
    fromUrl ??
      query['cursor'] ??
      query['after'] ??
      query['since'] ??
      query['offset'] ??
      (Number(query['page'] ?? 1) - 1) * 2,
  )
  const rows = [at + 1, at + 2].map((id) => ({ id, at: id }))
  const next = `/items?at=${at + 2}`
  return pageView(
    { data: rows, token: String(at + 2), next },
    { url: request.url, headers: { link: `<${next}>; rel="next"` } },
  )
}

// PEERS: dlt offset maximum_offset
// PEERS: dlt page_number maximum_page
describe('a list deeper than its API lets it be read', () => {
  test.each(kinds({ pages: 3 }))('stops $type after so many pages, and says what to do (R5)', (options) => {
    const read = () => readPages(createPaginator(options), endless, { limit: 10 })
    expect(read).toThrow(PaginationDepthError)
    expect(read).toThrow(
      'the list goes on beyond `depth.pages`: 3 pages with 6 records were read of it. Cut the stream into parts that are less deep, by `slices` or a filter, or set `depth.beyond: end` if what lies beyond is not needed',
    )
  })

  // PEERS: dlt fault 8 has_more past the maximum
  // PEERS: dlt test_paginators stop at the maximum
  test.each(kinds({ records: 5, beyond: 'end' }))('ends $type there where the config says so', (options) => {
    const pages = readPages(createPaginator(options), endless, { limit: 10 })
    expect(pages).toHaveLength(3)
    // The count is a part of the position: a run that resumes reads no deeper.
    const rest = readPages(createPaginator(options), endless, { from: pages[1]!.position, limit: 10 })
    expect(rest).toHaveLength(2)
  })

  test('is read to its end where that comes first', () => {
    const paginator = createPaginator(offset({ total: 'total', depth: { records: 4 } }))
    const pages = readPages(paginator, (request) => {
      const from = Number(request.query['offset'])
      return pageView({ data: [{ id: from }, { id: from + 1 }], total: 4 })
    })
    expect(pages).toHaveLength(2)
  })

  test('reads as deep side by side', () => {
    const first = pageView({ data: [{ id: 1 }, { id: 2 }], total: 100 })
    const all = (depth: object) =>
      createPaginator({ ...offset({ total: 'total' }), depth } as PaginatorOptions).all?.(first)
    const positions = [...all({ records: 6, beyond: 'end' })!]
    expect(positions).toEqual([
      { pages: 1, records: 2, at: 2 },
      { pages: 2, records: 4, at: 4 },
    ])
    expect(() => [...all({ records: 6 })!]).toThrow(PaginationDepthError)
  })

  test('takes up a position that was stored before there was a depth', () => {
    const paginator = createPaginator(cursor({ token: 'token', param: 'cursor', depth: { pages: 2 } }))
    expect(paginator.request(listRequest, '8').query).toEqual({ cursor: '8' })
    expect(paginator.next(endless(paginator.request(listRequest, '8')), '8')).toEqual({
      pages: 1,
      records: 2,
      at: '10',
    })
  })

  test('bounds each run of a list that goes on in the next one', () => {
    const paginator = createPaginator(
      cursor({
        token: 'token',
        param: 'cursor',
        more: 'more',
        persist: true,
        depth: { pages: 1, beyond: 'end' },
      }),
    )
    const page = pageView({ data: [{ id: 1 }], token: 'b', more: true })
    expect(paginator.next(page, 'a')).toBeUndefined()
    expect(paginator.resume?.(page, 'a')).toBe('b')
  })

  test('needs a number of pages or records', () => {
    expect(() => createPaginator(offset({ depth: {} }))).toThrow(ConfigError)
    expect(() => createPaginator(offset({ depth: {} }))).toThrow(
      'give `pages` or `records`: without one of them there is no depth',
    )
  })
})
