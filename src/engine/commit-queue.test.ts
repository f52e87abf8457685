import { expect, test } from 'vitest'
import type { RowBuffer } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Batch } from './batch.ts'
import { CommitQueue } from './commit-queue.ts'
import { Intake } from './intake.ts'
import { listStream } from './testing/list-stream.ts'

/** Rows as a destination takes them that encodes each page as it comes: what a column is, it stays. */
class TypedRows implements RowBuffer {
  length = 0
  schema: TableSchema = { columns: [] }

  append(records: readonly JsonRecord[], schema: TableSchema): void {
    for (const [at, column] of this.schema.columns.entries()) expect(schema.columns[at]).toEqual(column)
    this.schema = schema
    this.length += records.length
  }
}

async function loadsOf(...pages: readonly (readonly JsonRecord[])[]): Promise<string[]> {
  const loads: string[] = []
  const queue = new CommitQueue({
    intake: new Intake(listStream({ slices: {} }), { schema: null, sides: [] }),
    begin: () => new Batch({ maxRecords: 100, maxBytes: 10_000, maxAgeMs: 60_000 }, () => new TypedRows()),
    commit: async ({ rows }) => {
      const { columns } = (rows as TypedRows).schema
      loads.push(`${rows.length}: ${columns.map(({ name, type }) => `${name} ${type.kind}`).join(', ')}`)
    },
    clock: fakeClock(),
    onFailure: (error) => expect.fail(String(error)),
  })
  for (const [at, records] of pages.entries())
    await queue.add('all', { records, bytes: 10, progress: { position: at, highWater: null } })
  await queue.finish(false)
  return loads
}

// PEERS: meltano/sdk#3340
test('a page that widens a column begins a new batch', async () => {
  expect(await loadsOf([{ id: 1, price: 2 }], [{ id: 2, price: 2.5 }], [{ id: 3, price: 4 }])).toEqual([
    '1: id integer, price integer',
    '2: id integer, price double',
  ])
})

test('a page that adds a column goes into the batch', async () => {
  expect(await loadsOf([{ id: 1 }], [{ id: 2, price: 2.5 }])).toEqual(['2: id integer, price double'])
})

test('a page without records settles nothing: one that widens a column may follow it in the same batch', async () => {
  expect(await loadsOf([{ id: 1, price: 1 }], [{ id: 2, price: 0.5 }], [], [{ id: 'x' }])).toEqual([
    '1: id integer, price integer',
    '1: id integer, price double',
    '1: id text, price double',
  ])
  expect(await loadsOf([{ id: 1, price: 1 }], [], [{ id: 2, price: 'dear' }])).toEqual([
    '1: id integer, price integer',
    '1: id integer, price text',
  ])
})

test('a batch that begins with a page of rejects takes its columns from the first record that is kept', async () => {
  const rejected = Array.from({ length: 100 }, () => ({ price: 1 }))
  expect(await loadsOf([{ id: 1, price: 1 }], rejected, [{ price: 1 }], [{ id: 2, price: 0.5 }])).toEqual([
    '1: id integer, price integer',
    '1: id integer, price double',
  ])
})

test('several slices add at once: pages are taken in the order in which they came, and one commit is under way at a time', async () => {
  const log: string[] = []
  let commits = 0
  let release: () => void = () => {}
  const queue = new CommitQueue({
    intake: new Intake(listStream({ slices: {} }), { schema: null, sides: [] }),
    begin: () => new Batch({ maxRecords: 2, maxBytes: 1e9, maxAgeMs: 1e9 }, () => new TypedRows()),
    commit: async (batch) => {
      commits++
      expect(commits).toBe(1)
      log.push(
        `commit ${JSON.stringify([...batch.progress].map(([slice, { position }]) => [slice, position]))}`,
      )
      await new Promise<void>((resolve) => {
        release = resolve
      })
      commits--
    },
    clock: fakeClock(),
    onFailure: (error) => expect.fail(String(error)),
  })
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  const add = (slice: string, position: number) =>
    queue
      .add(slice, { records: [{ id: 1 }], bytes: 1, progress: { position, highWater: null } })
      .then(() => log.push(`taken ${slice}${position}`))
  const adding = ['a', 'b', 'c', 'd', 'e', 'f'].map((slice) => add(slice, 1))
  await turn()
  // One batch is committed and one is full: whoever comes next waits, and nobody goes before those who came earlier.
  expect(log).toEqual(['taken a1', 'commit [["a",1],["b",1]]', 'taken b1', 'taken c1'])
  adding.push(add('a', 2))
  release()
  await turn()
  expect(log.slice(4)).toEqual(['commit [["c",1],["d",1]]', 'taken d1', 'taken e1'])
  release()
  await turn()
  expect(log.slice(7)).toEqual(['commit [["e",1],["f",1]]', 'taken f1', 'taken a2'])
  await Promise.all(adding)
  const finishing = queue.finish(false)
  release()
  await turn()
  release()
  await finishing
  expect(log.at(-1)).toBe('commit [["a",2]]')
})

test('a commit that fails is thrown to everybody who waits in line', async () => {
  const failures: unknown[] = []
  const queue = new CommitQueue({
    intake: new Intake(listStream({ slices: {} }), { schema: null, sides: [] }),
    begin: () => new Batch({ maxRecords: 1, maxBytes: 1e9, maxAgeMs: 1e9 }, () => new TypedRows()),
    commit: () => Promise.reject(new Error('the disk is full')),
    clock: fakeClock(),
    onFailure: (error) => failures.push(error),
  })
  const results = await Promise.allSettled(
    ['a', 'b', 'c', 'd'].map((slice) => queue.add(slice, { records: [{ id: 1 }], bytes: 1 })),
  )
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
  expect(failures).toEqual([new Error('the disk is full')])
  await expect(queue.finish(false)).rejects.toThrow('the disk is full')
})
