import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { keepsHistoryLikeAMap } from '../history-model.arbitrary.ts'
import { destinationAt, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory.remove())

test('whatever is told of records, in whatever order, batches and repetition, their history is that of a plain model', async () => {
  const session = await destinationAt(join(directory.path, 'history.duckdb')).open('property')
  const rowsOf = (table: string) => session.query(`SELECT * FROM ${table}`)
  await fc.assert(keepsHistoryLikeAMap(session, 'h', rowsOf), { numRuns: 3 })
  await session[Symbol.asyncDispose]()
})
