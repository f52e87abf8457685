import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCasesFor } from '../conformance.ts'
import { destinationAt, duckdbHarness, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory.remove())

describe('a DuckDB file keeps the promises of a destination', () => {
  for (const [index, { name, run }] of conformanceCasesFor(
    destinationAt('any.duckdb').capabilities,
  ).entries())
    test(name, () => run(duckdbHarness(join(directory.path, `${index}.duckdb`))))
})
