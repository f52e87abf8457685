// Values of every kind and size, for bodies and for configs.
import type { Value } from '../../src/ports/json.ts'
import type { Chance } from './chance.ts'
import { oddText } from './texts.ts'

const numbers = [
  0,
  -0,
  1,
  -1,
  2,
  0.1,
  1e9,
  1.7e9,
  1.7e12,
  1.7e15,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e21,
  1e308,
  5e-324,
]

export const words = [
  'id',
  'name',
  'items',
  'data',
  'results',
  'next',
  'cursor',
  'after',
  'page',
  'total',
  'total_pages',
  'has_more',
  'meta',
  'links',
  'updated_at',
  'created',
  'status',
  'error',
  'errors',
  'message',
  'code',
  'ok',
  'value',
  'list',
  'edges',
  'node',
  'pageInfo',
  'endCursor',
  'hasNextPage',
  'parent',
  'type',
] as const

export const times = [
  '2024-01-01T00:00:00Z',
  '2025-06-30T23:59:59.999999Z',
  '2026-01-30T12:00:00+02:00',
  '2026-01-31',
  '2026-03-29 02:30:00',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '+275760-09-13T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
]

export function scalar(chance: Chance): Value {
  switch (chance.between(0, 8)) {
    case 0:
      return null
    case 1:
      return chance.happens(0.5)
    case 2:
      return chance.oneOf(numbers)
    case 3:
      return chance.between(-5, 2000)
    case 4:
      return chance.oneOf(times)
    case 5:
      return oddText(chance)
    default:
      return chance.oneOf(words)
  }
}

/** JSON of any shape, to a depth of `depth`. */
export function anyJson(chance: Chance, depth = 3): Value {
  if (depth <= 0 || chance.happens(0.3)) return scalar(chance)
  if (chance.happens(0.4)) return chance.list(0, 4, () => anyJson(chance, depth - 1))
  return Object.fromEntries(
    chance.list(0, 5, () => [
      chance.happens(0.9) ? chance.oneOf(words) : oddText(chance),
      anyJson(chance, depth - 1),
    ]),
  )
}

/** Lists or objects in one another, so many. */
export function nested(levels: number, inner: unknown, asList: boolean): unknown {
  let value = inner
  for (let level = 0; level < levels; level++) value = asList ? [value] : { a: value }
  return value
}
