import { describe, expect, test } from 'vitest'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type LinkHeaderOptions, linkHeader, linkHeaderPaginator } from './link-header.ts'
import { PaginationInvalidError, PaginationLoopError } from './paginator.ts'

type Field = string | readonly string[] | undefined

/** Reads pages with the given Link headers, one after the other; gives the URLs that were asked for. */
function urls(options: Omit<LinkHeaderOptions, 'type'>, fields: readonly Field[]): string[] {
  let pages = 0
  const read = readPages(linkHeaderPaginator(linkHeader(options)), ({ url }) => {
    if (pages === fields.length) throw new Error(`asked for more than ${fields.length} pages`)
    return pageView([{ id: pages }], { url, headers: { link: fields[pages++] } })
  })
  return read.map(({ request }) => request.url.replace('https://api.example.com', ''))
}

describe('a list with Link headers', () => {
  // PEERS: dlt paginator header_link
  // PEERS: dlt paginator header_link.links_next_key
  // PEERS: dlt test_paginators next link there, or absent
  test.each<[string, Omit<LinkHeaderOptions, 'type'>, Field[], string[]]>([
    ['of one page has no header', {}, [undefined], ['/items']],
    [
      'ends where there is no next link',
      {},
      [
        '<https://api.example.com/repositories/7/items?page=2>; rel="next", <https://api.example.com/repositories/7/items?page=2>; rel="last"',
        '<https://api.example.com/items>; rel="first"',
      ],
      ['/items', '/repositories/7/items?page=2'],
    ],
    [
      'finds the link on any line (Okta)',
      {},
      [
        [
          '<https://api.example.com/items>; rel="self"',
          '<https://api.example.com/items?after=2>; rel="next"',
        ],
        ['<https://api.example.com/items?after=2>; rel="self"'],
      ],
      ['/items', '/items?after=2'],
    ],
    [
      'follows relative URLs',
      {},
      ['<?page=2>; rel=next', '</other?page=3>; rel=next', undefined],
      ['/items', '/items?page=2', '/other?page=3'],
    ],
    [
      'follows URLs with commas and semicolons',
      {},
      ['<?ids=1,2;3>; rel="next"', undefined],
      ['/items', '/items?ids=1,2;3'],
    ],
    [
      'finds the relation in a list, in any case',
      {},
      ['<?page=2>; Rel="last NEXT"', undefined],
      ['/items', '/items?page=2'],
    ],
    [
      'follows another relation where the config says so',
      { rel: 'Older' },
      ['<?page=2>; rel=next, <?before=7>; rel="older"', undefined],
      ['/items', '/items?before=7'],
    ],
    [
      'passes over a link of another resource',
      {},
      [
        '<?page=9>; rel=next; anchor="/others", <?page=2>; rel=next; anchor="https://api.example.com/items"',
        undefined,
      ],
      ['/items', '/items?page=2'],
    ],
  ])('%s', (_name, options, fields, asked) => {
    expect(urls(options, fields)).toEqual(asked)
  })

  test('whose link repeats stops with an error (R1)', () => {
    expect(() => urls({}, ['<?page=2>; rel=next', '<?page=2>; rel=next'])).toThrow(PaginationLoopError)
    expect(() => urls({}, ['<?page=2>; rel=next', '<?page=2>; rel=next'])).toThrow(
      `the Link header's rel="next" is "https://api.example.com/items?page=2", which led to this very page`,
    )
  })

  test('whose link is no URL stops with an error', () => {
    expect(() => urls({}, ['<http://>; rel=next'])).toThrow(PaginationInvalidError)
    expect(() => urls({}, ['<http://>; rel=next'])).toThrow(
      `the Link header's rel="next" should hold the next page's URL, but holds "http://"`,
    )
  })

  test('whose next link never ends is read to an empty page, and its link kept for the next run (Okta)', () => {
    const paginator = linkHeaderPaginator(linkHeader({ lastPage: 'empty', persist: true }))
    const last = pageView([], { headers: { link: '<?after=9>; rel=next' } })
    expect(paginator.next(last, undefined)).toBeUndefined()
    expect(paginator.resume?.(last, undefined)).toBe('https://api.example.com/items?after=9')
    const request = paginator.request(listRequest, 'https://api.example.com/items?after=9')
    expect(request.url).toBe('https://api.example.com/items?after=9')
  })
})

test('the first request carries the page size', () => {
  const { request } = linkHeaderPaginator(linkHeader({ size: { param: 'per_page', value: 100 } }))
  expect(request(listRequest, undefined).query).toEqual({ per_page: 100 })
})
