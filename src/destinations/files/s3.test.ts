import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRuntime } from '../../http/system-runtime.ts'
import { conformanceCasesFor } from '../conformance.ts'
import { type FilesInput, filesDestination } from './files.ts'
import { filesOptions } from './options.ts'
import { openStore } from './store/open-store.ts'
import { filesHarness, temporaryFolder } from './test-files.ts'
import { ACCESS_KEY, BUCKET, REGION, SECRET_KEY, startS3, type TestS3 } from './test-s3.ts'

let server: TestS3
let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  server = await startS3()
  folder = await temporaryFolder()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await folder.remove()
})

const bucketOptions = (prefix: string): Omit<FilesInput, 'type'> => ({
  path: `s3://${BUCKET}/${prefix}`,
  endpoint: server.endpoint,
  region: REGION,
  accessKeyId: ACCESS_KEY,
  secretAccessKey: SECRET_KEY,
})

/** The statement as it reads copies on disk: DuckDB needs an extension for buckets, and nothing is fetched here. */
async function localised(sql: string, prefix: string): Promise<string> {
  const root = `s3://${BUCKET}/${prefix}/`
  const { store } = openStore(filesOptions.parse({ type: 'files', ...bucketOptions(prefix) }), {
    lookup: () => undefined,
    directory: '.',
  })
  await using _store = store
  for (const [, key] of sql.matchAll(new RegExp(`'${root}([^']+)'`, 'g'))) {
    const path = join(folder.path, prefix, key!)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, (await store.get(key!))!)
  }
  return sql.replaceAll(root, `${join(folder.path, prefix)}/`)
}

describe('Parquet in a bucket keeps the promises of a destination', () => {
  const cases = conformanceCasesFor(filesDestination({ path: 'any' }).capabilities)
  for (const [index, { name, run }] of cases.entries())
    test(name, () => {
      const prefix = `case ${index}/lake`
      return run(
        filesHarness(
          () => filesDestination(bucketOptions(prefix)),
          (sql) => localised(sql, prefix),
        ),
      )
    })
})
