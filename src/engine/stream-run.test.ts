import { expect, test } from 'vitest'
import { listStream, records } from './testing/list-stream.ts'
import { stoppingStream } from './testing/stopping-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const desk = streamLoads()
const { load, checkpoints, ids, committed } = desk

// PEERS: dlt #2604
// PEERS: Airbyte CustomRetriever
test('a stream is read to its end, and committed in batches of whole pages', async () => {
  const stream = listStream({ slices: { all: [records(1, 6), records(7, 12), records(13, 14)] } })
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual(records(1, 14).map(({ id }) => id))
  expect(committed()).toBe(2)
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

// PEERS: Airbyte lacks drift detection
// PEERS: meltano/sdk#3340
test('schema changes are told in words, with the commit that made them', async () => {
  await load(listStream({ slices: { all: [[{ id: 1, amount: 5 }]] } }))
  await load(listStream({ slices: { all: [[{ id: 2, amount: 5.5, note: 'new' }]] } }))
  const changes = desk.events.filter((event) => event.type === 'schema.change').map((event) => event.changes)
  expect(changes).toEqual([
    ['added column id (integer)', 'added column amount (integer)'],
    ['widened amount from integer to double', 'added column note (text)'],
  ])
})

// PEERS: dlt test_restore_state
test('a stream whose table is gone is refused: going on from its checkpoints would leave out what was in it', async () => {
  const list = { slices: { all: [records(1, 4), records(5, 8)] } }
  await load(listStream(list))
  await using session = await desk.destination.open('support')
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

test('a slice that was left before its end is told of, and the other slices are read', async () => {
  const stream = stoppingStream(
    { slices: { a: [records(1, 4)], b: [records(5, 6)] } },
    (slice) => slice === 'a',
  )
  expect(await load(stream)).toEqual({ stream: 'desk.tickets', outcome: 'done' })
  expect(ids()).toEqual([1, 2, 5, 6])
  expect(desk.events.filter(({ type }) => type === 'slice.stop' || type === 'slice.end')).toMatchObject([
    { type: 'slice.stop', slice: 'a', reason: 'the API said 451' },
    { type: 'slice.end', slice: 'b' },
  ])
  expect(await checkpoints()).toMatchObject([
    { slice: 'a', position: 1 },
    { slice: 'b', position: null },
  ])
})
