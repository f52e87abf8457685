// How real APIs page, each with the options that read it: what is asked, page after page, as their documentation has it.
import { describe, expect, test } from 'vitest'
import type { JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { readPages } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { offset } from './offset.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import type { PageView } from './paginator.ts'
import { compilePath } from './path.ts'

interface Service {
  readonly name: string
  readonly paginate: PaginatorOptions
  readonly records: string
  readonly url?: string
  readonly method?: string
  readonly body?: RequestSpec['body']
  /** One answer a request: the body, or the body and the headers. */
  readonly answers: readonly (Value | { readonly body: Value; readonly headers: PageView['headers'] })[]
  /** Query, URL (after the origin) or body of each request: what differs. */
  readonly asks: readonly (Record<string, unknown> | string)[]
  readonly bodies?: readonly unknown[]
}

const one = [{ id: '1' }]
const two = [{ id: '2' }]

const services: Service[] = [
  {
    name: 'Zendesk lists by cursor: stop by has_more, though links.next may be there',
    paginate: cursor({
      token: 'meta.after_cursor',
      param: 'page[after]',
      more: 'meta.has_more',
      size: { param: 'page[size]', value: 100 },
    }),
    records: 'tickets',
    answers: [
      { tickets: one, meta: { has_more: true, after_cursor: 'x' }, links: { next: 'https://a.test/1' } },
      { tickets: two, meta: { has_more: false, after_cursor: 'y' }, links: { next: 'https://a.test/2' } },
    ],
    asks: [{ 'page[size]': 100 }, { 'page[size]': 100, 'page[after]': 'x' }],
  },
  {
    name: 'Zendesk incremental by time: the URL is never null',
    paginate: nextUrl({ url: 'next_page', more: '!end_of_stream' }),
    records: 'tickets',
    answers: [
      { tickets: one, next_page: '/t?start_time=5', end_of_stream: false },
      { tickets: two, next_page: '/t?start_time=5', end_of_stream: true },
    ],
    asks: ['/items', '/t?start_time=5'],
  },
  {
    name: 'Stripe lists',
    paginate: keyset({ param: 'starting_after', more: 'has_more', size: { param: 'limit', value: 100 } }),
    records: 'data',
    answers: [
      { object: 'list', data: one, has_more: true },
      { object: 'list', data: two, has_more: false },
    ],
    asks: [{ limit: 100 }, { limit: 100, starting_after: '1' }],
  },
  {
    name: 'Stripe search',
    paginate: cursor({ token: 'next_page', param: 'page', more: 'has_more' }),
    records: 'data',
    answers: [
      { data: one, has_more: true, next_page: 'p2' },
      { data: two, has_more: false, next_page: null },
    ],
    asks: [{}, { page: 'p2' }],
  },
  {
    name: 'GitHub: the path in the link is another one',
    paginate: linkHeader({ size: { param: 'per_page', value: 100 } }),
    records: '',
    answers: [
      {
        body: one,
        headers: {
          link: '<https://api.example.com/repositories/13/issues?page=2>; rel="next", <https://api.example.com/repositories/13/issues?page=2>; rel="last"',
        },
      },
      { body: two, headers: { link: '<https://api.example.com/repositories/13/issues?page=1>; rel="prev"' } },
    ],
    asks: ['/items', '/repositories/13/issues?page=2'],
  },
  {
    name: 'GitLab keyset: one empty page without a link at the end',
    paginate: linkHeader(),
    records: '',
    answers: [
      {
        body: one,
        headers: { link: '<https://api.example.com/projects?id_after=1&pagination=keyset>; rel="next"' },
      },
      { body: [], headers: {} },
    ],
    asks: ['/items', '/projects?id_after=1&pagination=keyset'],
  },
  {
    name: 'GitLab offset: the next page in a header that is empty on the last',
    paginate: cursor({ token: { header: 'x-next-page' }, param: 'page' }),
    records: '',
    answers: [
      { body: one, headers: { 'x-next-page': '2' } },
      { body: two, headers: { 'x-next-page': '' } },
    ],
    asks: [{}, { page: '2' }],
  },
  {
    name: 'X: the token is absent at the end, and so are the records where there are none',
    paginate: cursor({ token: 'meta.next_token', param: 'next_token' }),
    records: 'data',
    answers: [{ data: one, meta: { next_token: 'b26', result_count: 1 } }, { meta: { result_count: 0 } }],
    asks: [{}, { next_token: 'b26' }],
  },
  {
    name: 'Slack: cursors hold =, pages may be empty, the end is an empty text',
    paginate: cursor({ token: 'response_metadata.next_cursor', param: 'cursor' }),
    records: 'messages',
    answers: [
      { ok: true, messages: [], response_metadata: { next_cursor: 'bmV4dA==' } },
      { ok: true, messages: one, response_metadata: { next_cursor: '' } },
    ],
    asks: [{}, { cursor: 'bmV4dA==' }],
  },
  {
    name: 'Discord messages after: each page newest first',
    paginate: keyset({ param: 'after', pick: 'max', lastPage: 'short', size: { param: 'limit', value: 2 } }),
    records: '',
    answers: [[{ id: '9' }, { id: '10' }], [{ id: '11' }]],
    asks: [{ limit: 2 }, { limit: 2, after: '10' }],
  },
  {
    name: 'Discord messages before',
    paginate: keyset({ param: 'before', pick: 'min', lastPage: 'short', size: { param: 'limit', value: 2 } }),
    records: '',
    answers: [[{ id: '10' }, { id: '9' }], [{ id: '8' }]],
    asks: [{ limit: 2 }, { limit: 2, before: '9' }],
  },
  {
    name: 'Discord archived threads: a flag beside the times',
    paginate: keyset({ field: 'archived_at', param: 'before', more: 'has_more' }),
    records: 'threads',
    answers: [
      { threads: [{ archived_at: '2024-02-01T00:00:00Z' }], has_more: true },
      { threads: [{ archived_at: '2024-01-01T00:00:00Z' }], has_more: false },
    ],
    asks: [{}, { before: '2024-02-01T00:00:00Z' }],
  },
  {
    name: 'Shopify: no other filter may stand beside page_info',
    paginate: linkHeader({ size: { param: 'limit', value: 250 } }),
    records: 'products',
    answers: [
      {
        body: { products: one },
        headers: { link: '<https://api.example.com/products.json?limit=250&page_info=abc>; rel="next"' },
      },
      { body: { products: two }, headers: {} },
    ],
    asks: ['/items', '/products.json?limit=250&page_info=abc'],
  },
  {
    name: 'HubSpot: the key paging is absent at the end',
    paginate: cursor({ token: 'paging.next.after', param: 'after', size: { param: 'limit', value: 100 } }),
    records: 'results',
    answers: [{ results: one, paging: { next: { after: '100', link: 'https://a.test' } } }, { results: two }],
    asks: [{ limit: 100 }, { limit: 100, after: '100' }],
  },
  {
    name: 'Salesforce query: a relative URL, and a flag',
    paginate: nextUrl({ url: 'nextRecordsUrl', more: '!done' }),
    records: 'records',
    answers: [
      { totalSize: 2, done: false, nextRecordsUrl: '/services/data/v60.0/query/01g-2000', records: one },
      { totalSize: 2, done: true, records: two },
    ],
    asks: ['/items', '/services/data/v60.0/query/01g-2000'],
  },
  {
    name: 'Salesforce bulk results: a locator in a header, whose end is the text null',
    paginate: cursor({
      token: { header: 'Sforce-Locator' },
      param: 'locator',
      size: { param: 'maxRecords', value: 2 },
    }),
    records: '',
    answers: [
      { body: one, headers: { 'sforce-locator': 'MTAw' } },
      { body: two, headers: { 'sforce-locator': 'null' } },
    ],
    asks: [{ maxRecords: 2 }, { maxRecords: 2, locator: 'MTAw' }],
  },
  {
    name: 'Notion query: the cursor goes into the body, beside what is there',
    paginate: cursor({
      token: 'next_cursor',
      param: { body: 'start_cursor' },
      more: 'has_more',
      size: { param: { body: 'page_size' }, value: 100 },
    }),
    records: 'results',
    method: 'POST',
    body: { filter: { in_trash: false } },
    answers: [
      { results: one, next_cursor: 'c2', has_more: true },
      { results: two, next_cursor: null, has_more: false },
    ],
    asks: [{}, {}],
    bodies: [
      { filter: { in_trash: false }, page_size: 100 },
      { filter: { in_trash: false }, page_size: 100, start_cursor: 'c2' },
    ],
  },
  {
    name: 'Jira search: isLast, and no total',
    paginate: cursor({ token: 'nextPageToken', param: 'nextPageToken', more: '!isLast' }),
    records: 'issues',
    answers: [
      { issues: one, nextPageToken: 'n2', isLast: false },
      { issues: two, isLast: true },
    ],
    asks: [{}, { nextPageToken: 'n2' }],
  },
  {
    name: 'Jira other lists: startAt, and isLast without a total',
    paginate: offset({ param: 'startAt', more: '!isLast', size: { param: 'maxResults', value: 1 } }),
    records: 'values',
    answers: [
      { values: one, startAt: 0, isLast: false },
      { values: two, startAt: 1, isLast: true },
    ],
    asks: [
      { startAt: 0, maxResults: 1 },
      { startAt: 1, maxResults: 1 },
    ],
  },
  {
    name: 'Intercom search: pages.next is null at the end, the cursor nested in the body',
    paginate: cursor({ token: 'pages.next.starting_after', param: { body: 'pagination.starting_after' } }),
    records: 'data',
    method: 'POST',
    body: { query: { field: 'updated_at' }, pagination: { per_page: 150 } },
    answers: [
      { data: one, pages: { next: { page: 2, starting_after: 'w1' } } },
      { data: two, pages: { next: null } },
    ],
    asks: [{}, {}],
    bodies: [
      { query: { field: 'updated_at' }, pagination: { per_page: 150 } },
      { query: { field: 'updated_at' }, pagination: { per_page: 150, starting_after: 'w1' } },
    ],
  },
  {
    name: 'Airtable: an opaque text that is called offset',
    paginate: cursor({ token: 'offset', param: 'offset' }),
    records: 'records',
    answers: [{ records: one, offset: 'itr1/rec1' }, { records: two }],
    asks: [{}, { offset: 'itr1/rec1' }],
  },
  {
    name: 'Google lists: a short page with a token is not the last',
    paginate: cursor({ token: 'nextPageToken', param: 'pageToken' }),
    records: 'items',
    answers: [{ items: [], nextPageToken: 'p' }, { items: one }],
    asks: [{}, { pageToken: 'p' }],
  },
  {
    name: 'Microsoft Graph: an empty page may carry the next link',
    paginate: nextUrl({ url: "['@odata.nextLink']" }),
    records: 'value',
    answers: [
      { value: [], '@odata.nextLink': 'https://api.example.com/users?$skiptoken=X%27' },
      { value: one },
    ],
    asks: ['/items', '/users?$skiptoken=X%27'],
  },
  {
    name: 'Zoom: the end is an empty text',
    paginate: cursor({
      token: 'next_page_token',
      param: 'next_page_token',
      size: { param: 'page_size', value: 300 },
    }),
    records: 'users',
    answers: [
      { users: one, next_page_token: 'z2' },
      { users: two, next_page_token: '' },
    ],
    asks: [{ page_size: 300 }, { page_size: 300, next_page_token: 'z2' }],
  },
  {
    name: 'Klaviyo: JSON:API links, followed whole',
    paginate: nextUrl({ url: 'links.next', size: { param: 'page[size]', value: 100 } }),
    records: 'data',
    answers: [
      {
        data: one,
        links: { self: 'https://api.example.com/s', next: 'https://api.example.com/p?page%5Bcursor%5D=b' },
      },
      { data: two, links: { next: null } },
    ],
    asks: ['/items', '/p?page%5Bcursor%5D=b'],
  },
  {
    name: 'Klaviyo, by the cursor inside the link',
    paginate: cursor({ token: { url: 'links.next', param: 'page[cursor]' }, param: 'page[cursor]' }),
    records: 'data',
    answers: [
      { data: one, links: { next: 'https://api.example.com/p?page%5Bcursor%5D=bmV4dA%3D%3D' } },
      { data: two, links: { next: null } },
    ],
    asks: [{}, { 'page[cursor]': 'bmV4dA==' }],
  },
  {
    name: 'Square: pages may be short or empty, the cursor alone says that there are more',
    paginate: cursor({ token: 'cursor', param: 'cursor' }),
    records: 'payments',
    answers: [{ cursor: 's2' }, { payments: one, cursor: 's3' }, { payments: two }],
    asks: [{}, { cursor: 's2' }, { cursor: 's3' }],
  },
  {
    name: 'Twilio: next_page_uri is relative to the origin',
    paginate: nextUrl({ url: 'next_page_uri' }),
    records: 'messages',
    answers: [
      { messages: one, next_page_uri: '/2010-04-01/Messages.json?PageSize=50&Page=1&PageToken=PAMM1' },
      { messages: two, next_page_uri: null },
    ],
    asks: ['/items', '/2010-04-01/Messages.json?PageSize=50&Page=1&PageToken=PAMM1'],
  },
  {
    name: 'SendGrid marketing: the URL in _metadata',
    paginate: nextUrl({ url: '_metadata.next' }),
    records: 'result',
    answers: [
      { result: one, _metadata: { next: 'https://api.example.com/v3/lists?page_token=t2', count: 2 } },
      { result: two, _metadata: { count: 2 } },
    ],
    asks: ['/items', '/v3/lists?page_token=t2'],
  },
  {
    name: 'OpenAI usage: next_page and has_more',
    paginate: cursor({ token: 'next_page', param: 'page', more: 'has_more' }),
    records: 'data',
    answers: [
      { data: one, has_more: true, next_page: 'page_AAAA' },
      { data: two, has_more: false, next_page: null },
    ],
    asks: [{}, { page: 'page_AAAA' }],
  },
  {
    name: 'SCIM: a one-based start index',
    paginate: offset({
      param: 'startIndex',
      first: 1,
      total: 'totalResults',
      size: { param: 'count', value: 1 },
    }),
    records: 'Resources',
    answers: [
      { totalResults: 2, Resources: one },
      { totalResults: '2', Resources: two },
    ],
    asks: [
      { startIndex: 1, count: 1 },
      { startIndex: 2, count: 1 },
    ],
  },
  {
    name: 'Mixpanel profiles page number: zero-based, the last page is short',
    paginate: pageNumber({ first: 0, lastPage: 'short', size: { param: 'page_size', value: 2 } }),
    records: 'results',
    answers: [
      { page: 0, results: [...one, ...two] },
      { page: 1, results: one },
    ],
    asks: [
      { page: 0, page_size: 2 },
      { page: 1, page_size: 2 },
    ],
  },
]

describe('real APIs', () => {
  // PEERS: dlt test_offline POST search paging
  test.each(services)('$name', ({ paginate, records, answers, asks, bodies, method = 'GET', body }) => {
    const select = compilePath(records === '' ? '$' : records)
    const script = answers.values()
    const base = {
      method,
      url: 'https://api.example.com/items',
      query: {},
      headers: {},
      ...(body !== undefined && { body }),
    }
    const pages = readPages(
      createPaginator(paginate),
      ({ url }) => {
        const { value, done } = script.next()
        if (done) throw new Error(`asked for more than ${answers.length} pages`)
        const answer = answerOf(value)
        const list = select(answer.body)
        return { url, status: 200, ...answer, records: Array.isArray(list) ? (list as JsonRecord[]) : [] }
      },
      { base },
    )
    const shown = pages.map(({ request: { url, query } }) =>
      typeof asks[0] === 'string' ? url.replace('https://api.example.com', '') : query,
    )
    expect(shown).toEqual(asks)
    if (bodies !== undefined) expect(pages.map(({ request }) => request.body)).toEqual(bodies)
  })
})

type Answer = { readonly body: Value; readonly headers: PageView['headers'] }

function answerOf(value: Service['answers'][number]): Answer {
  const hasHeaders = typeof value === 'object' && value !== null && 'headers' in value
  return hasHeaders ? (value as Answer) : { body: value as Value, headers: {} }
}
