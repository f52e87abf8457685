import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestUrl, sourceOrigins, withQuery } from './request-url.ts'

const origins = sourceOrigins('https://acme.test/api/v2', ['https://data.acme.test'])
const at = (url: string, query = {}) => requestUrl({ url, query }, origins)

// PEERS: dlt test_utils join_url
test('a relative URL goes below the base URL, one that begins with a slash below its origin', () => {
  expect(at('incremental/tickets')).toBe('https://acme.test/api/v2/incremental/tickets')
  expect(at('/other?x=1#part')).toBe('https://acme.test/other?x=1')
  expect(at('?page=2')).toBe('https://acme.test/api/v2/?page=2')
  expect(at('https://acme.test/api/v2/tickets')).toBe('https://acme.test/api/v2/tickets')
})

// PEERS: dlt endpoint.path
// PEERS: dlt test_client absolute URL
test('R3: another origin is refused by name unless it is listed', () => {
  expect(at('https://data.acme.test/export')).toBe('https://data.acme.test/export')
  expect(() => at('https://evil.test/next?cursor=hush')).toThrow(
    'https://evil.test/next is at https://evil.test, and this source is https://acme.test or https://data.acme.test: its credential is not sent elsewhere; if both belong to one API, list https://evil.test in allowedOrigins',
  )
  for (const url of [
    '//evil.test/',
    'http://acme.test/',
    'https://acme.test:8443/',
    'https://acme.test@evil.test/',
    'file:///etc/passwd',
  ])
    expect(() => at(url)).toThrow(expect.objectContaining({ code: 'ORIGIN_REFUSED', recovery: 'fix-config' }))
})

test("parameters take the place of the URL's own of the same name, whose others stay as they are written", () => {
  expect(at('t?cursor=a%2Bb%3D%3D&a=1&created%5Bgte%5D=5', { a: 2, 'created[gte]': 7 })).toBe(
    'https://acme.test/api/v2/t?cursor=a%2Bb%3D%3D&a=2&created%5Bgte%5D=7',
  )
  expect(at('t?per+page=1', { 'per page': 2 })).toBe('https://acme.test/api/v2/t?per%20page=2')
})

test('an array repeats its name, and an empty one removes it', () => {
  expect(at('t', { ids: [1, 2], open: true })).toBe('https://acme.test/api/v2/t?ids=1&ids=2&open=true')
  expect(at('t?ids=1', { ids: [] })).toBe('https://acme.test/api/v2/t')
})

// PEERS: dlt test_utils join_url
test('every value arrives as it was given, and whatever else the URL held is kept', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(fc.oneof(text, fc.integer()), { minLength: 1 }),
  )
  fc.assert(
    fc.property(
      fc.dictionary(text, value, { noNullPrototype: true }),
      fc.array(fc.tuple(text, text)),
      (query, own) => {
        const url = withQuery(`https://acme.test/t?${new URLSearchParams(own)}`, query)
        const read = new URL(url).searchParams
        for (const [name, value] of Object.entries(query))
          expect(read.getAll(name)).toEqual([value].flat().map(String))
        const kept = own.filter(([name]) => !Object.hasOwn(query, name))
        expect([...read].slice(0, kept.length)).toEqual(kept)
        // Adding the same parameters again changes nothing: nothing is encoded twice.
        expect(new URL(withQuery(url, query)).search).toBe(new URL(url).search)
      },
    ),
  )
})

test('what is no URL is named', () => {
  expect(() => at('http://[')).toThrow(
    '"http://[" is no URL, absolute or relative to https://acme.test/api/v2/',
  )
  expect(() => sourceOrigins('acme.test/api')).toThrow(
    'baseUrl: "acme.test/api" is no absolute http or https URL',
  )
  expect(() => sourceOrigins('https://a.test', ['b.test'])).toThrow(
    'allowedOrigins: "b.test" is no absolute http or https URL',
  )
  // As a variable may give it.
  expect(() => sourceOrigins('https://user:hunter2@a.test/')).toThrow(
    /^baseUrl: a user name or password stands in the address, where it would not be sent: (?!.*hunter2)/,
  )
  expect(() => sourceOrigins('https://a.test/?v=2')).toThrow('baseUrl: must have no query and no fragment')
})
