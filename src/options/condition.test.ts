import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LongDecimal } from '../ports/json.ts'
import { compileCondition, condition } from './condition.ts'

describe('a condition', () => {
  test.each([
    ["@.status == 'open'", { status: 'open' }, true],
    ["@.status == 'open'", { status: 'closed' }, false],
    ["@.status == 'open' && @.amount > 0", { status: 'open', amount: 1 }, true],
    ["@.status != 'open'", {}, true],
    ['@.pull_request', { pull_request: null }, true],
    ['!@.pull_request', { title: 'x' }, true],
    ['@.user.id == 7', { user: { id: 7 } }, true],
    ["@['a.b'] == 1", { 'a.b': 1 }, true],
    ["@.tags[?@ == 'red']", { tags: ['blue', 'red'] }, true],
    ["match(@.name, 'A.*')", { name: 'Ada' }, true],
    ['length(@.lines) > 1', { lines: [1, 2] }, true],
    ['@.deleted == true', { deleted: false }, false],
    ['@ == 3', 3, true],
  ])('%s of %j is %s', (text, value, expected) => {
    expect(compileCondition(text)(value)).toBe(expected)
  })

  test('compares integers beyond 2^53 and long decimals instead of passing them over (R4)', () => {
    const isLarge = compileCondition('@.id > 5')
    expect(isLarge({ id: 9007199254740993n })).toBe(true)
    expect(isLarge({ id: new LongDecimal('5.00000000000000000000001') })).toBe(false)
    expect(compileCondition('@.lines[?@.id < 0]')({ lines: [{ id: -9007199254740993n }] })).toBe(true)
  })

  test('says where a text is none, and how one is written', () => {
    expect(condition.safeParse("@.status = 'open'").error?.issues[0]?.message).toMatch(
      /"@\.status = 'open'" is no condition: .*; write one as RFC 9535 has it, as in "@\.status == 'open' && @\.amount > 0"/,
    )
    expect(condition.safeParse('true').error?.issues[0]?.message).toMatch(/must be compared/)
    expect(condition.safeParse(' ').error?.issues[0]?.message).toMatch(/an empty text is no condition/)
    expect(condition.safeParse('@.a, ?@.b').error?.issues[0]?.message).toMatch(/more than one condition/)
    expect(() => compileCondition('@.a ==')).toThrow(/"@\.a ==" is no condition/)
  })

  test('refuses or compiles any text, and never throws anything else when it is asked', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `@.${text} == 1`),
        ),
        fc.json(),
        (text, json) => {
          if (!condition.safeParse(text).success) return
          expect(typeof compileCondition(text)(JSON.parse(json))).toBe('boolean')
        },
      ),
    )
  })
})
