import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { listRequest, pageView } from '../testing/pages.ts'
import { auto } from './auto.ts'
import { cursor } from './cursor.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { none } from './none.ts'
import { offset } from './offset.ts'
import { createPaginator, type PaginatorOptions, paginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import { relay } from './relay.ts'
import { time } from './time.ts'

const kinds: PaginatorOptions[] = [
  offset(),
  pageNumber(),
  cursor({ token: 'next', param: 'cursor' }),
  nextUrl({ url: 'next' }),
  linkHeader(),
  keyset({ param: 'after' }),
  time({ param: 'since', field: 'at', size: { param: 'limit', value: 10 } }),
  relay({ connection: 'viewer.items' }),
  none(),
  auto(),
]

describe('every kind', () => {
  // PEERS: Airbyte DefaultPaginator
  test.each(kinds)('$type has a builder whose plain options make a paginator', (options) => {
    expect(JSON.parse(JSON.stringify(options))).toEqual(options)
    const paginator = createPaginator(options)
    expect(paginator.request(listRequest, undefined).url).toBe(listRequest.url)
    expect(paginator.next(pageView({ data: [] }), undefined)).toBeUndefined()
  })

  test.each(kinds)('$type takes options that have been validated already', (options) => {
    const validated = paginatorOptions.parse(options)
    expect(paginatorOptions.parse(validated)).toEqual(validated)
    expect(createPaginator(validated).request(listRequest, undefined)).toEqual(
      createPaginator(options).request(listRequest, undefined),
    )
  })

  // PEERS: dlt test_configuration short forms
  test.each(kinds.filter(({ type }) => type !== 'relay'))(
    '$type takes a page size in one spelling, in every place',
    (options) => {
      const first = (param: unknown) =>
        createPaginator({ ...options, size: { param, value: 50 } } as PaginatorOptions).request(
          listRequest,
          undefined,
        )
      expect(first('page[size]').query).toMatchObject({ 'page[size]': 50 })
      expect(first({ header: 'X-Size' }).headers).toEqual({ 'x-size': '50' })
      expect(first({ body: 'page.size' }).body).toEqual({ page: { size: 50 } })
    },
  )

  test('describes every option, for the reference and the JSON schema', () => {
    const schema = z.toJSONSchema(paginatorOptions, { io: 'input', unrepresentable: 'any' }) as {
      oneOf: { description?: string; properties: Record<string, { description?: string }> }[]
    }
    // The custom one is made of functions.
    expect(schema.oneOf).toHaveLength(kinds.length + 1)
    for (const kind of schema.oneOf) {
      expect(kind.description).toBeTruthy()
      for (const [name, option] of Object.entries(kind.properties)) {
        expect(option.description, name).toBeTruthy()
      }
    }
  })
})

describe('a mistake in the options is refused', () => {
  // PEERS: dlt test_paginator_config helpful error
  test.each<[string, object, string]>([
    [
      'an unknown type',
      { type: 'pages' },
      "'offset' | 'page-number' | 'cursor' | 'next-url' | 'link-header' | 'keyset' | 'time' | 'relay' | 'none'",
    ],
    ['an unknown option', { type: 'offset', totl: 'total' }, 'Unrecognized key: "totl"'],
    [
      'a missing place of the token',
      { type: 'cursor', param: 'cursor' },
      'or a parameter of a URL that stands there, as in { url: "links.next", param: "cursor" }\n  → at token',
    ],
    [
      'a missing place for the token',
      { type: 'cursor', token: 'next' },
      'or a field of the body, as in { body: "page.after" }\n  → at param',
    ],
    ['a path that is none', { type: 'cursor', token: 'a..b', param: 'cursor' }, '"a..b" is no path'],
    ['a size of 0', { type: 'offset', size: { param: 'limit', value: 0 } }, 'at size.value'],
    ['a size without a place', { type: 'offset', size: { value: 5 } }, 'at size.param'],
    ['a first page other than 0 or 1', { type: 'page-number', first: 2 }, 'at first'],
    [
      'an offset list that ends at a short page of no size',
      { type: 'offset', lastPage: 'short' },
      'lastPage: "short" needs `size`: without it no page can be told to be short',
    ],
    [
      'a numbered list that ends at a short page of no size',
      { type: 'page-number', lastPage: 'short' },
      'lastPage: "short" needs `size`',
    ],
    [
      'a keyset list that ends at a short page of no size',
      { type: 'keyset', param: 'after', lastPage: 'short' },
      'lastPage: "short" needs `size`',
    ],
    [
      'a time list that ends at a short page of no size',
      { type: 'time', param: 'since', field: 'at', more: 'more', lastPage: 'short' },
      'lastPage: "short" needs `size`',
    ],
    [
      'a time list that can not end',
      { type: 'time', param: 'since', field: 'at' },
      "give `more` or `size` (not above the API's maximum): without one of them the last page can't be told from a full page of one time",
    ],
    [
      'a time list without a time',
      { type: 'time', param: 'since', more: 'more' },
      'give `field` or `endTime`: one of them says where the next page starts',
    ],
    [
      'a time list with two times',
      { type: 'time', param: 'since', more: 'more', field: 'at', endTime: 'end' },
      'give `field` or `endTime`',
    ],
    [
      'two totals',
      { type: 'page-number', totalPages: 'a', totalRecords: 'b' },
      'give `totalPages` or `totalRecords`, not both',
    ],
  ])('%s', (_name, options, message) => {
    const create = () => createPaginator(options as PaginatorOptions)
    expect(create).toThrow(ConfigError)
    expect(create).toThrow(message)
  })

  test('every mistake of one paginator in one message', () => {
    expect(() => createPaginator({ type: 'offset', first: 5, size: 3 } as never)).toThrow(
      /at first[\s\S]*at size/,
    )
  })
})

// PEERS: dlt paginator single_page
// PEERS: Airbyte NoPagination
test('a list of one page has no position', () => {
  const paginator = createPaginator(none())
  expect(paginator.next(pageView([{ id: 1 }]), undefined)).toBeUndefined()
  expect([...paginator.all!(pageView([{ id: 1 }]))!]).toEqual([])
})
