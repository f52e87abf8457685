import { expect, test } from 'vitest'
import { Batch } from './batch.ts'

const limits = { maxRecords: 10, maxBytes: 1000, maxAgeMs: 5000 }
const page = (count: number, bytes: number, position: number | null = 1) => ({
  records: Array.from({ length: count }, (_, id) => ({ id })),
  bytes,
  progress: { position, highWater: null },
})

test('a batch is full by records, by bytes or by age, whatever comes first', () => {
  const byRecords = new Batch(limits)
  byRecords.add('all', page(9, 10), 0)
  expect(byRecords.isFull(0)).toBe(false)
  byRecords.add('all', page(1, 10), 0)
  expect(byRecords.isFull(0)).toBe(true)

  const byBytes = new Batch(limits)
  byBytes.add('all', page(1, 1000), 0)
  expect(byBytes.isFull(0)).toBe(true)

  const byAge = new Batch(limits)
  byAge.add('all', page(1, 10), 0)
  expect(byAge.isFull(4999)).toBe(false)
  expect(byAge.isFull(5000)).toBe(true)
})

test('the age of a batch counts from its first page, however long that was waited for', () => {
  const batch = new Batch(limits)
  expect(batch.isFull(60_000)).toBe(false)
  batch.add('all', page(1, 10), 60_000)
  batch.add('all', page(1, 10), 62_000)
  expect(batch.isFull(64_999)).toBe(false)
  expect(batch.isFull(65_000)).toBe(true)
})

test('C6: a batch holds one progress for each slice, that of its last page', () => {
  const batch = new Batch(limits)
  batch.add('monday', page(1, 10, 1), 0)
  batch.add('tuesday', page(1, 10, 1), 0)
  batch.add('monday', page(1, 10, 2), 0)
  expect([...batch.progress]).toEqual([
    ['monday', { position: 2, highWater: null }],
    ['tuesday', { position: 1, highWater: null }],
  ])
})

test('a page without progress adds its records and leaves the progress alone', () => {
  const batch = new Batch(limits)
  expect(batch.isEmpty).toBe(true)
  batch.add('all', page(1, 10, 1), 0)
  batch.add('all', { records: [{ id: 7 }], bytes: 10 }, 0)
  expect(batch.records).toHaveLength(2)
  expect(batch.progress.get('all')).toEqual({ position: 1, highWater: null })
})

test('a page without records but with progress is worth a commit', () => {
  const batch = new Batch(limits)
  batch.add('all', page(0, 0, null), 0)
  expect(batch.isEmpty).toBe(false)
})
