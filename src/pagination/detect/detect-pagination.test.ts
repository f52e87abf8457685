import { describe, expect, test } from 'vitest'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { detectRecords } from '../../source/response/detect-records.ts'
import { createPaginator, type PaginatorOptions } from '../options.ts'
import type { PageView } from '../paginator.ts'
import { compilePath } from '../path.ts'
import { detectPagination } from './detect-pagination.ts'

const rows = (count: number): JsonRecord[] =>
  Array.from({ length: count }, (_, id) => ({ id: String(id), name: 'x' }))

interface Shape {
  readonly api: string
  readonly body: Value
  readonly headers?: PageView['headers']
  readonly url?: string
  /** Where its records are. */
  readonly records: string
  readonly options: PaginatorOptions
  readonly says: 'more' | 'end' | 'nothing'
}

// First pages of two records, as their documentation has them.
// PEERS: dlt test_detector 23 response shapes
const shapes: Shape[] = [
  {
    api: 'GitHub issues',
    body: rows(2),
    headers: {
      link: '<https://api.example.com/repositories/13/issues?page=2>; rel="next", <https://api.example.com/repositories/13/issues?page=9>; rel="last"',
    },
    records: '',
    options: { type: 'link-header' },
    says: 'more',
  },
  {
    api: 'GitHub search, the last page',
    body: { total_count: 2, incomplete_results: false, items: rows(2) },
    headers: { link: '<https://api.example.com/search/issues?page=1>; rel="first"' },
    records: 'items',
    options: { type: 'link-header' },
    says: 'end',
  },
  {
    api: 'Okta, with several header lines',
    body: rows(2),
    headers: {
      link: [
        '<https://api.example.com/logs>; rel="self"',
        '<https://api.example.com/logs?after=1>; rel="next"',
      ],
    },
    records: '',
    options: { type: 'link-header' },
    says: 'more',
  },
  {
    api: 'Microsoft Graph',
    body: {
      '@odata.context': 'https://api.example.com/$metadata#users',
      '@odata.nextLink': 'https://api.example.com/users?$skiptoken=X',
      value: rows(2),
    },
    records: 'value',
    options: { type: 'next-url', url: "['@odata.nextLink']" },
    says: 'more',
  },
  {
    api: 'Salesforce query',
    body: {
      totalSize: 3214,
      done: false,
      nextRecordsUrl: '/services/data/v60.0/query/01g-2000',
      records: rows(2),
    },
    records: 'records',
    options: { type: 'next-url', url: 'nextRecordsUrl', more: '!done' },
    says: 'more',
  },
  {
    api: 'Zendesk by cursor',
    body: {
      tickets: rows(2),
      meta: { has_more: true, after_cursor: 'xx', before_cursor: 'yy' },
      links: {
        next: 'https://api.example.com/t?page[after]=xx',
        prev: 'https://api.example.com/t?page[before]=yy',
      },
    },
    records: 'tickets',
    options: { type: 'next-url', url: 'links.next', more: 'meta.has_more' },
    says: 'more',
  },
  {
    api: 'Zendesk incremental by time',
    body: {
      tickets: rows(2),
      count: 2,
      end_time: 1601357503,
      next_page: 'https://api.example.com/t?start_time=1601357503',
      end_of_stream: true,
    },
    records: 'tickets',
    options: { type: 'next-url', url: 'next_page', more: '!end_of_stream' },
    says: 'end',
  },
  {
    api: 'Zendesk incremental by cursor',
    body: {
      tickets: rows(2),
      after_url: 'https://api.example.com/t?cursor=MT',
      after_cursor: 'MT',
      before_url: null,
      before_cursor: null,
      end_of_stream: false,
    },
    records: 'tickets',
    options: { type: 'next-url', url: 'after_url', more: '!end_of_stream' },
    says: 'more',
  },
  {
    api: 'Klaviyo (JSON:API)',
    body: {
      data: rows(2),
      links: {
        self: 'https://api.example.com/p',
        next: 'https://api.example.com/p?page%5Bcursor%5D=b',
        prev: null,
      },
      included: rows(3),
    },
    records: 'data',
    options: { type: 'next-url', url: 'links.next' },
    says: 'more',
  },
  {
    api: 'JSON:API with links as objects',
    body: { data: rows(2), links: { next: { href: 'https://api.example.com/p?page=2' } } },
    records: 'data',
    options: { type: 'next-url', url: 'links.next.href' },
    says: 'more',
  },
  {
    api: 'HAL with embedded records',
    body: {
      _links: { self: { href: '/orders' }, next: { href: '/orders?page=2' } },
      _embedded: { orders: rows(2) },
    },
    records: '_embedded.orders',
    options: { type: 'next-url', url: '_links.next.href' },
    says: 'more',
  },
  {
    api: 'Django REST framework',
    body: { count: 1023, next: 'https://api.example.com/accounts/?page=2', previous: null, results: rows(2) },
    records: 'results',
    options: { type: 'next-url', url: 'next' },
    says: 'more',
  },
  {
    api: 'Laravel, a single page',
    body: { current_page: 1, data: rows(2), last_page: 1, next_page_url: null, per_page: 15, total: 2 },
    records: 'data',
    options: { type: 'next-url', url: 'next_page_url' },
    says: 'end',
  },
  {
    api: 'Twilio',
    body: {
      first_page_uri: '/2010-04-01/M.json?Page=0',
      next_page_uri: '/2010-04-01/M.json?Page=1&PageToken=PA',
      previous_page_uri: null,
      page: 0,
      page_size: 2,
      messages: rows(2),
    },
    records: 'messages',
    options: { type: 'next-url', url: 'next_page_uri' },
    says: 'more',
  },
  {
    api: 'SendGrid marketing',
    body: {
      result: rows(2),
      _metadata: {
        self: 'https://api.example.com/l',
        next: 'https://api.example.com/l?page_token=2',
        count: 9,
      },
    },
    records: 'result',
    options: { type: 'next-url', url: '_metadata.next' },
    says: 'more',
  },
  {
    api: 'Slack',
    body: {
      ok: true,
      messages: rows(2),
      has_more: true,
      pin_count: 0,
      response_metadata: { next_cursor: 'bmV4dA==' },
    },
    records: 'messages',
    options: { type: 'cursor', token: 'response_metadata.next_cursor', param: 'cursor', more: 'has_more' },
    says: 'more',
  },
  {
    api: 'Notion',
    body: { object: 'list', results: rows(2), next_cursor: 'c2', has_more: true, type: 'user', user: {} },
    records: 'results',
    options: { type: 'cursor', token: 'next_cursor', param: 'start_cursor', more: 'has_more' },
    says: 'more',
  },
  {
    api: 'X',
    body: { data: rows(2), meta: { newest_id: '1', oldest_id: '0', next_token: 'b26', result_count: 2 } },
    records: 'data',
    options: { type: 'cursor', token: 'meta.next_token', param: 'next_token' },
    says: 'more',
  },
  {
    api: 'HubSpot',
    body: { results: rows(2), paging: { next: { after: '100' } } },
    records: 'results',
    options: { type: 'cursor', token: 'paging.next.after', param: 'after' },
    says: 'more',
  },
  {
    api: 'Intercom',
    body: {
      type: 'list',
      data: rows(2),
      total_count: 9,
      pages: { type: 'pages', page: 1, per_page: 2, total_pages: 5, next: { page: 2, starting_after: 'w1' } },
    },
    records: 'data',
    options: { type: 'cursor', token: 'pages.next.starting_after', param: 'starting_after' },
    says: 'more',
  },
  {
    api: 'Airtable',
    body: { records: rows(2), offset: 'itr1/rec1' },
    records: 'records',
    options: { type: 'cursor', token: 'offset', param: 'offset' },
    says: 'more',
  },
  {
    api: 'Google Calendar',
    body: { kind: 'calendar#events', etag: '"1"', items: rows(2), nextPageToken: 'p2' },
    records: 'items',
    options: { type: 'cursor', token: 'nextPageToken', param: 'pageToken' },
    says: 'more',
  },
  {
    api: 'Square',
    body: { payments: rows(2), cursor: 's2' },
    records: 'payments',
    options: { type: 'cursor', token: 'cursor', param: 'cursor' },
    says: 'more',
  },
  {
    api: 'OpenAI usage',
    body: { object: 'page', data: rows(2), has_more: true, next_page: 'page_AAAA' },
    records: 'data',
    options: { type: 'cursor', token: 'next_page', param: 'page', more: 'has_more' },
    says: 'more',
  },
  {
    api: 'Stripe',
    body: { object: 'list', url: '/v1/customers', has_more: true, data: rows(2) },
    records: 'data',
    options: { type: 'keyset', param: 'starting_after', more: 'has_more' },
    says: 'more',
  },
  {
    api: 'Jira lists',
    body: {
      self: 'https://api.example.com/s',
      maxResults: 2,
      startAt: 0,
      total: 5,
      isLast: false,
      values: rows(2),
    },
    records: 'values',
    options: { type: 'offset', param: 'startAt', total: 'total', more: '!isLast' },
    says: 'more',
  },
  {
    api: 'SCIM',
    body: { schemas: ['urn:list'], totalResults: 5, itemsPerPage: 2, startIndex: 1, Resources: rows(2) },
    records: 'Resources',
    options: { type: 'offset', param: 'startIndex', first: 1, total: 'totalResults' },
    says: 'more',
  },
  {
    api: 'Spring, from page zero',
    body: { content: rows(2), totalElements: 5, totalPages: 3, last: false, number: 0, size: 2 },
    records: 'content',
    options: { type: 'page-number', param: 'page', totalPages: 'totalPages', first: 0, more: '!last' },
    says: 'more',
  },
  {
    api: 'a list with page and total_pages',
    body: { data: { users: rows(2) }, meta: { pagination: { page: 1, per_page: 2, total_pages: 3 } } },
    records: 'data.users',
    options: { type: 'page-number', param: 'page', totalPages: 'meta.pagination.total_pages' },
    says: 'more',
  },
  {
    api: 'a list with a page number and a total, asked by another name',
    url: 'https://api.example.com/items?pageNo=1',
    body: { list: rows(2), page: 1, total: 7 },
    records: 'list',
    options: { type: 'page-number', param: 'pageNo', totalRecords: 'total' },
    says: 'more',
  },
  {
    api: 'a list with x-total-pages',
    body: rows(2),
    headers: { 'x-total-pages': '4', 'x-total': '8' },
    records: '',
    options: { type: 'page-number', param: 'page', totalPages: { header: 'x-total-pages' } },
    says: 'more',
  },
  { api: 'a list alone', body: rows(2), records: '', options: { type: 'none' }, says: 'nothing' },
  {
    api: 'a list with its total',
    body: { items: rows(2), total: 2 },
    records: 'items',
    options: { type: 'none' },
    says: 'end',
  },
]

function view({
  body,
  headers = {},
  url = 'https://api.example.com/items',
  records,
}: Omit<Shape, 'options' | 'says' | 'api'>): PageView {
  const list = compilePath(records === '' ? '$' : records)(body)
  return {
    url,
    status: 200,
    headers,
    body,
    records: Array.isArray(list) ? (list as JsonRecord[]) : [body as JsonRecord],
  }
}

describe('a first page', () => {
  test.each(shapes)('of $api tells how the list goes on', (shape) => {
    const { options, says } = detectPagination(view(shape))
    expect({ options, says }).toEqual({ options: shape.options, says: shape.says })
    // What it says is what the paginator does.
    const next = createPaginator(options).next(view(shape), undefined)
    expect(next === undefined).toBe(shape.says !== 'more')
  })

  test.each(shapes)('of $api tells where its records are', (shape) => {
    expect(detectRecords(shape.body)[0]).toMatchObject({ path: shape.records, count: 2 })
  })

  test('of a search that is sent as POST takes its token in the body', () => {
    const page = view({ body: { data: rows(2), next_cursor: 'c' }, records: 'data' })
    expect(detectPagination(page, true).options).toEqual({
      type: 'cursor',
      token: 'next_cursor',
      param: { body: 'cursor' },
    })
  })
})

describe('nothing is mistaken for the next page', () => {
  const nothing = (body: Value, records: string, headers?: PageView['headers']) =>
    detectPagination(view({ body, records, ...(headers && { headers }) }))

  test.each<[string, Value, string]>([
    ['a field of a record', { data: [{ id: 1, next: 'https://api.example.com/2', cursor: 'x' }] }, 'data'],
    ['a field of the one record that the body is', { id: 1, next: 'https://api.example.com/2' }, ''],
    [
      'a field of an object that is data',
      { data: rows(2), owner: { next: 'https://api.example.com/2', cursor: 'a' } },
      'data',
    ],
    [
      'a previous page',
      { data: rows(2), links: { previous: 'https://api.example.com/1', self: 'https://api.example.com/2' } },
      'data',
    ],
    ['an offset that is a number', { data: rows(2), offset: 0, limit: 10 }, 'data'],
    ['a page number alone', { data: rows(2), page: 1 }, 'data'],
    ['a count of this page', { data: rows(2), count: 2 }, 'data'],
  ])('%s', (_name, body, records) => {
    expect(nothing(body, records).options).toEqual({ type: 'none' })
  })

  test('a Link header that speaks of other things', () => {
    expect(nothing(rows(2), '', { link: '<https://api.example.com/docs>; rel="help"' }).options).toEqual({
      type: 'none',
    })
  })
})

describe('what can not be told is said', () => {
  const doubt = (body: Value, records: string, headers: PageView['headers'] = {}) => {
    const detection = detectPagination(view({ body, records, headers }))
    return [detection.options.type, detection.says, detection.doubt]
  }

  test('a page that looks full', () => {
    expect(doubt(rows(100), '')).toEqual([
      'none',
      'nothing',
      'the page has 100 records, as if it were full, and nothing in it says whether there are more',
    ])
    expect(doubt(rows(37), '')).toEqual(['none', 'nothing', undefined])
  })
  test('a flag without a way on', () => {
    expect(doubt({ rows: rows(2), has_more: true }, 'rows')).toEqual([
      'none',
      'more',
      'has_more says that there are more pages, and nothing that is known says how to ask for them',
    ])
  })
  test('a total without a way on', () => {
    const reason = (place: string) =>
      `${place} counts 243 records, of which the page has 2, and nothing that is known says how to ask for the others`
    expect(doubt({ rows: rows(2), total: 243 }, 'rows')).toEqual(['none', 'more', reason('total')])
    expect(doubt(rows(2), '', { 'x-total-count': '243' })).toEqual(['none', 'more', reason('a header')])
  })
  test('a list of links', () => {
    expect(doubt({ rows: rows(2), links: [{ rel: 'next', href: '/2' }] }, 'rows')).toEqual([
      'none',
      'more',
      'links lists a link to the next page, which no path can name',
    ])
  })
  test('a URL of another origin', () => {
    expect(doubt({ rows: rows(2), next: 'https://elsewhere.example.net/2' }, 'rows')).toEqual([
      'next-url',
      'more',
      'the URL at next leads to another origin than the one that was asked',
    ])
  })
  test('a count of pages without a number of this one', () => {
    expect(doubt({ rows: rows(2), total_pages: 3 }, 'rows')).toEqual([
      'page-number',
      'more',
      'total_pages counts pages, but nothing says which parameter names one: it is taken to be "page"',
    ])
  })
})
