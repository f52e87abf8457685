import { expect, test } from 'vitest'
import { listStream, records } from './testing/list-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const { load, checkpoints, ids } = streamLoads()

// PEERS: dlt test_incremental end_value writes no state
test('a backfill adds rows and leaves the checkpoints alone', async () => {
  const stream = listStream({ slices: { all: [records(1, 5)] } })
  await load(stream)
  const before = await checkpoints()
  const earlier = listStream({ slices: { all: [records(-5, 0)] } })
  expect(await load(earlier, { scope: { since: '2025-01-01' } })).toMatchObject({ outcome: 'done' })
  expect(ids()).toHaveLength(11)
  expect(await checkpoints()).toEqual(before)
  expect(earlier.scopes).toEqual([{ since: '2025-01-01' }])
})

test('a backfill that would replace or double a table is refused', async () => {
  const replaced = await load(listStream({ write: 'replace', slices: { all: [] } }), {
    scope: { since: '2025-01-01' },
  })
  expect((replaced.error as Error).message).toBe(
    'desk.tickets: a backfill can add to a table, not replace it: leave out --since and --until, or choose `write: merge`',
  )
  const appended = await load(listStream({ write: 'append', key: [], slices: { all: [] } }), {
    scope: { until: '2025-01-01' },
  })
  expect((appended.error as Error).message).toBe(
    'desk.tickets: a backfill would add records twice, since nothing tells them apart: give the stream a `key`',
  )
})
