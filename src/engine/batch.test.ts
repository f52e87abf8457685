import { expect, test } from 'vitest'
import type { SourcePage } from '../ports/source.ts'
import { Batch, RecordRows } from './batch.ts'

const emptyBatch = () => new Batch(limits, () => new RecordRows())
const add = (batch: Batch, slice: string, page: SourcePage, now: number) =>
  batch.add(
    slice,
    page,
    { records: page.records, rejects: [], schema: { columns: [] }, changes: [], widened: false },
    now,
  )

const limits = { maxRecords: 10, maxBytes: 1000, maxAgeMs: 5000 }
const page = (count: number, bytes: number, position: number | null = 1) => ({
  records: Array.from({ length: count }, (_, id) => ({ id })),
  bytes,
  progress: { position, highWater: null },
})

// PEERS: meltano/sdk#1627
test('a batch is full by records, by bytes or by age, whatever comes first', () => {
  const byRecords = emptyBatch()
  add(byRecords, 'all', page(9, 10), 0)
  expect(byRecords.isFull(0)).toBe(false)
  add(byRecords, 'all', page(1, 10), 0)
  expect(byRecords.isFull(0)).toBe(true)

  const byBytes = emptyBatch()
  add(byBytes, 'all', page(1, 1000), 0)
  expect(byBytes.isFull(0)).toBe(true)

  const byAge = emptyBatch()
  add(byAge, 'all', page(1, 10), 0)
  expect(byAge.isFull(4999)).toBe(false)
  expect(byAge.isFull(5000)).toBe(true)
})

test('the age of a batch counts from its first page, however long that was waited for', () => {
  const batch = emptyBatch()
  expect(batch.isFull(60_000)).toBe(false)
  add(batch, 'all', page(1, 10), 60_000)
  add(batch, 'all', page(1, 10), 62_000)
  expect(batch.isFull(64_999)).toBe(false)
  expect(batch.isFull(65_000)).toBe(true)
})

test('C6: a batch holds one progress for each slice, that of its last page', () => {
  const batch = emptyBatch()
  add(batch, 'monday', page(1, 10, 1), 0)
  add(batch, 'tuesday', page(1, 10, 1), 0)
  add(batch, 'monday', page(1, 10, 2), 0)
  expect([...batch.progress]).toEqual([
    ['monday', { position: 2, highWater: null }],
    ['tuesday', { position: 1, highWater: null }],
  ])
})

test('a page without progress adds its records and leaves the progress alone', () => {
  const batch = emptyBatch()
  expect(batch.isEmpty).toBe(true)
  add(batch, 'all', page(1, 10, 1), 0)
  add(batch, 'all', { records: [{ id: 7 }], bytes: 10 }, 0)
  expect(batch.length).toBe(2)
  expect(batch.progress.get('all')).toEqual({ position: 1, highWater: null })
})

test('a record that was rejected counts as one that the batch holds', () => {
  const batch = emptyBatch()
  const reject = { id: 'f00d', record: { name: 'Ada' }, field: 'id', reason: 'key field "id" is missing' }
  batch.add(
    'all',
    { records: [reject.record], bytes: 10 },
    { records: [], rejects: [reject], schema: { columns: [] }, changes: [], widened: false },
    0,
  )
  expect(batch.length).toBe(1)
  expect(batch.isEmpty).toBe(false)
})

test('a page without records but with progress is worth a commit', () => {
  const batch = emptyBatch()
  add(batch, 'all', page(0, 0, null), 0)
  expect(batch.isEmpty).toBe(false)
})
