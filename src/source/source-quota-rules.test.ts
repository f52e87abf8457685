import { expect, test } from 'vitest'
import { env } from '../options/secret.ts'
import { customPaginator } from '../pagination/custom.ts'
import { restOptions } from './rest-options.ts'

const paginate = { type: 'none' as const }
const items = { path: 'items', paginate }
const messages = {
  path: 'channels/{parent.id}/messages',
  key: 'id',
  paginate,
  slices: { by: 'parent', stream: 'channels' },
}
const channels = { path: '/v1/channels', key: 'id', paginate }
const exported = {
  path: '{job.url}',
  headers: { 'x-kind': 'export' },
  paginate,
  job: { create: { path: 'exports', headers: { 'x-job': 'yes' } }, poll: { path: 'exports/{job.id}' } },
}

function problems(limit: object, source: object = {}): readonly string[] {
  const { error } = restOptions.safeParse({
    type: 'rest',
    baseUrl: 'https://api.test/v2',
    quotas: [{ requests: 30, per: '1m', ...limit }],
    streams: { items, messages, channels },
    ...source,
  })
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

test.each<[string, object, object?]>([
  ['the path of a stream', { for: { path: 'items' } }],
  ['a path that only a run knows', { for: { path: 'channels/7/messages' } }],
  ['a path below the origin', { for: { path: '/v2/items' } }],
  ['a whole URL', { for: { path: 'https://api.test/v1/*' } }],
  ['a path that may go on', { for: { path: 'items/**' } }],
  ['one of several paths', { for: { path: ['gone', 'items'] } }],
  ['the path of `check`', { for: { path: 'me' } }, { check: 'me?full=1' }],
  [
    'a path that is written otherwise than it is asked',
    { for: { path: 'caf%C3%A9' } },
    { streams: { items: { ...items, path: 'café' } } },
  ],
  [
    'a base that only a run knows, and paths of two kinds',
    { for: { path: '/items' } },
    { baseUrl: env('BASE') },
  ],
  [
    'pages whose URLs replies name',
    { for: { path: 'next/**' } },
    { streams: { items: { path: 'items', paginate: { type: 'link-header' } } } },
  ],
  [
    'requests that code makes',
    { for: { path: 'next/**', methods: ['PUT'], header: { 'x-kind': 'a' } } },
    {
      streams: {
        items: {
          path: 'items',
          paginate: customPaginator({ request: (base) => base, next: () => undefined }),
        },
      },
    },
  ],
  [
    'the results of a job, at a URL that its status names',
    { for: { path: 'https://files.test/**' } },
    { streams: { exported } },
  ],
  ['the method of a job', { for: { methods: ['POST'] } }, { streams: { exported } }],
  ['a header of a job', { for: { header: { 'X-Job': '*' } } }, { streams: { exported } }],
  ['a header of the source', { for: { header: { 'x-tenant': 'a*' } } }, { headers: { 'X-Tenant': 'acme' } }],
  [
    'a header whose value only a run knows',
    { for: { header: { 'x-channel': '7' } } },
    { streams: { messages: { ...messages, headers: { 'x-channel': '{parent.id}' } }, channels } },
  ],
  [
    'a header that the paginator writes',
    { for: { header: { 'x-page': '1' } } },
    { streams: { items: { path: 'items', paginate: { type: 'page-number', param: { header: 'X-Page' } } } } },
  ],
  [
    'a variable by which requests are told',
    { each: { header: 'x-tenant' } },
    { headers: { 'x-tenant': env('TENANT') } },
  ],
  ['a value of a parent', { each: '{parent.team}' }],
  ['a path by which requests are told', { each: { path: 'channels/*/**' } }],
  ['a query parameter, which a paginator may write', { each: { query: 'account' } }],
])('a limit that may hold for a request is taken: %s', (_, limit, source) => {
  expect(problems(limit, source)).toEqual([])
})

const paths =
  'its paths are "items", "channels/{parent.id}/messages", "/v1/channels". A path is below `baseUrl`, or, where it begins with /, below its origin; `*` stands for anything but a /, `**` for anything'

test.each<[string, object, string, object?]>([
  [
    'a path',
    { for: { path: 'search/*' } },
    `quotas.0.for.path: no request of this source asks for "search/*", so the limit would hold for none of them: ${paths}`,
  ],
  [
    'a path below another root',
    { for: { path: ['channels', '/items'] } },
    `quotas.0.for.path: no request of this source asks for "channels" or "/items", so the limit would hold for none of them: ${paths}`,
  ],
  [
    'a path by which requests are told',
    { each: { path: 'guilds/*' } },
    `quotas.0.each.path: no request of this source asks for "guilds/*", so the limit would hold for none of them: ${paths}`,
  ],
  [
    'methods',
    { for: { methods: ['POST', 'PUT'] } },
    'quotas.0.for.methods: the requests of this source ask with GET, so the limit would hold for none of them: write one of these, or leave `methods` out',
  ],
  [
    'a header that nobody names',
    { for: { header: { 'x-tenant': '*' } } },
    'quotas.0.for.header.x-tenant: no request of this source has the header x-tenant, so none can be told by it: name it in the `headers` of the source or of a stream, or leave it out here',
  ],
  [
    'another value of a header',
    { for: { header: { 'x-tenant': 'b*' } } },
    'quotas.0.for.header.x-tenant: no request of this source has such a x-tenant, so the limit would hold for none of them: it is "acme"',
    { headers: { 'x-tenant': 'acme' } },
  ],
  [
    'a header that is put on after the quota was waited for',
    { for: { header: { 'x-tenant': '*' } } },
    'quotas.0.for.header.x-tenant: the header x-tenant holds a variable, which is filled in after the quota was waited for, so the limit would hold for no request: leave the header out here, and name `methods` or `path`',
    { headers: { 'x-tenant': env('TENANT') } },
  ],
  [
    'a header by which requests are told, that nobody names',
    { each: { header: 'X-Tenant' } },
    'quotas.0.each.header: no request of this source has the header x-tenant, so none can be told by it: name it in the `headers` of the source or of a stream, or leave it out here',
  ],
  [
    'what no request is at once',
    { for: { methods: ['POST'], path: 'items' } },
    'quotas.0.for: no request of this source is all of this at once, so the limit would hold for none of them: write an entry for each class of requests, or leave out what does not belong to it',
    { streams: { items, exported } },
  ],
  [
    'a value of no stream',
    { each: '{parent.id}' },
    'quotas.0.each: no stream of this source has a value for {parent.id}, so no request can be told from another by it: streams get such values from `slices`, `incremental` or `job`, and they have none. A header is { header: x-tenant }',
    { streams: { items } },
  ],
  [
    'a value that is called otherwise',
    { each: '{tenant.id}' },
    'quotas.0.each: no stream of this source has a value for {tenant.id}, so no request can be told from another by it: streams get such values from `slices`, `incremental` or `job`, and they have {parent.FIELD}. A header is { header: x-tenant }',
  ],
  [
    'values of two streams',
    { each: '{parent.id} {job.id}' },
    'quotas.0.each: no stream of this source has a value for all of "{parent.id} {job.id}", so no request can be told from another by it: write an entry for each stream, in its own `quotas`',
    { streams: { messages, channels, exported } },
  ],
])('a limit that holds for no request is refused: %s', (_, limit, message, source) => {
  expect(problems(limit, source)).toEqual([message])
})
