import { expect, test } from 'vitest'
import type { JsonRecord } from '../../ports/json.ts'
import { columnTypes } from '../../records/column-type.ts'
import { surelyDistinct } from './distinct-keys.ts'

const column = (kind: 'integer' | 'text' | 'json') => ({ field: 'id', name: 'id', type: columnTypes[kind] })
const ids = (...values: JsonRecord['id'][]) => values.map((id) => ({ id: id! }))

test('different numbers in a column of integers, and different texts in one of texts, are distinct', () => {
  expect(surelyDistinct(ids(1, 2, 3), [column('integer')])).toBe(true)
  expect(surelyDistinct(ids('a', 'b', 'é'), [column('text')])).toBe(true)
})

test('what repeats, or may become equal in its column, is left to DuckDB', () => {
  expect(surelyDistinct(ids(1, 2, 1), [column('integer')])).toBe(false)
  expect(surelyDistinct(ids(1, '1'), [column('text')])).toBe(false)
  expect(surelyDistinct(ids('\ud800', '\ud801'), [column('text')])).toBe(false)
  expect(surelyDistinct(ids('a', 'b'), [column('json')])).toBe(false)
  expect(surelyDistinct(ids(1, 2), [column('integer'), column('integer')])).toBe(false)
})
