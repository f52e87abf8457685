import { expect, test } from 'vitest'
import { DestinationError } from '../destinations/errors.ts'
import type { DestinationSession } from '../ports/destination.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { listStream, records } from './testing/list-stream.ts'
import { stoppingStream } from './testing/stopping-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const desk = streamLoads()
const { load, checkpoints, ids } = desk

// PEERS: dlt hint write_disposition
// PEERS: dlt replace truncates first
test('R6: replace leaves the old table in sight until the new one is complete', async () => {
  await load(listStream({ write: 'replace', slices: { all: [records(1, 30)] } }))
  const stream = listStream({
    write: 'replace',
    slices: { all: [records(101, 110), records(111, 120)] },
    beforePage: (_slice, page) => {
      if (page === 1) expect(ids()).toEqual(records(1, 30).map(({ id }) => id))
    },
  })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(101, 120).map(({ id }) => id))
})

// PEERS: dlt #3025
test('R6: a replacement that was interrupted is taken up where it stopped', async () => {
  await load(listStream({ write: 'replace', slices: { all: [records(1, 5)] } }))
  let broken = true
  const stream = listStream({
    write: 'replace',
    slices: { first: [records(101, 110)], second: [records(111, 120), records(121, 130)] },
    beforePage: (slice, page) => {
      if (slice === 'second' && page === 1 && broken) throw new Error('down')
    },
  })
  await load(stream)
  expect(ids()).toEqual([1, 2, 3, 4, 5])
  broken = false
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(stream.asked).toEqual(['first/0', 'second/0', 'second/1'])
  expect(ids()).toEqual(records(101, 130).map(({ id }) => id))
  expect((await checkpoints()).every(({ staged }) => !staged)).toBe(true)
})

// PEERS: dlt silent zero rows on 200 with an error body
// PEERS: dlt #3025
test('R6: an empty result does not replace a full table, unless the stream allows it', async () => {
  await load(listStream({ write: 'replace', slices: { all: [records(1, 5)] } }))
  const refused = await load(listStream({ write: 'replace', slices: { all: [[]] } }))
  expect(refused).toMatchObject({ outcome: 'failed', error: { code: 'REPLACE_EMPTY' } })
  expect(ids()).toHaveLength(5)
  const allowed = await load(listStream({ write: 'replace', allowEmptyReplace: true, slices: { all: [[]] } }))
  expect(allowed).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([])
})

// PEERS: dlt test_incremental replace resets state
test('a full refresh reads everything anew and drops what the API no longer has', async () => {
  await load(listStream({ rereadsFinished: false, slices: { all: [records(1, 5)] } }))
  const stream = listStream({ rereadsFinished: false, slices: { all: [records(3, 8)] } })
  await load(stream)
  expect(stream.asked).toEqual([])
  expect(await load(stream, { fullRefresh: true })).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([3, 4, 5, 6, 7, 8])
})

test('C2: two runs that replace one table from streamed bodies cannot drop what the other has staged', async () => {
  const stream = () =>
    listStream({
      write: 'replace',
      slices: { all: [records(1, 10), records(11, 20), records(21, 30)] },
      withoutProgress: (_slice, page) => page < 2,
    })
  const outcomes = await Promise.all([load(stream()), load(stream())])
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'failed'])
  expect(outcomes.find(({ outcome }) => outcome === 'failed')).toMatchObject({
    error: { code: 'CHECKPOINT_CONFLICT' },
  })
  expect(ids()).toEqual(records(1, 30).map(({ id }) => id))
})

test('R6: an empty refresh is abandoned, so that the next run finds what the API withheld', async () => {
  await load(listStream({ slices: { all: [records(1, 2)] } }))
  const empty = await load(listStream({ slices: { all: [[]] } }), { fullRefresh: true })
  expect(empty).toMatchObject({ outcome: 'failed', error: { code: 'REPLACE_EMPTY' } })
  expect(ids()).toEqual([1, 2])
  expect(await load(listStream({ slices: { all: [records(1, 3)] } }))).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([1, 2, 3])
})

test('R6: a replacement whose records were all rejected leaves the table, and goes on once the key is right', async () => {
  await load(listStream({ write: 'replace', slices: { all: [records(1, 5)] } }))
  const pages = { all: [records(11, 20), records(21, 22)] }
  const wrong = await load(listStream({ write: 'replace', key: ['ID_'], slices: pages }))
  expect(wrong).toMatchObject({ outcome: 'failed', error: { code: 'ALL_REJECTED' } })
  expect(ids()).toEqual([1, 2, 3, 4, 5])
  expect(await load(listStream({ write: 'replace', slices: pages }))).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(11, 22).map(({ id }) => id))
})

test('R6: after an empty refresh the next run goes on from the checkpoint that is live', async () => {
  const pages = { all: [records(1, 10), records(11, 20)] }
  for (const key of [['id'], []]) {
    desk.destination = memoryDestination()
    const stream = (given: Parameters<typeof listStream>[0]) =>
      listStream({ write: 'append', key, rereadsFinished: false, ...given })
    await load(stream({ slices: pages }))
    const before = await checkpoints()
    const empty = await load(stream({ slices: { all: [[], []] } }), {
      fullRefresh: true,
      batch: { maxRecords: 0, maxBytes: 1e9, maxAgeMs: 1e9 },
    })
    expect(empty).toMatchObject({ outcome: 'failed', error: { code: 'REPLACE_EMPTY' } })
    expect((await checkpoints()).map((found) => ({ ...found, version: 2 }))).toEqual(before)
    const next = stream({ slices: pages })
    expect(await load(next)).toMatchObject({ outcome: 'done' })
    expect(next.asked).toEqual([])
    expect(ids()).toHaveLength(20)
  }
})

test('where an empty refresh cannot be abandoned either, both failures are told, and what to do', async () => {
  await load(listStream({ slices: { all: [records(1, 2)] } }))
  await using session = await desk.destination.open('support')
  const stuck: DestinationSession = {
    ...session,
    abandonReplacement: async () => {
      throw new DestinationError('memory', 'no space left')
    },
  }
  const { error } = await load(listStream({ slices: { all: [[]] } }), { fullRefresh: true, session: stuck })
  expect(error).toMatchObject({ code: 'REPLACE_EMPTY', recovery: 'stop-stream' })
  expect((error as Error).message).toMatch(
    /^desk\.tickets: the API returned no record.* After that, what was staged could not be dropped; run `sluice state reset desk\.tickets` before the next run: memory: no space left$/,
  )
})

test('R6: a table is not replaced while a slice of the new one was left before its end; the next run goes on with it', async () => {
  const options = { slices: { a: [records(1, 2), records(3, 4)] }, write: 'replace' as const, key: [] }
  await load(listStream({ ...options, slices: { a: [records(7, 9)] } }))
  const outcome = await load(stoppingStream(options, () => true))
  expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'REPLACE_INCOMPLETE' } })
  expect(String(outcome.error)).toContain(
    'desk.tickets: the table is left as it is, since its replacement would not be whole: a slice was stopped: the API said 451; run again to go on with it',
  )
  expect(ids()).toEqual([7, 8, 9])
  expect(await load(listStream(options))).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([1, 2, 3, 4])
})

test('a stream whose position has expired, and is to be read anew then, gets a new table in the same run (R6)', async () => {
  await load(listStream({ slices: { all: [records(1, 4)] } }))
  let expired = true
  const stream = listStream({
    slices: { all: [records(3, 6)] },
    beforePage: () => {
      if (!expired) return
      expired = false
      throw Object.assign(new Error('410'), {
        code: 'POSITION_EXPIRED',
        recovery: 'stop-stream',
        refresh: true,
      })
    },
  })
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual([3, 4, 5, 6])
})

test('C3: a stream that is read anew in the same run, after loads of that run, loses none of what it reads then', async () => {
  let expired = true
  const stream = listStream({
    slices: { all: [records(1, 10), records(11, 20), records(21, 25)] },
    beforePage: (_slice, page) => {
      if (!expired || page < 2) return
      expired = false
      throw Object.assign(new Error('410'), {
        code: 'POSITION_EXPIRED',
        recovery: 'stop-stream',
        refresh: true,
      })
    },
  })
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual(records(1, 25).map(({ id }) => id))
  expect(
    desk.events.flatMap((event) =>
      event.type === 'load.commit' ? [event.loadId.replace(/^run\d+/, 'run')] : [],
    ),
  ).toEqual([1, 2, 3, 4, 5].map((load) => `run.desk.tickets.${load}`))
})
