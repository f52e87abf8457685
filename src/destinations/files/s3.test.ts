import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemRuntime } from '../../http/system-runtime.ts'
import { makeLoad, withSession, write } from '../conformance/harness.ts'
import { conformanceCasesFor } from '../conformance.ts'
import { type FilesInput, filesDestination } from './files.ts'
import { filesOptions } from './options.ts'
import { openStore } from './store/open-store.ts'
import { filesHarness, liveRows, temporaryFolder } from './test-files.ts'
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

/** The machine's network and clock, without waiting between attempts. */
const hasty = { ...systemRuntime(), clock: { now: () => Date.now() + ahead, sleep: async () => {} } }
let ahead = 0

beforeEach(() => {
  ahead = 0
  Object.assign(server, { fault: () => 'none', keepsConditions: true, clockAhead: 0 })
  server.requests.length = 0
})

function bucket(prefix: string, options: Partial<FilesInput> = {}) {
  const given = { ...bucketOptions(prefix), format: 'jsonl' as const, ...options }
  return filesDestination(given as Omit<FilesInput, 'type'>, { runtime: hasty, lookup: () => undefined })
}

const rowsOf = async (prefix: string) =>
  (await liveRows(bucket(prefix), 'tickets', ['conformance'], (sql) => localised(sql, prefix))).map(
    ({ id }) => id,
  )

test('a request that fails in passing is sent again', async () => {
  let failures = 0
  server.fault = () => (failures++ % 3 === 2 ? 'none' : failures % 2 === 0 ? 503 : 'drop')
  await withSession(bucket('passing'), async (session) => {
    await write(session, [{ id: 1 }])
    await write(session, [{ id: 2 }])
  })
  server.fault = () => 'none'
  expect((await rowsOf('passing')).sort()).toEqual([1, 2])
})

test('C3: a commit whose answer was lost is known as its own, and is not made twice', async () => {
  await withSession(bucket('lost'), async (session) => {
    await write(session, [{ id: 1 }])
    const lost = new Set<string>()
    server.fault = ({ key, conditional }) =>
      conditional && key.includes('/log/') && !lost.has(key) && lost.add(key) ? 'lose' : 'none'
    const receipt = await write(session, [{ id: 2 }])
    expect(receipt).toMatchObject({ inserted: 1, replayed: false })
    expect(lost.size).toBe(1)
    await write(session, [{ id: 3 }])
    expect(lost.size).toBe(2)
    expect((await session.readCheckpoints())[0]!.version).toBe(3)
  })
  server.fault = () => 'none'
  expect((await rowsOf('lost')).sort()).toEqual([1, 2, 3])
})

test('C2: where the answer was lost and another has committed, the loser is told', async () => {
  const [first, second] = await Promise.all([
    bucket('rival').open('conformance'),
    bucket('rival').open('conformance'),
  ])
  const loads = [await makeLoad(first, [{ id: 1 }]), await makeLoad(second, [{ id: 2 }])] as const
  await first.commit(loads[0])
  let dropped = 0
  server.fault = ({ key, conditional }) =>
    conditional && key.includes('/log/') && dropped++ === 0 ? 'drop' : 'none'
  await expect(second.commit(loads[1])).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
  server.fault = () => 'none'
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  expect(await rowsOf('rival')).toEqual([1])
})

test('C1: a load whose commit can not be reached in all attempts may have been committed: what it names stays, and a replay finds out', async () => {
  await withSession(bucket('unreached'), async (session) => {
    const load = await makeLoad(session, [{ id: 1 }])
    server.fault = ({ key, conditional }) => (conditional && key.includes('/log/') ? 'lose' : 'none')
    // The object is there after the first attempt: the one after it is told so, and reads that it is its own. So its answer is lost, too.
    server.fault = ({ key, method }) =>
      key.includes('/log/') && method !== 'HEAD' ? (method === 'PUT' ? 'lose' : 'drop') : 'none'
    await expect(session.commit(load)).rejects.toThrow(
      /^files s3:\/\/lake-house\/unreached: (GET|PUT) unreached\/conformance\/_sluice\/log\/\S+ failed: /,
    )
    server.fault = () => 'none'
    expect(await session.commit(load)).toMatchObject({ inserted: 1, replayed: true })
  })
  expect(await rowsOf('unreached')).toEqual([1])
})

test('C2: a store that ignores If-None-Match is refused before anything is loaded', async () => {
  server.keepsConditions = false
  await expect(bucket('careless').open('conformance')).rejects.toThrow(
    'files s3://lake-house/careless: the store ignores If-None-Match: it wrote an object where one was, though it was asked not to. ' +
      'Two runs could both commit there, so nothing is loaded; use a store that keeps it (S3 does since 2024), or a newer version of this one',
  )
  await expect(bucket('careless').open('conformance')).rejects.toThrow('the store ignores If-None-Match')
  expect(server.requests.filter((request) => request.includes('/log/') && request.startsWith('PUT'))).toEqual(
    [],
  )
})

describe('what a store refuses is told with what to do', () => {
  const open = (options: Partial<FilesInput>) => bucket('refused', options).open('conformance')
  test('an access key that it does not know', async () => {
    await expect(open({ accessKeyId: 'UNKNOWN' })).rejects.toThrow(
      'files s3://lake-house/refused: GET lake-house was refused (403 InvalidAccessKeyId): the store does not know the access key: correct destination.accessKeyId, or AWS_ACCESS_KEY_ID',
    )
  })
  test('a secret that is wrong, which is not told', async () => {
    const error = await open({ secretAccessKey: 'wrong-secret' }).catch((reason: Error) => reason)
    expect((error as Error).message).toBe(
      'files s3://lake-house/refused: GET lake-house was refused (403 SignatureDoesNotMatch): the secret does not belong to the access key: correct destination.secretAccessKey, or AWS_SECRET_ACCESS_KEY',
    )
    expect(inspect(error, { depth: 9 })).not.toContain('wrong-secret')
  })
  test('a clock that is wrong', async () => {
    ahead = 16 * 60_000
    await expect(open({})).rejects.toThrow(
      "GET lake-house was refused (403 RequestTimeTooSkewed): this machine's clock differs from the store's by more than the store allows, 15 minutes as a rule: set the clock",
    )
  })
  test('a bucket that is not there', async () => {
    await expect(open({ path: 's3://no-such-bucket/lake' })).rejects.toThrow(
      'files s3://no-such-bucket/lake: GET no-such-bucket was refused (404 NoSuchBucket): there is no bucket no-such-bucket: make it, or correct destination.path',
    )
  })
  test('a store that stays away', async () => {
    server.fault = () => 'drop'
    await expect(open({})).rejects.toThrow(
      /^files s3:\/\/lake-house\/refused: GET lake-house failed: http:\/\/127\.0\.0\.1:\d+/,
    )
    expect(server.requests).toHaveLength(8)
  })
  test('a store that has no room', async () => {
    server.fault = () => 503
    await expect(open({})).rejects.toThrow('GET lake-house was refused (503 SlowDown): told by the gate')
  })
  test('credentials that are not set', async () => {
    const { accessKeyId: _, ...options } = bucketOptions('refused')
    await expect(
      filesDestination(options, { runtime: hasty, lookup: () => undefined }).open('p'),
    ).rejects.toThrow(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the message names the variable so
      'destination.accessKeyId: a bucket needs credentials, and AWS_ACCESS_KEY_ID is not set: set it, or name another variable as in `accessKeyId: ${env:NAME}`',
    )
  })
  test('an option of buckets beside a folder', () => {
    expect(() => filesDestination({ path: 'lake', region: REGION })).toThrow(
      'region: it is for a bucket, and "lake" is a folder: leave it out, or write path: s3://bucket/prefix',
    )
  })
  test('a place that is none', () => {
    expect(() => filesDestination({ path: 'gs://lake-house/x' })).toThrow(
      'path: "gs://lake-house/x" is no place for files: write a folder, or s3://bucket/prefix, with a bucket\'s name of 3 to 63 small letters, digits, dots and hyphens',
    )
  })
})

test('credentials come from the usual variables, a session token among them', async () => {
  const variables: Record<string, string> = {
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_SESSION_TOKEN: 'token-of-a-session',
    AWS_REGION: REGION,
  }
  const options = { path: `s3://${BUCKET}/variables`, endpoint: server.endpoint }
  const destination = filesDestination(options, { runtime: hasty, lookup: (name) => variables[name] })
  await withSession(destination, (session) => write(session, [{ id: 1 }]))
  expect((await destination.list('conformance'))[0]!.rows).toBe(1)
})

test('a large file is sent in parts, and one that was cut off is sent again', async () => {
  const { store } = openStore(filesOptions.parse({ type: 'files', ...bucketOptions('large') }), {
    runtime: hasty,
    lookup: () => undefined,
    directory: '.',
  })
  await using _store = store
  const bytes = randomBytes(40 * 1024 * 1024)
  const file = await store.stage('p/big.bin')
  await writeFile(file.path, bytes)
  let dropped = 0
  server.fault = ({ method }) => (method === 'PUT' && dropped++ === 1 ? 'lose' : 'none')
  expect(await file.keep()).toBe(bytes.length)
  expect(server.requests.filter((request) => request === 'PUT large/p/big.bin')).toHaveLength(4)
  expect(Buffer.compare((await store.get('p/big.bin'))!, bytes)).toBe(0)
})

test('more objects than one page of a listing holds are all listed, in order', async () => {
  const { store } = openStore(filesOptions.parse({ type: 'files', ...bucketOptions('many') }), {
    runtime: hasty,
    lookup: () => undefined,
    directory: '.',
  })
  await using _store = store
  const names = Array.from({ length: 1005 }, (_, at) => `p/a b+c&${String(at).padStart(4, '0')}`)
  for (let from = 0; from < names.length; from += 50)
    await Promise.all(names.slice(from, from + 50).map((name) => store.put(name, Buffer.from('x'))))
  const listed: string[] = []
  for await (const { key } of store.list('p/')) listed.push(key)
  expect(listed).toEqual(names)
  const after: string[] = []
  for await (const { key } of store.list('p/', names[1001])) after.push(key)
  expect(after).toEqual(names.slice(1002))
})

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
