import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import { pageView } from '../testing/pages.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { PaginationInvalidError } from './paginator.ts'

// PEERS: dlt paginators has_more true, false, "false", invalid, missing
describe('the flag says', () => {
  test.each<[Value, boolean | undefined]>([
    [true, true],
    [false, false],
    ['true', true],
    ['false', false],
    ['False', false],
    ['1', true],
    ['0', false],
    [1, true],
    [0, false],
    [37, true],
    [null, undefined],
    ['', undefined],
  ])('for %j: more = %s', (flag, more) => {
    expect(moreReader('has_more')(pageView({ has_more: flag }))).toBe(more)
    expect(moreReader('!end')(pageView({ end: flag }))).toBe(more === undefined ? undefined : !more)
  })

  test('nothing where it is missing, or where there is no flag', () => {
    expect(moreReader('meta.has_more')(pageView({}))).toBeUndefined()
    expect(moreReader('!meta.end')(pageView({}))).toBeUndefined()
    expect(moreReader(undefined)(pageView({ has_more: true }))).toBeUndefined()
  })

  test.each([
    ['has_more', 'yes', "@.has_more == 'yes'"],
    ['has_more', 'no', "@.has_more != 'no'"],
    ['!meta.end', 'yes', "@.meta.end != 'yes'"],
    ['!meta.end', 'no', "@.meta.end == 'no'"],
  ])('a word under %s, as in %j, gets a condition to write, which says the same', (flag, word, condition) => {
    const page = pageView(flag === 'has_more' ? { has_more: word } : { meta: { end: word } })
    expect(() => moreReader(flag)(page)).toThrow(
      `write a condition, as in \`more: "${condition}"\`, name another`,
    )
    expect(moreReader(condition)(page)).toBe((word === 'yes') === (flag === 'has_more'))
  })

  test.each<[Value]>([['https://api.example.com/next'], [{}], [[]]])(
    'no more than an error for %j',
    (flag) => {
      const read = () => moreReader('has_more')(pageView({ has_more: flag }))
      expect(read).toThrow(PaginationInvalidError)
      expect(read).toThrow(
        `has_more should say whether there are more pages (true, false, "true", "false" or a number), but holds ${JSON.stringify(flag)}; name another field in \`more\`, or leave it out`,
      )
    },
  )

  test.each(['', '!', '!!a', 'a..b'])('its option refuses %j', (text) => {
    expect(moreFlag.safeParse(text).error?.issues[0]?.message).toContain(
      `${JSON.stringify(text)} is no flag: write a path of the body, with "!" before it where it says that the list has ended`,
    )
  })
})

// PEERS: Airbyte CursorPagination stop_condition as an expression
describe('a condition on the body says', () => {
  test.each<[string, Value, boolean]>([
    ['@.page < @.pages', { page: 1, pages: 2 }, true],
    ['@.page < @.pages', { page: 2, pages: 2 }, false],
    ["@.status != 'complete'", { status: 'partial' }, true],
    ["@.status != 'complete'", { status: 'complete' }, false],
    ['!(@.meta.done == true) && @.meta.next', { meta: { done: false, next: 'a' } }, true],
    ['!(@.meta.done == true) && @.meta.next', { meta: { done: true, next: 'a' } }, false],
    // What is absent meets no comparison.
    ['@.page < @.pages', {}, false],
  ])('for %s of %j: more = %s', (text, body, more) => {
    expect(moreFlag.parse(text)).toBe(text)
    expect(moreReader(text)(pageView(body))).toBe(more)
  })

  test('nothing of a body that was streamed', () => {
    expect(moreReader('@.a')(pageView(undefined))).toBeUndefined()
  })

  test.each(['@.page <', '@.a == b'])('and its option refuses %j', (text) => {
    expect(moreFlag.safeParse(text).error?.issues[0]?.message).toContain(
      `${JSON.stringify(text)} is no condition`,
    )
  })
})
