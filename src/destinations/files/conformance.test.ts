import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCasesFor } from '../conformance.ts'
import { filesAt, filesHarness, temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

const cases = conformanceCasesFor(filesAt('any').capabilities)

for (const format of ['jsonl', 'csv', 'parquet'] as const)
  describe(`${format} on disk keeps the promises of a destination`, () => {
    for (const [index, { name, run }] of cases.entries())
      test(name, () => run(filesHarness(() => filesAt(join(folder.path, `${format}-${index}`), { format }))))
  })
