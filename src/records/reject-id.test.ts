import { expect, test } from 'vitest'
import { LongDecimal } from '../ports/json.ts'
import { rejectId } from './reject-id.ts'

const reason = 'key field "id" is missing'

test('a record is known again whatever the order of its fields, at any depth', () => {
  const id = rejectId({ a: 1, b: [{ c: 1, d: { e: null, f: 2 } }] }, reason)
  expect(rejectId({ b: [{ d: { f: 2, e: null }, c: 1 }], a: 1 }, reason)).toBe(id)
  expect(id).toMatch(/^[0-9a-f]{64}$/)
})

test('another value, another order of a list, another type or another reason is another reject', () => {
  const ids = [
    rejectId({ a: [1, 2] }, reason),
    rejectId({ a: [2, 1] }, reason),
    rejectId({ a: ['1', 2] }, reason),
    rejectId({ a: [1, 2] }, 'key field "id" is null'),
    rejectId({ a: [1, 2n ** 60n] }, reason),
    rejectId({ a: [1, new LongDecimal('0.1234567890123456789')] }, reason),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

test('a record that is nested deeper than a call stack reaches has an id', () => {
  let deep: { [field: string]: unknown } = { end: 1 }
  for (let level = 0; level < 50_000; level++) deep = { in: deep }
  expect(rejectId(deep as never, reason)).toBe(rejectId(deep as never, reason))
})
