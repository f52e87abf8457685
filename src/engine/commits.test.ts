import { expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { RecordRows } from './batch.ts'
import { listStream, records } from './testing/list-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const desk = streamLoads()
const { load, checkpoints, ids, committed } = desk

// PEERS: dlt order of commits
// PEERS: dlt #3400
test('C1: a commit that fails stops the reading, and its pages are read again by the next run', async () => {
  const stream = listStream({ slices: { all: [records(1, 10), records(11, 20), records(21, 30)] } })
  const store = desk.destination.store
  desk.destination = memoryDestination({
    store,
    failCommit: (load, phase) => phase === 'before' && load.id.endsWith('.2'),
  })
  expect(await load(stream)).toMatchObject({ outcome: 'failed' })
  expect(ids()).toHaveLength(10)
  desk.destination = memoryDestination({ store })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(1, 30).map(({ id }) => id))
})

// PEERS: dlt crash after the database commit
// PEERS: dlt #2837
test('C3: a commit whose answer was lost is neither lost nor doubled', async () => {
  const stream = listStream({ write: 'append', key: [], slices: { all: [records(1, 10), records(11, 20)] } })
  const store = desk.destination.store
  desk.destination = memoryDestination({
    store,
    failCommit: (load, phase) => phase === 'after' && load.id.endsWith('.1'),
  })
  expect(await load(stream)).toMatchObject({ outcome: 'failed' })
  desk.destination = memoryDestination({ store })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(1, 20).map(({ id }) => id))
})

test('C2: of two runs of one stream at once, one loads it and the other fails without writing', async () => {
  const stream = () =>
    listStream({ write: 'append', key: [], slices: { all: [records(1, 10), records(11, 20)] } })
  const outcomes = await Promise.all([load(stream()), load(stream())])
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'failed'])
  expect(outcomes.find(({ outcome }) => outcome === 'failed')).toMatchObject({
    error: { code: 'CHECKPOINT_CONFLICT' },
  })
  expect(ids()).toEqual(records(1, 20).map(({ id }) => id))
})

// PEERS: dlt boundary dedup by hashes
// PEERS: meltano/sdk#171
test('C6: thousands of small slices share one commit, each with its own checkpoint', async () => {
  const slices = Object.fromEntries(
    Array.from({ length: 3000 }, (_, day) => [`day${day}`, [records(day, day)]]),
  )
  const stream = listStream({ slices })
  await load(stream, { batch: { maxRecords: 5000, maxBytes: 1e9, maxAgeMs: 1e9 } })
  expect(committed()).toBe(1)
  expect(await checkpoints()).toHaveLength(3000)
})

test('parts of a streamed body are committed without moving the checkpoint', async () => {
  let broken = true
  const stream = listStream({
    slices: { all: [records(1, 10), records(11, 20)] },
    withoutProgress: (_slice, page) => page === 0,
    beforePage: (_slice, page) => {
      if (page === 1 && broken) throw new Error('broke off')
    },
  })
  await load(stream)
  expect(ids()).toHaveLength(10)
  expect(await checkpoints()).toEqual([])
  broken = false
  await load(stream)
  expect(ids()).toHaveLength(20)
})

// PEERS: dlt #2604
test('one batch is filled while one is committed, and no more is read', async () => {
  let release = () => {}
  const committing = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow = memoryDestination()
  desk.destination = Object.assign(Object.create(slow), {
    open: async (pipeline: string) => {
      const session = await slow.open(pipeline)
      return Object.assign(Object.create(session), {
        commit: async (load: Parameters<typeof session.commit>[0]) => {
          await committing
          return session.commit(load)
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      })
    },
  })
  const stream = listStream({
    slices: { all: Array.from({ length: 6 }, (_, page) => records(page * 10, page * 10 + 9)) },
  })
  const running = load(stream)
  await fakeClock({ auto: true }).sleep(1)
  expect(stream.asked).toEqual(['all/0', 'all/1'])
  release()
  expect(await running).toMatchObject({ outcome: 'done' })
  expect(stream.asked).toHaveLength(6)
})

test('where each page is waited for, pages share commits all the same', async () => {
  const clock = fakeClock({ auto: true })
  const stream = listStream({
    slices: { all: Array.from({ length: 6 }, (_, page) => records(page, page)) },
    beforePage: () => clock.sleep(30_000),
  })
  await load(stream, { clock, batch: { maxRecords: 100, maxBytes: 1e9, maxAgeMs: 5000 } })
  expect(committed()).toBe(3)
})

test('a last commit that fails does not hide why reading stopped', async () => {
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: (_slice, page) => {
      if (page === 1) throw new ConfigError('desk.tickets', 'the answer is no JSON')
    },
  })
  desk.destination = memoryDestination({ failCommit: () => true })
  const { outcome, error } = await load(stream)
  expect(outcome).toBe('failed')
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', recovery: 'fix-config' })
  expect((error as Error).message).toMatch(
    /^desk\.tickets: the answer is no JSON\. After that, what had been read before it could not be committed either: memory: told to fail before the commit of load run\d+\.desk\.tickets\.1$/,
  )
  expect((error as Error).cause).toEqual(new ConfigError('desk.tickets', 'the answer is no JSON'))
})

test('an interrupted run whose last commit fails is failed, by what refused the commit', async () => {
  const abort = new AbortController()
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: (_slice, page) => {
      if (page === 1) abort.abort()
    },
  })
  desk.destination = memoryDestination({ failCommit: () => true })
  expect(await load(stream, { signal: abort.signal })).toMatchObject({
    outcome: 'failed',
    error: { code: 'DESTINATION_FAILED' },
  })
})

test('a commit is told with its records also where the destination empties the rows with it', async () => {
  await using inner = await desk.destination.open('support')
  const session: DestinationSession = {
    ...inner,
    rows: () => new RecordRows(),
    async commit(load) {
      const receipt = await inner.commit(load)
      ;(load.records as JsonRecord[]).length = 0
      return receipt
    },
  }
  await load(listStream({ slices: { all: [records(1, 4)] } }), { session })
  expect(desk.events.filter(({ type }) => type === 'load.commit')).toMatchObject([
    { records: 4, inserted: 4 },
  ])
})

test('what is to be committed at once is committed when its taker goes on, before any record has come', async () => {
  let committed: unknown
  const stream: Stream = {
    ...listStream({ slices: { all: [] } }),
    async read(slice, { emit }) {
      if (slice.progress !== null) throw new Error(`goes on at ${JSON.stringify(slice.progress.position)}`)
      const progress = { position: { job: '7' }, highWater: null }
      await emit({ records: [], bytes: 0, progress, commitNow: true })
      committed = (await checkpoints())[0]?.position
      throw new Error('killed')
    },
  }
  expect(await load(stream)).toMatchObject({ outcome: 'failed', error: new Error('killed') })
  expect(committed).toEqual({ job: '7' })
  expect(await load(stream)).toMatchObject({ error: new Error('goes on at {"job":"7"}') })
})
