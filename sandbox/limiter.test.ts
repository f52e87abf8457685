import { expect, test } from 'vitest'
import { createLimiter, type Limit } from './limiter.ts'

const allowedAt = (limit: Limit, times: readonly number[]): number[] => {
  const take = createLimiter(limit)
  return times.filter((time) => take(time).allowed)
}
const each = (count: number, everyMs: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i * everyMs)

test('a bucket lets its whole size through at once and then keeps the pace', () => {
  const times = [...each(30, 0), ...each(50, 20, 20)]
  expect(allowedAt({ requests: 25, perMs: 1_000, kind: 'bucket' }, times)).toHaveLength(25 + 25)
})

test('a bucket never refuses a client that keeps the pace exactly, a third of a second included', () => {
  const times = each(3_000, 1_000 / 3)
  expect(allowedAt({ requests: 3, perMs: 1_000, kind: 'bucket' }, times)).toHaveLength(3_000)
})

test('a fixed window forgets at its end and tells the time to it', () => {
  const take = createLimiter({ requests: 2, perMs: 60_000, kind: 'fixed' })
  expect(take(60_000)).toEqual({ allowed: true, limit: 2, remaining: 1, resetMs: 60_000 })
  expect(take(100_000)).toEqual({ allowed: true, limit: 2, remaining: 0, resetMs: 20_000 })
  expect(take(119_999)).toEqual({ allowed: false, limit: 2, remaining: 0, resetMs: 1 })
  expect(take(120_000)).toMatchObject({ allowed: true, remaining: 1 })
})

test('a sliding window counts what came in the time before, wherever the second began', () => {
  const times = [900, 950, 990, 1_000, 1_100, 1_899, 1_900, 1_949, 1_950]
  expect(allowedAt({ requests: 3, perMs: 1_000, kind: 'sliding' }, times)).toEqual([
    900, 950, 990, 1_900, 1_950,
  ])
})

test('a refused request costs nothing', () => {
  const take = createLimiter({ requests: 1, perMs: 1_000, kind: 'bucket' })
  take(0)
  expect(take(999).allowed).toBe(false)
  expect(take(1_000).allowed).toBe(true)
})
