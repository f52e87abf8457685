import { describe, expect, test } from 'vitest'
import { cursor } from './cursor.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { none } from './none.ts'
import { offset } from './offset.ts'
import { paginationProblems } from './option-rules.ts'
import { type PaginatorOptions, paginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import { time } from './time.ts'

const get = { method: 'GET' }
const post = { method: 'POST' }
const problems = (options: PaginatorOptions, request: { method: string; body?: never } | object) =>
  [...paginationProblems(paginatorOptions.parse(options), request as { method: string })].map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

const page = { param: 'page', value: 10 }
const counted: PaginatorOptions[] = [
  offset({ param: 'page', size: page }),
  pageNumber({ size: page }),
  cursor({ token: 'next', param: 'page', size: page }),
  keyset({ param: 'page', size: page }),
  time({ param: 'page', field: 'at', size: page }),
]

// PEERS: dlt refuses a config that cannot terminate
describe('options by which a list could not be read, or not end, are refused at load', () => {
  // PEERS: dlt test_paginators parameter or body path
  test.each(counted)('$type and its page size in one parameter', (options) => {
    expect(problems(options, get)).toEqual([
      'size.param: `size.param` and `param` both write the query parameter page, and one would overwrite the other, so that the list could not be read: name the place of each',
    ])
  })

  test('the same header, in any case, and the same field of the body', () => {
    const header = offset({ param: { header: 'X-At' }, size: { param: { header: 'x-at' }, value: 1 } })
    expect(problems(header, get)[0]).toContain('both write the header x-at')
    const body = offset({ param: { body: 'p.at' }, size: { param: { body: 'p.at' }, value: 1 } })
    expect(problems(body, post)[0]).toContain('both write the field p.at of the body')
  })

  test('a sync token in the parameter of the page token', () => {
    const options = cursor({ token: 'a', param: 'at', persist: { token: 'b', param: 'at' } })
    expect(problems(options, get)[0]).toContain(
      '`persist.param` and `param` both write the query parameter at',
    )
  })

  test('a field of the body of a request that has none, or another one', () => {
    const options = cursor({ token: 'next', param: { body: 'page.after' } })
    expect(problems(options, get)).toEqual([
      'param: a GET request has no body to put page.after into: set `method: POST`, or name a query parameter or a header',
    ])
    expect(problems(options, { ...post, body: [1] })).toEqual([
      "param: the request's body is no object, so page.after can't be put into it: name a query parameter or a header",
    ])
    expect(problems(options, { ...post, body: { query: 'all' } })).toEqual([])
    expect(problems(options, post)).toEqual([])
  })

  test('an item of a list in the body that the list has not', () => {
    const options = keyset({ param: { body: 'filters[1].value' } })
    expect(problems(options, { ...post, body: { filters: [{ name: 'id' }] } })).toEqual([
      'param: the request body can\'t take the field filters[1].value: [{"name":"id"}] stands where a list with an item [1] should be',
    ])
    expect(problems(options, { ...post, body: { filters: [{}, { name: 'id' }] } })).toEqual([])
  })

  test.each<PaginatorOptions>([
    cursor({ token: 'next', param: 'cursor', persist: true }),
    nextUrl({ url: 'next', persist: true }),
    linkHeader({ persist: true }),
  ])('$type with a position for the next run on every page, and no sign of the end', (options) => {
    expect(problems(options, get)).toEqual([
      'persist: `persist: true` keeps what the last page names, so a page that names a next one may still be the last, and this list might never end: say how it ends, by the API\'s flag in `more`, as in "!end_of_stream", or by `lastPage: empty`',
    ])
    expect(problems({ ...options, more: '!end' } as PaginatorOptions, get)).toEqual([])
    expect(problems({ ...options, lastPage: 'empty' } as PaginatorOptions, get)).toEqual([])
  })

  test('and nothing else is', () => {
    const fine = [
      offset(),
      pageNumber(),
      none(),
      linkHeader(),
      nextUrl({ url: 'next', persist: { url: 'delta' } }),
    ]
    for (const options of fine) expect(problems(options, get)).toEqual([])
  })
})
