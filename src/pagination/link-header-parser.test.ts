import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLinkHeader } from './link-header-parser.ts'

const link = (target: string, rel: string, params: Record<string, string> = {}) => ({
  target,
  rels: rel === '' ? [] : rel.split(' '),
  params,
})

describe('a Link header', () => {
  // PEERS: dlt paginator header_link
  test.each<[string, string | readonly string[] | undefined, ReturnType<typeof link>[]]>([
    ['that is absent holds nothing', undefined, []],
    ['that is empty holds nothing', '', []],
    [
      'of GitHub holds two links',
      '<https://api.github.com/repositories/1300192/issues?page=4>; rel="next", <https://api.github.com/repositories/1300192/issues?page=515>; rel="last"',
      [
        link('https://api.github.com/repositories/1300192/issues?page=4', 'next'),
        link('https://api.github.com/repositories/1300192/issues?page=515', 'last'),
      ],
    ],
    [
      'on several lines (Okta) holds the links of all',
      ['<https://a/1>; rel="self"', '<https://a/2>; rel="next"'],
      [link('https://a/1', 'self'), link('https://a/2', 'next')],
    ],
    [
      'may hold commas and semicolons in URLs',
      '<https://a/?ids=1,2;x>; rel=next,<https://a/?q=a,b>; rel=last',
      [link('https://a/?ids=1,2;x', 'next'), link('https://a/?q=a,b', 'last')],
    ],
    [
      'may hold commas, semicolons and escaped quotes in quoted values',
      '<u>; title="a, \\"b\\"; rel=prev"; rel="next"',
      [link('u', 'next', { title: 'a, "b"; rel=prev' })],
    ],
    ['may name a relation without quotes', '<u>;rel=next', [link('u', 'next')]],
    ['may list relations', '<u>; rel="prev  Next"', [link('u', 'prev next')]],
    ['is read without regard to case', '<u>; REL="NEXT"', [link('u', 'next')]],
    [
      'may hold blanks anywhere between its parts',
      '  < u >\t;  rel = "next" ;\ttitle=x  ,  <v> ; rel=last ',
      [link('u', 'next', { title: 'x' }), link('v', 'last')],
    ],
    ['may hold empty elements', ', ,<u>; rel=next,,', [link('u', 'next')]],
    ['counts the first of several relations', '<u>; rel=next; rel=last', [link('u', 'next')]],
    [
      'may hold parameters without a value',
      '<u>; crossorigin; rel=next',
      [link('u', 'next', { crossorigin: '' })],
    ],
    ['may hold an empty parameter', '<u>;; rel=next;', [link('u', 'next')]],
    ['may hold links without a relation', '<u>', [link('u', '')]],
    [
      'may hold parameters before the relation',
      '<u>; results="true"; rel="next"; cursor="0:0:1"',
      [link('u', 'next', { results: 'true', cursor: '0:0:1' })],
    ],
    ['that breaks off in a URL keeps the links before it', '<u>; rel=next, <v', [link('u', 'next')]],
    ['that breaks off in a quoted value keeps it', '<u>; rel="next', [link('u', 'next')]],
    ['that is no such header holds nothing', 'https://a/; rel=next', []],
    [
      'may name a parameter as every object has it',
      '<u>; constructor=x; rel=next',
      [link('u', 'next', { constructor: 'x' })],
    ],
  ])('%s', (_name, field, links) => {
    expect(parseLinkHeader(field).map((each) => ({ ...each, params: { ...each.params } }))).toEqual(links)
  })

  test('of any text ends without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>;,="\\ \tarel') }), (text) => {
        expect(Array.isArray(parseLinkHeader(text))).toBe(true)
      }),
    )
  })

  test('that is written by the grammar is read back', () => {
    const target = fc.stringMatching(/^[\w/?&=,;:.%-]+$/)
    const rel = fc.stringMatching(/^[a-z]+$/)
    const title = fc.string()
    fc.assert(
      fc.property(fc.array(fc.tuple(target, rel, title)), (links) => {
        const text = links
          .map(([url, name, label]) => `<${url}>; title="${label.replace(/["\\]/g, '\\$&')}"; rel=${name}`)
          .join(', ')
        expect(
          parseLinkHeader(text).map((each) => [each.target, ...each.rels, each.params['title']]),
        ).toEqual(links)
      }),
    )
  })
})
