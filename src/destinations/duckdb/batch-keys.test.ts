import { expect, test } from 'vitest'
import type { JsonRecord } from '../../ports/json.ts'
import { columnTypes } from '../../records/column-type.ts'
import { type BatchKeys, batchKeys } from './batch-keys.ts'
import { ChunkPool } from './chunk-pool.ts'
import { encodeRows } from './encoded-rows.ts'

function keysOf(kind: 'integer' | 'bigint' | 'text' | 'json', ...values: JsonRecord['id'][]): BatchKeys {
  const column = { field: 'id', name: 'id', type: columnTypes[kind] }
  const rows = encodeRows(
    values.map((id) => ({ id: id! })),
    { columns: [column] },
    new ChunkPool(),
  )
  return batchKeys(rows, [{ column, at: 0 }])
}

test('whole numbers that rise, fall, or come in any order without repetition are distinct, and have a range', () => {
  expect(keysOf('integer', 1, 2, 9)).toEqual({ distinct: true, range: { least: 1, greatest: 9 } })
  expect(keysOf('integer', 3, 2, -7)).toEqual({ distinct: true, range: { least: -7, greatest: 3 } })
  expect(keysOf('integer', 2, 9, 5, -1)).toEqual({ distinct: true, range: { least: -1, greatest: 9 } })
  expect(keysOf('integer', 1, 2, 1).distinct).toBe(false)
})

test('the keys of 5,000 rows, over several chunks, are seen whole', () => {
  const rising = Array.from({ length: 5000 }, (_, index) => index)
  expect(keysOf('integer', ...rising)).toEqual({ distinct: true, range: { least: 0, greatest: 4999 } })
  expect(keysOf('integer', ...rising, 4999).distinct).toBe(false)
  expect(keysOf('text', ...rising.map(String)).distinct).toBe(true)
  expect(keysOf('text', ...rising.map(String), '17').distinct).toBe(false)
})

test('integers beyond 2^53 that become one double are left to DuckDB', () => {
  expect(keysOf('bigint', 9007199254740993n, 9007199254740992n).distinct).toBe(false)
  expect(keysOf('bigint', 9007199254740993n, 5n).distinct).toBe(true)
})

test('different texts are distinct; those that become equal where they are stored are left to DuckDB', () => {
  expect(keysOf('text', 'a', 'b', 'é', '')).toEqual({ distinct: true })
  expect(keysOf('text', 1, '1').distinct).toBe(false)
  expect(keysOf('text', '\ud800', '\ud801').distinct).toBe(false)
})

test('nulls, nested values and keys of several fields are left to DuckDB', () => {
  expect(keysOf('integer', 1, null)).toEqual({ distinct: false })
  expect(keysOf('json', 'a', 'b')).toEqual({ distinct: false })
  const column = { field: 'id', name: 'id', type: columnTypes.integer }
  const rows = encodeRows([{ id: 1 }], { columns: [column] }, new ChunkPool())
  expect(
    batchKeys(rows, [
      { column, at: 0 },
      { column, at: 0 },
    ]),
  ).toEqual({ distinct: false })
})
