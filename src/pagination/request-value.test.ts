import { describe, expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import { listRequest } from '../testing/pages.ts'
import { requestValue, requestWriter } from './request-value.ts'

describe('a value goes into', () => {
  test('a query parameter, in the place of one of the same name', () => {
    const base = { ...listRequest, query: { limit: 5, page: 1 } }
    expect(requestWriter('page')(base, 2).query).toEqual({ limit: 5, page: 2 })
    expect(base.query).toEqual({ limit: 5, page: 1 })
  })

  // PEERS: Airbyte RequestOption
  test('a header, named in lower case', () => {
    const place = requestValue.parse({ header: 'X-Cursor' })
    expect(requestWriter(place)({ ...listRequest, headers: { accept: '*/*' } }, 7).headers).toEqual({
      accept: '*/*',
      'x-cursor': '7',
    })
  })

  // PEERS: dlt paginator page_number.page_body_path
  // PEERS: dlt test_paginators parameter or body path
  // PEERS: Airbyte RequestOption
  test('a field of the body, whose other fields stay', () => {
    const base = { ...listRequest, method: 'POST', body: { query: { q: 1 }, pagination: { per_page: 5 } } }
    const request = requestWriter({ body: 'pagination.starting_after' })(base, 'x')
    expect(request.body).toEqual({ query: { q: 1 }, pagination: { per_page: 5, starting_after: 'x' } })
    expect(base.body.pagination).toEqual({ per_page: 5 })
  })

  test('a field of a body that is not there yet', () => {
    expect(requestWriter({ body: 'page.after' })(listRequest, 3).body).toEqual({ page: { after: 3 } })
  })
})

describe('an index in the body', () => {
  const body = { filters: [{ name: 'changed' }, { name: 'id', value: '0' }] }

  test('means an item that is there', () => {
    const base = { ...listRequest, method: 'POST', body }
    expect(requestWriter({ body: 'filters[1].value' })(base, '7').body).toEqual({
      filters: [{ name: 'changed' }, { name: 'id', value: '7' }],
    })
    expect(requestWriter({ body: 'filters[-1].value' })(base, '8').body).toMatchObject({
      filters: [{}, { value: '8' }],
    })
    expect(body.filters[1]).toEqual({ name: 'id', value: '0' })
  })

  test.each([
    [{ body: 'filters[2].value' }, 'stands where a list with an item [2] should be'],
    [{ body: 'page[0].value' }, 'null stands where a list with an item [0] should be'],
  ])('of which there is none is an error: %o', (place, message) => {
    expect(() => requestWriter(place)({ ...listRequest, body }, 'x')).toThrow(message)
  })
})

describe('a place is refused', () => {
  test('where a scalar stands in the way of a field', () => {
    const write = requestWriter({ body: 'page.after' })
    expect(() => write({ ...listRequest, body: { page: 1 } }, 'x')).toThrow(ConfigError)
    expect(() => write({ ...listRequest, body: { page: 1 } }, 'x')).toThrow(
      `the request body can't take the field page.after: 1 stands where an object with the key "after" should be`,
    )
  })

  // PEERS: dlt test_paginators parameter or body path
  test.each<[string, unknown, string]>([
    ['an item of a body that is a list', { body: '[0].a' }, 'begins with its key, as in "pagination.after"'],
    ['the whole body', { body: '$' }, 'begins with its key'],
    ['an empty name', '', "the name of a query parameter can't be empty"],
    ['nothing', undefined, 'name a query parameter, as in "cursor"'],
  ])('that names %s', (_name, place, message) => {
    expect(requestValue.safeParse(place).error?.issues[0]?.message).toContain(message)
  })
})
