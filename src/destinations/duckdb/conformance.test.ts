import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases } from '../conformance.ts'
import { duckdbHarness, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory.remove())

describe('a DuckDB file keeps the promises of a destination', () => {
  for (const [index, { name, run }] of conformanceCases.entries())
    test(name, () => run(duckdbHarness(join(directory.path, `${index}.duckdb`))))
})
