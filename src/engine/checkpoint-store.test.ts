import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { openCheckpointStore } from './checkpoint-store.ts'
import { runStream } from './stream-run.ts'
import { listStream, records } from './testing/list-stream.ts'

const runtime = () => ({ clock: fakeClock({ auto: true }), random: seededRandom(1) })

test('a checkpoint is read as it was written, with its version, also by the next process', async () => {
  const { store } = memoryDestination()
  {
    await using checkpoints = await openCheckpointStore(memoryDestination({ store }), 'loop', runtime())
    expect(await checkpoints.read('queue')).toBeUndefined()
    expect(await checkpoints.write('queue', { position: { offset: 3 }, fromVersion: 0 })).toBe(1)
    expect(
      await checkpoints.write('queue', { position: { offset: 5 }, highWater: 'b', fromVersion: 1 }),
    ).toBe(2)
    await checkpoints.write('queue', { slice: 'monday', position: null, fromVersion: 0 })
  }
  await using again = await openCheckpointStore(memoryDestination({ store }), 'loop', runtime())
  expect(await again.read('queue')).toMatchObject({ version: 2, position: { offset: 5 }, highWater: 'b' })
  expect((await again.list()).map(({ slice }) => slice)).toEqual(['all', 'monday'])
  await using other = await openCheckpointStore(memoryDestination({ store }), 'other', runtime())
  expect(await other.list('queue')).toEqual([])
})

test('C2: of two writers from one version, the second is refused', async () => {
  const destination = memoryDestination()
  await using one = await openCheckpointStore(destination, 'loop', runtime())
  await using two = await openCheckpointStore(destination, 'loop', runtime())
  await one.write('queue', { position: 1, fromVersion: 0 })
  await expect(two.write('queue', { position: 2, fromVersion: 0 })).rejects.toMatchObject({
    code: 'CHECKPOINT_CONFLICT',
    message: expect.stringContaining(
      'queue, slice "all": the checkpoint is at version 1, this commit started from 0',
    ),
  })
  expect(await two.read('queue')).toMatchObject({ version: 1, position: 1 })
})

test('of a pipeline it shows the checkpoints of its slices alone', async () => {
  const destination = memoryDestination()
  await using session = await destination.open('support')
  await runStream(listStream({ slices: { all: [records(1, 2)] } }), {
    session,
    runId: 'run1',
    clock: fakeClock({ auto: true }),
    onEvent: () => {},
    batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
    scope: {},
    fullRefresh: false,
    signal: new AbortController().signal,
  })
  await using checkpoints = await openCheckpointStore(destination, 'support', runtime())
  expect((await checkpoints.list()).map(({ slice }) => slice)).toEqual(['all'])
})
