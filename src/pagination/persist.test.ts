// Positions that outlive the run and are named apart from the next page: sync tokens and delta links.
import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { createPaginator } from './options.ts'
import { PaginationInvalidError } from './paginator.ts'

const row = [{ id: 1 }]

describe('a sync token with a parameter of its own (Google Calendar)', () => {
  const paginator = createPaginator(
    cursor({
      token: 'nextPageToken',
      param: 'pageToken',
      persist: { token: 'nextSyncToken', param: 'syncToken' },
    }),
  )
  const asked = (bodies: Value[], from?: Parameters<typeof paginator.resume & object>[1]) => {
    const script = bodies.values()
    const pages = readPages(paginator, () => pageView(script.next().value), { from })
    const { page, position } = pages.at(-1)!
    return { queries: pages.map(({ request }) => request.query), kept: paginator.resume?.(page, position) }
  }

  test('is kept at the end, and asked with through all pages of the next run', () => {
    const first = asked([
      { data: row, nextPageToken: 'p2' },
      { data: row, nextSyncToken: 's1' },
    ])
    expect(first).toEqual({ queries: [{}, { pageToken: 'p2' }], kept: { since: 's1' } })
    const second = asked(
      [
        { data: row, nextPageToken: 'p2' },
        { data: row, nextSyncToken: 's2' },
      ],
      first.kept,
    )
    expect(second).toEqual({
      queries: [{ syncToken: 's1' }, { syncToken: 's1', pageToken: 'p2' }],
      kept: { since: 's2' },
    })
  })

  test('stays as it was where the API has nothing new and names none', () => {
    expect(asked([{ data: [] }], { since: 's1' }).kept).toEqual({ since: 's1' })
  })

  test('that is missing at the end stops the stream, since each run would begin anew', () => {
    expect(() => asked([{ data: row }])).toThrow(PaginationInvalidError)
    expect(() => asked([{ data: row }])).toThrow(
      'the list has ended, and nextSyncToken holds nothing, where `persist` looks for what the next run begins with; name the right place',
    )
  })
})

test('a page token that the last page names under another key goes where page tokens go (Google Drive changes)', () => {
  const paginator = createPaginator(
    cursor({ token: 'nextPageToken', param: 'pageToken', persist: { token: 'newStartPageToken' } }),
  )
  const last = pageView({ data: row, newStartPageToken: '90' })
  expect(paginator.next(last, '80')).toBeUndefined()
  expect(paginator.resume?.(last, '80')).toBe('90')
  expect(paginator.request(listRequest, '90').query).toEqual({ pageToken: '90' })
})

test('a delta link of another key than the next link is what the next run begins with (Microsoft Graph)', () => {
  const paginator = createPaginator(
    nextUrl({ url: "['@odata.nextLink']", persist: { url: "['@odata.deltaLink']" } }),
  )
  const pages: Record<string, Value> = {
    'https://api.example.com/items': { value: row, '@odata.nextLink': '/items?$skiptoken=2' },
    'https://api.example.com/items?$skiptoken=2': { value: row, '@odata.deltaLink': '/items?$deltatoken=d1' },
    'https://api.example.com/items?$deltatoken=d1': {
      value: [],
      '@odata.deltaLink': '/items?$deltatoken=d2',
    },
  }
  const api = (request: RequestSpec) => pageView(pages[request.url], { url: request.url })
  const [, last] = readPages(paginator, api)
  const kept = paginator.resume?.(last!.page, last!.position)
  expect(kept).toBe('https://api.example.com/items?$deltatoken=d1')
  const next = readPages(paginator, api, { from: kept })
  expect(next).toHaveLength(1)
  expect(paginator.resume?.(next[0]!.page, kept)).toBe('https://api.example.com/items?$deltatoken=d2')
})

test('a next link that is always there ends at an empty page and is kept (Okta System Log)', () => {
  const paginator = createPaginator(linkHeader({ lastPage: 'empty', persist: true }))
  const link = (after: number) => ({
    // Several header lines, of which a client that keeps one loses the next.
    link: [
      '<https://api.example.com/items>; rel="self"',
      `<https://api.example.com/items?after=${after}>; rel="next"`,
    ],
  })
  const api = ({ url }: RequestSpec) => {
    const after = Number(new URL(url).searchParams.get('after') ?? 0)
    return after < 3
      ? pageView([{ id: after }], { url, headers: link(after + 1) })
      : pageView([], { url, headers: link(after) })
  }
  const pages = readPages(paginator, api)
  expect(pages).toHaveLength(4)
  const { page, position } = pages.at(-1)!
  expect(paginator.resume?.(page, position)).toBe('https://api.example.com/items?after=3')
})
