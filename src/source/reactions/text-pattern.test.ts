import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matcher } from './regular-expression.ts'
import { mostText, parsePattern } from './text-pattern.ts'

describe('a match is the one that JavaScript gives', () => {
  const { expression } = fc.letrec<{
    expression: string
    single: string
    sequence: string
    repeated: string
  }>((tie) => ({
    expression: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((all) => all.join('|')),
    sequence: fc.array(tie('repeated'), { maxLength: 4 }).map((all) => all.join('')),
    repeated: fc
      .tuple(
        tie('single'),
        fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,}', '{0,2}', '{1,3}?'),
      )
      .map((both) => both.join('')),
    single: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      fc.constantFrom(
        'a',
        'b',
        '.',
        '[ab]',
        '[^a]',
        '\\w',
        '\\s',
        '\\x61',
        'é',
        '\\b',
        '\\B',
        '^',
        '$',
        '[\\]b]',
      ),
      tie('expression').map((inner) => `(${inner})`),
      tie('expression').map((inner) => `(?:${inner})`),
    ),
  }))
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '\n', 'é', '😀'), maxLength: 12 })
  const flags = fc.uniqueArray(fc.constantFrom('i', 'm', 's', 'u')).map((all) => all.join(''))

  test('of any expression that is taken, with any flags', () => {
    let taken = 0
    fc.assert(
      fc.property(
        expression,
        flags,
        fc.array(text, { minLength: 1, maxLength: 8 }),
        (source, flag, texts) => {
          // V8 finds a place of \B inside a character of two code units, where by ECMA-262 (22.2.7.2, AdvanceStringIndex) no match begins.
          if (flag.includes('u') && source.includes('\\B')) return
          let match: ReturnType<typeof matcher>
          try {
            match = matcher(source, flag)
          } catch {
            return
          }
          taken++
          const theirs = new RegExp(source, flag)
          for (const one of texts) {
            const found = theirs.exec(one)
            expect(match(one), `/${source}/${flag} ${JSON.stringify(one)}`).toEqual(
              found === null ? undefined : { all: found[0], group: found[1] },
            )
          }
        },
      ),
      { numRuns: 4000 },
    )
    expect(taken).toBeGreaterThan(300)
  })

  test.each([
    ['/retry after (\\S+)/i', 'Please Retry After 30s.', '30s.'],
    ['/(?<seconds>\\d+(?:\\.\\d+)?)\\s*sec(?:ond)?s?/', 'wait 2.5 seconds', '2.5'],
    ['/daily|monthly/i', 'the Monthly limit', 'Monthly'],
    ['/^\\p{Lu}{2}\\u{1F600}$/u', 'ÄÖ😀', 'ÄÖ😀'],
    ['/(a)|b/', 'b', 'b'],
    ['/a{x/', 'a{x', 'a{x'],
    ['/\\/path\\/(\\d+)/', 'at /path/12', '12'],
    ['equal', 'equal', 'equal'],
    ['equal', 'Equal', undefined],
  ])('%s finds in %j: %j', (pattern, given, found) => {
    expect(parsePattern(pattern)(given)).toBe(found)
  })
})

test.each(['/(a+)+$/', '/(?:a|a)+$/', '/(a|aa)+$/', '/(.*a){12}$/', '/^(\\w+\\s?)+$/', '/.*.*.*.*=.*/'])(
  'an expression that could be matched in any number of ways takes no longer for it: %s',
  (pattern) => {
    expect(parsePattern(pattern)(`${'a'.repeat(5000)}!`)).toBeUndefined()
  },
)

test('of a long text the beginning is looked at', () => {
  const find = parsePattern('/a$/')
  expect(find(`${'b'.repeat(mostText - 1)}a${'b'.repeat(1000)}`)).toBe('a')
  expect(parsePattern('/end/')(`${'b'.repeat(mostText)}end`)).toBeUndefined()
})

test.each([
  ['/(/', 'Unterminated group'],
  ['/a/g', 'its flags can be i, m, s and u'],
  ['/(a)\\1/', 'a back-reference, as \\1, can not be matched in linear time'],
  ['/(?=a)b/', '(?=…) can not be matched in linear time: there are (…), (?:…) and (?<name>…)'],
  ['/(?<!a)b/', '(?<!…) can not be matched in linear time: there are (…), (?:…) and (?<name>…)'],
  [
    '/(a*)*/',
    '"(a*)*" repeats what may be empty: write what is inside so that it is not, as in (a+)? in place of (a*)?',
  ],
  ['/((a{50}){50}){50}/', 'its repetitions make it too long: ask for fewer of them'],
])('%s is refused, and why', (pattern, reason) => {
  expect(() => parsePattern(pattern)).toThrow(reason)
})
