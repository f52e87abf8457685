import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TableSchema } from '../../ports/schema.ts'
import { BufferPool } from './buffer-pool.ts'
import { EncodedRows } from './encoded-rows.ts'
import { keyRange } from './key-range.ts'

const schema: TableSchema = {
  columns: [
    { field: 'name', name: 'name', type: { kind: 'text' } },
    { field: 'id', name: 'id', type: { kind: 'bigint' } },
    { field: 'at', name: 'at', type: { kind: 'text' } },
  ],
}

function rangeOf(ids: readonly (number | bigint | null)[], columns = schema) {
  const rows = new EncodedRows(new BufferPool())
  for (const id of ids) rows.append([{ name: 'a\tb\nc\\', id, at: 'x' }], columns)
  return keyRange(rows.segments, 1)
}

test('whole numbers that rise or fall from row to row have a range; others may have one twice, and have none', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 2 ** 31 }), { minLength: 1, maxLength: 40 }), (ids) => {
      const rising = [...new Set(ids)].sort((a, b) => a - b)
      const range = { least: rising[0], greatest: rising.at(-1) }
      expect(rangeOf(rising)).toEqual(range)
      expect(rangeOf(rising.toReversed())).toEqual(range)
      const isInOrder = [rising, rising.toReversed()].some((order) => String(order) === String(ids))
      expect(rangeOf(ids)).toEqual(isInOrder ? range : undefined)
    }),
  )
})

test('a null, a number of more than 15 digits, and no row at all have no range', () => {
  expect(rangeOf([1, null])).toBeUndefined()
  expect(rangeOf([1, 9_007_199_254_740_993n])).toBeUndefined()
  expect(rangeOf([1, -999_999_999_999_999])).toEqual({ least: -999_999_999_999_999, greatest: 1 })
  expect(rangeOf([])).toBeUndefined()
})

test('rows from before the column was there have none', () => {
  expect(rangeOf([1, 2], { columns: schema.columns.slice(0, 1) })).toBeUndefined()
})
