import { expect, test } from 'vitest'
import type { SluiceEvent } from '../ports/events.ts'
import { ownerField, type SideTable, type Source, type Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { type RunOptions, runPipeline } from './run.ts'
import { type ListStreamOptions, listStream, records } from './testing/list-stream.ts'

// Streams that remove rows of a table which another stream loads.

const TABLE = 'desk_tickets'
const source = (streams: readonly Stream[]): Source => ({
  name: 'desk',
  streams,
  check: async () => {},
  async [Symbol.asyncDispose]() {},
})

const deletions = (options: Partial<ListStreamOptions>) =>
  listStream({ name: 'desk.deleted', table: TABLE, write: 'delete', slices: {}, ...options })
const keys = (options: Partial<ListStreamOptions>) =>
  listStream({
    name: 'desk.ids',
    table: TABLE,
    write: 'reconcile',
    maxRemovedPercent: 100,
    slices: {},
    ...options,
  })
const tickets = (options: Partial<ListStreamOptions>) => listStream({ slices: {}, ...options })

let runs = 0
const clock = fakeClock({ auto: true })

function pipeline(destination = memoryDestination()) {
  const events: SluiceEvent[] = []
  return {
    destination,
    events,
    run: async (streams: readonly Stream[], options: Partial<RunOptions> = {}, concurrentStreams = 16) => {
      await clock.sleep(1000)
      const parts = {
        name: 'support',
        sources: [source(streams)],
        destination,
        batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
        concurrentStreams,
      }
      return runPipeline(parts, {
        runId: `run${++runs}`,
        clock,
        onEvent: (event) => events.push(event),
        signal: new AbortController().signal,
        ...options,
      })
    },
    ids: () => destination.rows(TABLE).map((row) => row['id']),
  }
}

test('a stream that removes rows runs after those that load its table, even where only one runs at a time', async () => {
  for (const concurrentStreams of [1, 16]) {
    const { run, ids, events } = pipeline()
    const result = await run(
      [
        keys({ slices: { all: [records(2, 4)] } }),
        deletions({ slices: { all: [[{ id: 3 }]] } }),
        tickets({ slices: { all: [records(1, 5)] }, beforePage: () => clock.sleep(50) }),
      ],
      {},
      concurrentStreams,
    )
    expect(result.streams).toEqual([
      { stream: 'desk.ids', outcome: 'done' },
      { stream: 'desk.deleted', outcome: 'done' },
      { stream: 'desk.tickets', outcome: 'done' },
    ])
    expect(ids()).toEqual([2, 4])
    const order = events.flatMap((event) => (event.type === 'stream.end' ? [event.stream] : []))
    expect(order[0]).toBe('desk.tickets')
  }
})

test('it does not begin where one of those failed, and says so', async () => {
  const { run, ids } = pipeline()
  await run([tickets({ slices: { all: [records(1, 3)] } })])
  const down = () => {
    throw new Error('down')
  }
  const removal = deletions({ slices: { all: [[{ id: 1 }]] } })
  const list = keys({ slices: { all: [[{ id: 1 }]] } })
  const result = await run([removal, list, tickets({ slices: { all: [records(4, 5)] }, beforePage: down })])
  expect(result.outcome).toBe('failed')
  expect(removal.asked).toEqual([])
  expect(list.asked).toEqual([])
  expect(ids()).toEqual([1, 2, 3])
  expect(result.streams[0]!.error).toMatchObject({
    code: 'LOADING_FAILED',
    message:
      'desk.deleted: desk.tickets failed, so that desk_tickets is not loaded as far as this run was to load it, and no row was removed from it. ' +
      'Correct what failed there; the next run goes on with both',
  })
  expect(await run([removal, list], { only: ['desk.deleted'] })).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([2, 3])
})

test('deletions of a table that is not there yet are forgotten, and make none', async () => {
  const { run, destination } = pipeline()
  const { outcome } = await run([deletions({ slices: { all: [[{ id: 1 }]] } })])
  expect(outcome).toBe('done')
  expect(destination.store.tables.size).toBe(0)
  const again = deletions({ rereadsFinished: false, slices: { all: [[{ id: 1 }]] } })
  expect(await run([again])).toMatchObject({ outcome: 'done' })
  expect(again.asked).toEqual([])
})

test('deletions are read anew by a full refresh, and swap no table in', async () => {
  const { run, ids, destination } = pipeline()
  await run([tickets({ slices: { all: [records(1, 3)] } })])
  await run([deletions({ slices: { all: [[{ id: 1 }]] } })])
  await run([deletions({ slices: { all: [[{ id: 2, why: 'spam' }]] } })], { fullRefresh: true })
  expect(ids()).toEqual([3])
  expect(destination.store.tables.get(TABLE)!.schema.columns.map(({ name }) => name)).toEqual(['id'])
})

const tags: SideTable = { table: 'tags', key: [], write: 'owned', owner: ['ticket'] }
const tagged = (options: Partial<ListStreamOptions> = {}) =>
  tickets({
    sides: [tags],
    slices: { all: [[1, 2, 3].map((id) => ({ id, [ownerField]: id }))] },
    beside: () => ({
      sides: new Map([['tags', [1, 2, 3].map((ticket) => ({ ticket, [ownerField]: ticket }))]]),
    }),
    ...options,
  })

test('what belongs to a removed row goes along, also where the stream that loads it is not part of the run', async () => {
  const { run, destination } = pipeline()
  const owners = () => destination.rows('tags').map((row) => row['ticket'])
  await run([tagged()])
  await run([tagged(), deletions({ slices: { all: [[{ id: '1' }]] } })], { only: ['desk.deleted'] })
  expect(owners()).toEqual(['2', '3'])
  await run([tagged(), keys({ slices: { all: [[{ id: 3 }]] } })], { only: ['desk.ids'] })
  expect(owners()).toEqual(['3'])
})

test('R6: a list of keys that was cut off goes on with the next run, and what was loaded meanwhile stays', async () => {
  const { run, ids } = pipeline()
  await run([tickets({ slices: { all: [records(1, 25)] } })])
  let cut = true
  const list = () =>
    keys({
      slices: { all: [records(1, 10), records(11, 20)] },
      beforePage: (_slice, page) => {
        if (page === 1 && cut) throw new Error('down')
      },
    })
  expect(await run([list()])).toMatchObject({ outcome: 'failed' })
  expect(ids()).toHaveLength(25)
  cut = false
  const second = list()
  await run([tickets({ slices: { all: [records(26, 27)] } }), second])
  expect(second.asked).toEqual(['all/1'])
  expect(ids()).toEqual([...records(1, 20), ...records(26, 27)].map(({ id }) => id))
})

test('R6: an empty list of keys empties no table, and what it staged is dropped; unless that is allowed', async () => {
  const { run, ids, destination } = pipeline()
  await run([tickets({ slices: { all: [records(1, 3)] } })])
  const result = await run([keys({ slices: { all: [[]] } })])
  expect(result.streams[0]!.error).toMatchObject({ code: 'REPLACE_EMPTY' })
  expect(ids()).toEqual([1, 2, 3])
  expect(destination.store.keys.size).toBe(0)
  await run([keys({ slices: { all: [[]] }, allowEmptyReplace: true })])
  expect(ids()).toEqual([])
})

test('a list of keys that holds a record without one removes nothing', async () => {
  const nameless = keys({ slices: { all: [[{ id: 1 }], [{ name: 'x' }]] } })
  const unread = keys({
    slices: { all: [[{ id: 1 }]] },
    beside: () => ({ rejects: [{ record: { line: 'x' }, reason: 'this line is no JSON' }] }),
  })
  const messages = [
    'desk.ids: key field "id" is missing, and with `write: reconcile` each record must name the row that is not to be removed: {"name":"x"}. Nothing was removed; name the right field in key, or leave such records out with the request',
    'desk.ids: this line is no JSON, and with `write: reconcile` each record must name the row that is not to be removed: {"line":"x"}. Nothing was removed; name the right field in key, or leave such records out with the request',
  ]
  for (const [at, list] of [nameless, unread].entries()) {
    const { run, ids } = pipeline()
    await run([tickets({ slices: { all: [records(1, 3)] } })])
    const result = await run([list])
    expect(result.streams[0]!.error).toMatchObject({ code: 'KEY_INVALID', message: messages[at] })
    expect(ids()).toEqual([1, 2, 3])
  }
})

test('streams that remove rows need a key, and a list of keys is not read in part', async () => {
  const { run } = pipeline()
  const failure = async (stream: Stream, options: Partial<RunOptions> = {}) =>
    (await run([stream], options)).streams[0]!.error
  expect(await failure(deletions({ key: [] }))).toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'desk.deleted: `write: delete` removes rows by their key: give the stream a `key`',
  })
  expect(await failure(keys({}), { scope: { since: '2024-01-01' } })).toMatchObject({
    code: 'CONFIG_INVALID',
    message:
      'desk.ids: a part of the keys is not all that there are, and the rows of the others would be removed: leave out --since and --until, or this stream',
  })
})

test('rows are not looked for by a field that the table has no column of: the deletions stay to be read', async () => {
  const { run, ids } = pipeline()
  await run([tickets({ slices: { all: [records(1, 3)] } })])
  for (const list of [deletions, keys]) {
    const removal = list({ key: ['Id'], slices: { all: [[{ Id: 1 }]] } })
    expect((await run([removal])).streams[0]!.error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${removal.name}, key: desk_tickets has no column of the field "Id", so no row could be found by it; did you mean "id"?`,
    })
    expect(removal.asked).toEqual([])
  }
  expect((await run([deletions({ key: ['number'] })])).streams[0]!.error).toMatchObject({
    message: expect.stringMatching(/by it; there are id$/),
  })
  expect(ids()).toEqual([1, 2, 3])
})

test('R6: deletions wait while a replacement is not complete, since what it has staged would come back', async () => {
  const { run, ids } = pipeline()
  await run([tickets({ slices: { all: [records(1, 12)] } })])
  const slices = { all: [records(1, 10), records(11, 12)] }
  const down = (_slice: string, page: number) => {
    if (page === 1) throw new Error('down')
  }
  const removal = () => deletions({ slices: { all: [[{ id: 1 }]] }, rereadsFinished: false })
  await run([tickets({ slices, beforePage: down })], { fullRefresh: true })
  const waiting = await run([tickets({ slices }), removal()], { only: ['desk.deleted'] })
  expect(waiting.streams[0]!.error).toMatchObject({
    code: 'LOADING_FAILED',
    message:
      'desk.deleted: a new desk_tickets that desk.tickets began is not complete, and what is deleted now would come back with it. ' +
      'No row was removed; run desk.tickets to its end, together with this stream or before it',
  })
  expect(ids()).toHaveLength(12)
  expect(await run([tickets({ slices }), removal()])).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual(records(2, 12).map(({ id }) => id))
})

test('R6: a list of keys whose slices end early, since the run was stopped, removes nothing', async () => {
  const { run, ids } = pipeline()
  await run([tickets({ slices: { all: [records(1, 25)] } })])
  const stop = new AbortController()
  const list = keys({ slices: { a: [records(1, 20)], b: [records(21, 25)] } })
  const ending: Stream = {
    ...list,
    *slices(committed, scope) {
      for (const slice of list.slices(committed, scope) as Iterable<{ key: string; progress: null }>) {
        if (stop.signal.aborted) return
        yield slice
        stop.abort()
      }
    },
  }
  expect(await run([ending], { signal: stop.signal })).toMatchObject({ outcome: 'interrupted' })
  expect(ids()).toHaveLength(25)
  const rest = keys({ slices: { a: [records(1, 20)], b: [records(21, 24)] } })
  expect(await run([rest])).toMatchObject({ outcome: 'done' })
  expect(rest.asked).toEqual(['b/0'])
  expect(ids()).toHaveLength(24)
})

test('R6: a list that would remove more than a fifth removes nothing, and the next run reads it anew, by the limit that it has then', async () => {
  const { run, ids, destination } = pipeline()
  await run([tickets({ slices: { all: [records(1, 50)] } })])
  const { maxRemovedPercent: _limit, ...unlimited } = keys({
    slices: { all: [records(1, 15), records(16, 39)] },
  })
  const refused = await run([unlimited])
  expect(refused.streams[0]!.error).toMatchObject({
    code: 'REMOVAL_LIMIT',
    message: expect.stringContaining(
      'desk.ids: the list does not name 11 of the 50 rows of desk_tickets, and so would remove 22% of them; maxRemoved allows 20%.',
    ),
  })
  expect(ids()).toHaveLength(50)
  expect(destination.store.keys.size).toBe(0)
  const again = keys({ maxRemovedPercent: 22, slices: { all: [records(1, 15), records(16, 39)] } })
  expect(await run([again])).toMatchObject({ outcome: 'done' })
  expect(again.asked).toEqual(['all/0', 'all/1'])
  expect(ids()).toEqual(records(1, 39).map(({ id }) => id))
})
