import { beforeEach, expect, test } from 'vitest'
import { DestinationError } from '../destinations/errors.ts'
import { ConfigError } from '../errors.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type MemoryDestination, memoryDestination } from '../testing/memory-destination.ts'
import { RecordRows } from './batch.ts'
import { ofSlices } from './starting-point.ts'
import { runStream, type StreamRunOptions } from './stream-run.ts'
import { listStream, records } from './testing/list-stream.ts'

let destination: MemoryDestination
let events: SluiceEvent[]
let runs = 0

beforeEach(() => {
  destination = memoryDestination()
  events = []
})

async function load(stream: Stream, options: Partial<StreamRunOptions> = {}) {
  await using session = await destination.open('support')
  return await runStream(stream, {
    session,
    runId: `run${++runs}`,
    clock: fakeClock({ auto: true }),
    onEvent: (event) => events.push(event),
    batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
    scope: {},
    fullRefresh: false,
    signal: new AbortController().signal,
    ...options,
  })
}

async function checkpoints() {
  await using session = await destination.open('support')
  return ofSlices(await session.readCheckpoints())
}

const ids = () => destination.rows('desk_tickets').map((row) => row['id'])
const loads = () => destination.loads('support').length

// PEERS: dlt #2604
// PEERS: Airbyte CustomRetriever
test('a stream is read to its end, and committed in batches of whole pages', async () => {
  const stream = listStream({ slices: { all: [records(1, 6), records(7, 12), records(13, 14)] } })
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual(records(1, 14).map(({ id }) => id))
  expect(loads()).toBe(2)
  expect(await checkpoints()).toMatchObject([{ slice: 'all', position: null, version: 2, staged: false }])
})

// PEERS: dlt no checkpoint within extract
// PEERS: dlt #215
test('C4: a run that was stopped by an error goes on behind the last page that was read completely', async () => {
  let broken = true
  const stream = listStream({
    slices: { all: [records(1, 4), records(5, 8), records(9, 12)] },
    beforePage: (_slice, page) => {
      if (page === 2 && broken) throw new Error('the network is down')
    },
  })
  expect(await load(stream)).toMatchObject({ outcome: 'failed', error: new Error('the network is down') })
  expect(ids()).toHaveLength(8)
  broken = false
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(stream.asked).toEqual(['all/0', 'all/1', 'all/2'])
  expect(ids()).toHaveLength(12)
})

// PEERS: dlt order of commits
// PEERS: dlt #3400
test('C1: a commit that fails stops the reading, and its pages are read again by the next run', async () => {
  const stream = listStream({ slices: { all: [records(1, 10), records(11, 20), records(21, 30)] } })
  const store = destination.store
  destination = memoryDestination({
    store,
    failCommit: (load, phase) => phase === 'before' && load.id.endsWith('.2'),
  })
  expect(await load(stream)).toMatchObject({ outcome: 'failed' })
  expect(ids()).toHaveLength(10)
  destination = memoryDestination({ store })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(1, 30).map(({ id }) => id))
})

// PEERS: dlt crash after the database commit
// PEERS: dlt #2837
test('C3: a commit whose answer was lost is neither lost nor doubled', async () => {
  const stream = listStream({ write: 'append', key: [], slices: { all: [records(1, 10), records(11, 20)] } })
  const store = destination.store
  destination = memoryDestination({
    store,
    failCommit: (load, phase) => phase === 'after' && load.id.endsWith('.1'),
  })
  expect(await load(stream)).toMatchObject({ outcome: 'failed' })
  destination = memoryDestination({ store })
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
  expect(loads()).toBe(1)
  expect(await checkpoints()).toHaveLength(3000)
})

test('an interrupted run commits what was read completely, and says so', async () => {
  const abort = new AbortController()
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: (_slice, page) => {
      if (page === 1) abort.abort()
    },
  })
  expect(await load(stream, { signal: abort.signal })).toMatchObject({ outcome: 'interrupted' })
  expect(ids()).toEqual([1, 2, 3])
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([1, 2, 3, 4, 5, 6])
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

// PEERS: dlt #1980
test('records without a usable key are kept as rejects, with their reason, and counted', async () => {
  const stream = listStream({
    slices: { all: [[{ id: 1 }, { id: null, note: 'lost?' }, { note: 'no id' }]] },
  })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([1])
  expect(destination.rejects('support').map(({ record }) => record)).toEqual([
    '{"id":null,"note":"lost?"}',
    '{"note":"no id"}',
  ])
  expect(events).toContainEqual(expect.objectContaining({ type: 'record.reject', count: 2 }))
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'load.commit', records: 3, inserted: 1, rejected: 2 }),
  )
})

test('a stream that must not reject fails at the first record without a key, and quotes it', async () => {
  const stream = listStream({ onReject: 'fail', slices: { all: [[{ id: 1 }, { name: 'Ada' }]] } })
  const { error } = await load(stream)
  expect((error as Error).message).toContain('desk.tickets')
  expect((error as Error).message).toContain('{"name":"Ada"}')
  expect(ids()).toEqual([])
})

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

// PEERS: Airbyte lacks drift detection
// PEERS: meltano/sdk#3340
test('schema changes are told in words, with the commit that made them', async () => {
  await load(listStream({ slices: { all: [[{ id: 1, amount: 5 }]] } }))
  await load(listStream({ slices: { all: [[{ id: 2, amount: 5.5, note: 'new' }]] } }))
  const changes = events.filter((event) => event.type === 'schema.change').map((event) => event.changes)
  expect(changes).toEqual([
    ['added column id (integer)', 'added column amount (integer)'],
    ['widened amount from integer to double', 'added column note (text)'],
  ])
})

// PEERS: dlt #2604
test('one batch is filled while one is committed, and no more is read', async () => {
  let release = () => {}
  const committing = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow = memoryDestination()
  destination = Object.assign(Object.create(slow), {
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

test('where each page is waited for, pages share commits all the same', async () => {
  const clock = fakeClock({ auto: true })
  const stream = listStream({
    slices: { all: Array.from({ length: 6 }, (_, page) => records(page, page)) },
    beforePage: () => clock.sleep(30_000),
  })
  await load(stream, { clock, batch: { maxRecords: 100, maxBytes: 1e9, maxAgeMs: 5000 } })
  expect(loads()).toBe(3)
})

test('a stream whose records were all rejected fails, and the run with the right key reads them again', async () => {
  const pages = { first: [records(1, 6), records(7, 12)], second: [records(13, 14)] }
  const wrong = await load(listStream({ key: ['Id'], rereadsFinished: false, slices: pages }))
  expect(wrong).toMatchObject({ outcome: 'failed', error: { code: 'ALL_REJECTED', recovery: 'fix-config' } })
  expect((wrong.error as Error).message).toBe(
    'desk.tickets: all 14 records that were read had to be rejected: key field "Id" is missing. ' +
      'The fields that were found are `id`; did you mean `id`? ' +
      'The checkpoint stays where it was: correct `key` and run again, and they are read once more',
  )
  expect(await checkpoints()).toEqual([])
  expect(destination.rejects('support')).toHaveLength(14)

  expect(await load(listStream({ rereadsFinished: false, slices: pages }))).toMatchObject({ outcome: 'done' })
  expect(ids()).toHaveLength(14)
})

test('progress that was withheld behind rejects is stored with the first record that has a key', async () => {
  const bad = Array.from({ length: 10 }, () => ({ name: 'no key' }))
  const pages = { first: [bad, bad], second: [records(1, 10)] }
  expect(await load(listStream({ slices: pages }))).toMatchObject({ outcome: 'done' })
  expect(await checkpoints()).toMatchObject([
    { slice: 'first', position: null, version: 1 },
    { slice: 'second', position: null, version: 1 },
  ])
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

test('a stream that reads nothing is done: there was nothing to reject', async () => {
  expect(await load(listStream({ slices: { all: [[]] } }))).toMatchObject({ outcome: 'done' })
})

test('R6: after an empty refresh the next run goes on from the checkpoint that is live', async () => {
  const pages = { all: [records(1, 10), records(11, 20)] }
  for (const key of [['id'], []]) {
    destination = memoryDestination()
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
  await using session = await destination.open('support')
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

test('a last commit that fails does not hide why reading stopped', async () => {
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: (_slice, page) => {
      if (page === 1) throw new ConfigError('desk.tickets', 'the answer is no JSON')
    },
  })
  destination = memoryDestination({ failCommit: () => true })
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
  destination = memoryDestination({ failCommit: () => true })
  expect(await load(stream, { signal: abort.signal })).toMatchObject({
    outcome: 'failed',
    error: { code: 'DESTINATION_FAILED' },
  })
})

test('a record that is rejected again with each run is kept once, and counted', async () => {
  const pages = { all: [[{ id: 1 }, { name: 'Ada', tags: ['a'] }]] }
  await load(listStream({ slices: pages }))
  await load(listStream({ slices: { all: [[{ id: 1 }, { tags: ['a'], name: 'Ada' }]] } }))
  expect(destination.rejects('support')).toMatchObject([
    { record: '{"name":"Ada","tags":["a"]}', times: 2, reason: 'key field "id" is missing' },
  ])
})

// PEERS: dlt test_restore_state
test('a stream whose table is gone is refused: going on from its checkpoints would leave out what was in it', async () => {
  const list = { slices: { all: [records(1, 4), records(5, 8)] } }
  await load(listStream(list))
  await using session = await destination.open('support')
  const before = await session.readCheckpoints()
  const without = { ...session, readSchema: async () => null }
  const { outcome, error } = await load(listStream(list), { session: without })
  expect(outcome).toBe('failed')
  expect(error).toMatchObject({ code: 'TABLE_GONE', table: 'desk_tickets' })
  expect((error as Error).message).toBe(
    'desk.tickets: its checkpoints say how far it was loaded, but the table desk_tickets is gone, and going on would leave out what was in it. ' +
      'Run `sluice state reset desk.tickets` to have it read from its beginning, or bring the table back',
  )
  expect(await session.readCheckpoints()).toEqual(before)
  expect(await load(listStream(list), { session: without, fullRefresh: true })).toMatchObject({
    outcome: 'done',
  })
})

test('a commit is told with its records also where the destination empties the rows with it', async () => {
  await using inner = await destination.open('support')
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
  expect(events.filter(({ type }) => type === 'load.commit')).toMatchObject([{ records: 4, inserted: 4 }])
})

/** A stream whose slices are left before their end, after what they hold. */
function stoppingStream(
  options: Parameters<typeof listStream>[0],
  stops: (slice: string) => boolean,
): Stream {
  const stream = listStream(options)
  return {
    ...stream,
    async read(slice, reading) {
      if (!stops(slice.key)) return stream.read(slice, reading)
      await reading.emit({
        records: records(1, 2),
        bytes: 10,
        progress: { position: 1, highWater: null },
      })
      reading.onStop?.('the API said 451')
    },
  }
}

test('a slice that was left before its end is told of, and the other slices are read', async () => {
  const stream = stoppingStream(
    { slices: { a: [records(1, 4)], b: [records(5, 6)] } },
    (slice) => slice === 'a',
  )
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual([1, 2, 5, 6])
  expect(events.filter(({ type }) => type === 'slice.stop' || type === 'slice.end')).toMatchObject([
    { type: 'slice.stop', slice: 'a', reason: 'the API said 451' },
    { type: 'slice.end', slice: 'b' },
  ])
  expect(await checkpoints()).toMatchObject([
    { slice: 'a', position: 1 },
    { slice: 'b', position: null },
  ])
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
    events.flatMap((event) => (event.type === 'load.commit' ? [event.loadId.replace(/^run\d+/, 'run')] : [])),
  ).toEqual([1, 2, 3, 4, 5].map((load) => `run.desk.tickets.${load}`))
})
