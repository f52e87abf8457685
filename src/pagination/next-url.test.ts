import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type NextUrlOptions, nextUrl, nextUrlPaginator } from './next-url.ts'
import { PaginationInvalidError, PaginationLoopError } from './paginator.ts'

/** Reads pages of the given bodies, one after the other; gives the URLs that were asked for. */
function urls(options: Partial<NextUrlOptions>, bodies: readonly Value[]): string[] {
  const script = bodies.values()
  const read = readPages(nextUrlPaginator(nextUrl({ url: 'next', ...options })), ({ url }) => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value, { url })
  })
  return read.map(({ request }) => request.url.replace('https://api.example.com', ''))
}

const row = [{ id: 1 }]

describe('a list with next URLs', () => {
  // PEERS: dlt paginator json_link
  // PEERS: dlt paginator json_link.next_url_path
  // PEERS: dlt test_paginators quoted JSONPath
  test.each<[string, Partial<NextUrlOptions>, Value[], string[]]>([
    [
      'follows absolute URLs',
      {},
      [{ next: 'https://api.example.com/items?page=2' }, {}],
      ['/items', '/items?page=2'],
    ],
    [
      'follows a path from the root (Salesforce)',
      {},
      [{ next: '/query/01g-2000' }, {}],
      ['/items', '/query/01g-2000'],
    ],
    [
      'follows a path beside the page',
      {},
      [{ next: 'items/2' }, { next: '3' }, {}],
      ['/items', '/items/2', '/items/3'],
    ],
    [
      'follows a query alone',
      {},
      [{ next: '?page=2' }, { next: '?page=3' }, {}],
      ['/items', '/items?page=2', '/items?page=3'],
    ],
    ['ends where the URL is null', {}, [{ data: row, next: null }], ['/items']],
    ['ends where the URL is empty', {}, [{ data: row, next: '' }], ['/items']],
    [
      'finds the URL at a quoted key (Microsoft Graph)',
      { url: "['@odata.nextLink']" },
      [{ '@odata.nextLink': '?t=1' }, {}],
      ['/items', '/items?t=1'],
    ],
    [
      'goes on past empty pages',
      {},
      [{ data: [], next: '?2' }, { data: [], next: '?3' }, { data: [], next: '?4' }, { data: row }],
      ['/items', '/items?2', '/items?3', '/items?4'],
    ],
    [
      'ends at an empty page where the config says so',
      { lastPage: 'empty' },
      [
        { data: row, next: '?2' },
        { data: [], next: '?3' },
      ],
      ['/items', '/items?2'],
    ],
    [
      'ends where the flag says so, though the URL is never null (Zendesk)',
      { more: '!end_of_stream' },
      [
        { next: '?s=1', end_of_stream: false },
        { next: '?s=1', end_of_stream: true },
      ],
      ['/items', '/items?s=1'],
    ],
    [
      'keeps what is encoded in a URL',
      {},
      [{ next: '?cursor=a%3D%3D&f=a%20b%2Bc' }, {}],
      ['/items', '/items?cursor=a%3D%3D&f=a%20b%2Bc'],
    ],
    ['drops a fragment, which is never sent', {}, [{ next: '?page=2#top' }, {}], ['/items', '/items?page=2']],
  ])('%s', (_name, options, bodies, asked) => {
    expect(urls(options, bodies)).toEqual(asked)
  })

  test('whose URL leads to the page before stops with an error (R1)', () => {
    expect(() => urls({}, [{ next: '?page=2' }, { next: '?page=2' }])).toThrow(PaginationLoopError)
    expect(() => urls({}, [{ next: '?page=2' }, { next: '?page=2' }])).toThrow(
      'https://api.example.com/items?page=2: next is "https://api.example.com/items?page=2", which led to this very page; reading on would never end.',
    )
  })

  test('whose first page leads to itself stops with an error (R1)', () => {
    expect(() => urls({}, [{ next: 'https://api.example.com/items' }])).toThrow(PaginationLoopError)
  })

  test('that says more but holds no URL stops with an error', () => {
    expect(() => urls({ more: 'has_more' }, [{ has_more: true }])).toThrow(
      'has_more says that there are more pages, but next names none; name the right place of the next page',
    )
  })

  // PEERS: dlt test_client absolute URL
  test.each(['http://', 'ftp://api.example.com/2', 'javascript:alert(1)'])('refuses %j', (next) => {
    expect(() => urls({}, [{ next }])).toThrow(PaginationInvalidError)
    expect(() => urls({}, [{ next }])).toThrow(
      `https://api.example.com/items: next should hold the next page's URL, but holds ${JSON.stringify(next)}; if that is a token, use the paginator "cursor"`,
    )
  })
})

// PEERS: dlt paginator json_link clears the query
// PEERS: Airbyte RequestPath
test('a next URL is asked whole: the first request’s parameters and size are not added again', () => {
  const { request } = nextUrlPaginator(nextUrl({ url: 'next', size: { param: 'limit', value: 50 } }))
  const base = { ...listRequest, query: { since: 5 }, headers: { accept: 'application/json' } }
  expect(request(base, undefined)).toEqual({ ...base, query: { since: 5, limit: 50 } })
  expect(request(base, 'https://api.example.com/items?page=2&limit=50')).toEqual({
    ...base,
    url: 'https://api.example.com/items?page=2&limit=50',
    query: {},
  })
})

test('a next URL may outlive the run', () => {
  const paginator = nextUrlPaginator(nextUrl({ url: 'next', lastPage: 'empty', persist: true }))
  const last = pageView({ data: [], next: '?after=9' })
  expect(paginator.next(last, undefined)).toBeUndefined()
  expect(paginator.resume?.(last, undefined)).toBe('https://api.example.com/items?after=9')
})

// PEERS: dlt paginators nine relative URL joins
// PEERS: dlt paginator json_link relative URLs
// PEERS: dlt test_client relative next URL
test.each<[string, string, string]>([
  ['/items?page=2', 'https://api.example.com:8443/v1/items', 'https://api.example.com:8443/items?page=2'],
  ['items?page=2', 'https://api.example.com/v1/items', 'https://api.example.com/v1/items?page=2'],
  ['?page=2', 'https://api.example.com/v1/items?page=1&a=b', 'https://api.example.com/v1/items?page=2'],
  ['2', 'https://api.example.com/v1/items/1', 'https://api.example.com/v1/items/2'],
  ['./2', 'https://api.example.com/v1/items/', 'https://api.example.com/v1/items/2'],
  ['../v2/items', 'https://api.example.com/v1/items', 'https://api.example.com/v2/items'],
  [
    '/a%20b/%E2%9C%93?q=%2F',
    'https://api.example.com/items',
    'https://api.example.com/a%20b/%E2%9C%93?q=%2F',
  ],
  ['//api.example.com/items/2', 'https://api.example.com/items', 'https://api.example.com/items/2'],
  ['/page/2/', 'https://api.example.com/page/1/', 'https://api.example.com/page/2/'],
])('the next URL %s of %s is %s', (next, url, joined) => {
  expect(nextUrlPaginator(nextUrl({ url: 'next' })).next(pageView({ next }, { url }), undefined)).toBe(joined)
})

// PEERS: dlt paginators no duplicated params on next URL
test('parameters that a next URL lacks are added again where the config says so, and none is there twice', () => {
  const size = { param: 'limit', value: 50 }
  const { request } = nextUrlPaginator(nextUrl({ url: 'next', keepQuery: true, size }))
  const base = { ...listRequest, query: { since: 5, 'tags[]': ['a', 'b'], limit: 10 } }
  expect(request(base, 'https://api.example.com/items?page=2').query).toEqual({
    since: 5,
    'tags[]': ['a', 'b'],
    limit: 50,
  })
  expect(request(base, 'https://api.example.com/items?limit=20&tags%5B%5D=a&page=2')).toMatchObject({
    url: 'https://api.example.com/items?limit=20&tags%5B%5D=a&page=2',
    query: { since: 5 },
  })
})

test('a next URL is asked with the headers and the body of the first request (Microsoft Graph ConsistencyLevel)', () => {
  const { request } = nextUrlPaginator(nextUrl({ url: 'next' }))
  const base = { ...listRequest, method: 'POST', headers: { consistencylevel: 'eventual' }, body: { q: 1 } }
  expect(request(base, 'https://api.example.com/2')).toEqual({ ...base, url: 'https://api.example.com/2' })
})
