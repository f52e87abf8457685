// Of two places that say one thing, one would be sent and the other not: both are named when the pipeline is loaded.
import { describe, expect, test } from 'vitest'
import { parseOptions } from '../options/parse-options.ts'
import { type RestOptions, restOptions } from './rest-options.ts'

type StreamOptions = RestOptions['streams'][string]

function load(stream: Partial<StreamOptions>, source: Partial<RestOptions> = {}): string {
  const streams = { items: { path: 'items', key: 'id', paginate: { type: 'none' }, ...stream } }
  try {
    parseOptions(restOptions, { type: 'rest', baseUrl: 'https://api.test', ...source, streams } as never)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const token = 'literal-token'

describe('what the paginator writes on every request', () => {
  test.each<[string, Partial<StreamOptions>, string]>([
    [
      'the number of the page',
      { query: { page: 5 }, paginate: { type: 'page-number' } },
      'streams.items.query.page: `paginate.param` writes page on every request, and would overwrite this one: leave one of the two out. Where the list begins at another page, say so in `paginate.first`',
    ],
    [
      'an offset in an object of the query',
      { query: { page: { start: 0 } }, paginate: { type: 'offset', param: 'page[start]' } },
      'streams.items.query["page[start]"]: `paginate.param` writes page[start] on every request',
    ],
    [
      'the page size',
      {
        query: { limit: 10 },
        paginate: { type: 'cursor', token: 'next', param: 'at', size: { param: 'limit', value: 100 } },
      },
      'streams.items.query.limit: `paginate.size.param` writes limit on every request',
    ],
    [
      'a header',
      { headers: { 'X-Page': '1' }, paginate: { type: 'page-number', param: { header: 'x-page' } } },
      'streams.items.headers["x-page"]: `paginate.param` writes x-page on every request',
    ],
  ])('is not in the request as well: %s', (_, stream, message) => {
    expect(load(stream)).toContain(message)
  })

  test('a first token may be, for no token is sent with the first page; and null takes a parameter away', () => {
    expect(
      load({ query: { cursor: '*' }, paginate: { type: 'cursor', token: 'next', param: 'cursor' } }),
    ).toBe('')
    expect(load({ query: { page: null }, paginate: { type: 'page-number' } })).toBe('')
  })
})

describe('a header in which `auth` sends the credential', () => {
  test.each<[string, Partial<StreamOptions>, Partial<RestOptions>, string]>([
    [
      "the stream's",
      { headers: { Authorization: 'Bearer other' } },
      { auth: { type: 'bearer', token } },
      'streams.items.headers.authorization: `auth` sends the credential in the header authorization, and would overwrite this one: leave one of the two out, or give a stream with another credential an `auth` of its own',
    ],
    [
      "the source's",
      {},
      { headers: { authorization: 'x' }, auth: { type: 'basic', username: 'me', password: token } },
      'headers.authorization: `auth` sends the credential',
    ],
    [
      'a key of its own name, one of several',
      { headers: { 'x-key': 'x' } },
      {
        auth: {
          type: 'rotate',
          credentials: [
            { type: 'bearer', token },
            { type: 'api_key', name: 'X-Key', key: token },
          ],
        },
      },
      'streams.items.headers["x-key"]: `auth` sends',
    ],
  ])('is refused: %s', (_, stream, source, message) => {
    expect(load(stream, source)).toContain(message)
    // S1
    expect(load(stream, source)).not.toContain(token)
  })

  test('is free where the credential is sent elsewhere, or not at all', () => {
    const stream = { headers: { authorization: 'Bearer other' } }
    expect(load(stream)).toBe('')
    expect(load(stream, { auth: { type: 'api_key', in: 'query', name: 'authorization', key: token } })).toBe(
      '',
    )
    expect(load({ ...stream, auth: { type: 'none' } }, { auth: { type: 'bearer', token } })).toBe('')
  })
})

describe('a bound of `incremental` that a placeholder says', () => {
  test('is said once', () => {
    const incremental = { by: 'time', field: 'at', param: 'from', start: '2024-01-01' } as const
    expect(load({ query: { since: '{cursor.value}' }, incremental })).toContain(
      'streams.items.incremental.param: the request has the placeholder {cursor.value}, and this option would say the same value once more: leave one of the two out',
    )
    const { param: _, ...without } = incremental
    expect(load({ query: { since: '{cursor.value}' }, incremental: without })).toBe('')
    expect(
      load({
        query: { since: '{cursor.value}', to: '{cursor.end}' },
        incremental: { ...without, endParam: 'until' },
      }),
    ).toContain('streams.items.incremental.endParam: the request has the placeholder {cursor.end}')
  })
})
