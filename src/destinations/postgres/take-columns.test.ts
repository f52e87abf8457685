import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TableSchema } from '../../ports/schema.ts'
import { columnTypes } from '../../records/column-type.ts'
import { BufferPool } from './buffer-pool.ts'
import { encodeRows } from './encoded-rows.ts'
import { takeColumns } from './take-columns.ts'

const pool = new BufferPool()
const text = fc.option(
  fc.string({ unit: fc.constantFrom('a', '\\', '\n', '\t', '\r', 'é', '\\N', ''), maxLength: 5 }),
)

test('some columns of encoded rows are what they would be had they been encoded alone', () => {
  const record = fc.record({ a: text, b: text, c: text, d: text })
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 20 }),
      fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      (records, places) => {
        const columns = ['a', 'b', 'c', 'd'].map((name) => ({ field: name, name, type: columnTypes.text }))
        const encoded = (schema: TableSchema) =>
          Buffer.concat(encodeRows(records, schema, pool).segments.flatMap(({ buffers }) => buffers))
        const alone = encoded({ columns: places.map((at) => columns[at]!) })
        expect(takeColumns(encoded({ columns }), places, pool).toString()).toBe(alone.toString())
      },
    ),
  )
})
