import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patternsMeet, patternTokens } from './pattern-overlap.ts'
import { urlPattern } from './url-pattern.ts'

const meet = (one: string, other: string) => patternsMeet(patternTokens(one), patternTokens(other))

test.each<[string, string, boolean]>([
  ['search/*', 'search/items', true],
  ['search/*', 'search/items/1', false],
  ['search/**', 'search/items/1', true],
  ['search/*', 'items/**', false],
  ['*/messages', 'channels/**', true],
  ['a*b', 'ab', true],
  ['a*c', 'ab', false],
  ['', '', true],
  ['', 'a', false],
  ['**', '', true],
])('%j and %j: %s', (one, other, expected) => {
  expect(meet(one, other)).toBe(expected)
  expect(meet(other, one)).toBe(expected)
})

test('patterns that match one path meet, whatever the path', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 8 })
  const holes = fc.array(fc.nat(), { maxLength: 3 })
  // A path with a few pieces of it replaced by stars.
  const covering = (path: string, at: readonly number[]) =>
    at.reduce((pattern, each) => {
      const index = each % pattern.length
      return `${pattern.slice(0, index)}${each % 2 ? '*' : '**'}${pattern.slice(index + 1)}`
    }, path)
  fc.assert(
    fc.property(text, holes, holes, (path, at, otherAt) => {
      const url = `https://api.test/${path}`
      const [one, other] = [at, otherAt].map((each) => `https://api.test/${covering(path, each)}`)
      fc.pre(urlPattern(one!)(url) !== undefined && urlPattern(other!)(url) !== undefined)
      expect(meet(one!, other!)).toBe(true)
    }),
  )
})
