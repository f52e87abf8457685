import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { type Item, item, mergesLikeAMap } from '../merge-model.arbitrary.ts'
import { destinationAt, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory.remove())

// With keys on both sides of the 2,048 rows of a chunk.
const many = fc
  .array(item, { minLength: 3000, maxLength: 5000 })
  .map((items) => items.map((value, at): Item => ({ ...value, id: value.id === 0 ? 0 : at % 1000 })))
const batches = fc.array(
  fc.oneof({ weight: 20, arbitrary: fc.array(item, { maxLength: 30 }) }, { weight: 1, arbitrary: many }),
  {
    minLength: 1,
    maxLength: 4,
  },
)

// PEERS: dlt merge is idempotent
test('whatever the batches, the table and the receipts are those of a plain map', async () => {
  const session = await destinationAt(join(directory.path, 'merge.duckdb')).open('property')
  const rowsOf = (table: string) => session.query(`SELECT * FROM ${table} ORDER BY id`)
  await fc.assert(mergesLikeAMap(session, batches, rowsOf), { numRuns: 60 })
  await session[Symbol.asyncDispose]()
})
