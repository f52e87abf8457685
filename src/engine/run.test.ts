import { expect, test } from 'vitest'
import { DestinationError } from '../destinations/errors.ts'
import { ReportBuilder } from '../observe/report.ts'
import type { Destination, DestinationSession } from '../ports/destination.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { Progress, Source, Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { planPipeline } from './plan.ts'
import { previewStream } from './preview.ts'
import { type PipelineParts, type RunOptions, runPipeline } from './run.ts'
import { listStream, records } from './testing/list-stream.ts'

const source = (name: string, ...streams: Stream[]): Source => ({
  name,
  streams,
  check: async () => {},
  async [Symbol.asyncDispose]() {},
})

function pipeline(sources: readonly Source[], concurrentStreams = 16) {
  const destination = memoryDestination()
  const parts: PipelineParts = {
    name: 'support',
    sources,
    destination,
    batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
    concurrentStreams,
  }
  return { destination, parts }
}

function options(given: Partial<RunOptions> = {}): RunOptions {
  return {
    runId: 'run1',
    clock: fakeClock({ auto: true }),
    onEvent: () => {},
    signal: new AbortController().signal,
    ...given,
  }
}

test('a stream that fails does not stop the others, and the run is failed', async () => {
  const bad = listStream({
    name: 'desk.users',
    slices: { all: [records(1, 3)] },
    beforePage: () => {
      throw new Error('down')
    },
  })
  const { parts, destination } = pipeline([
    source('desk', bad, listStream({ name: 'desk.tickets', slices: { all: [records(1, 30)] } })),
    source('pay', listStream({ name: 'pay.transactions', slices: { all: [records(1, 20)] } })),
  ])
  const result = await runPipeline(parts, options())
  expect(result.outcome).toBe('failed')
  expect(result.streams.map(({ stream, outcome }) => [stream, outcome])).toEqual([
    ['desk.users', 'failed'],
    ['desk.tickets', 'done'],
    ['pay.transactions', 'done'],
  ])
  expect(destination.rows('desk_tickets')).toHaveLength(30)
  expect(destination.rows('pay_transactions')).toHaveLength(20)
})

// PEERS: dlt five threads, round robin
// PEERS: Airbyte ConcurrencyLevel
// PEERS: Airbyte lacks async I/O
test('streams are read side by side, as many as are allowed at once', async () => {
  let reading = 0
  let most = 0
  const clock = fakeClock({ auto: true })
  const streams = Array.from({ length: 9 }, (_, index) =>
    listStream({
      name: `desk.stream${index}`,
      slices: { all: [records(1, 2)] },
      beforePage: async () => {
        most = Math.max(most, ++reading)
        await clock.sleep(1000)
        reading--
      },
    }),
  )
  const start = clock.now()
  await runPipeline(pipeline([source('desk', ...streams)], 3).parts, options({ clock }))
  expect(most).toBe(3)
  expect(clock.now() - start).toBe(3000)
})

test('only what is named is read: a stream, or every stream of a source', async () => {
  const names = ['desk.users', 'desk.tickets', 'pay.transactions']
  const streams = names.map((name) => listStream({ name, slices: { all: [records(1, 2)] } }))
  const { parts } = pipeline([source('desk', streams[0]!, streams[1]!), source('pay', streams[2]!)])
  const read = async (only: string[]) =>
    (await runPipeline(parts, options({ only, runId: only.join() }))).streams.map(({ stream }) => stream)
  expect(await read(['desk'])).toEqual(['desk.users', 'desk.tickets'])
  expect(await read(['pay.transactions', 'desk.users'])).toEqual(['desk.users', 'pay.transactions'])
  await expect(read(['desk.ticket'])).rejects.toThrow(
    'no stream or source is named "desk.ticket"; did you mean desk.tickets? There are desk.users, desk.tickets, pay.transactions',
  )
})

test('the run leaves its record in the destination: running at first, then its outcome and report', async () => {
  const seen: string[] = []
  const { parts, destination } = pipeline([
    source(
      'desk',
      listStream({
        slices: { all: [records(1, 2)] },
        beforePage: () => {
          seen.push(destination.runs('support')[0]!.outcome)
        },
      }),
    ),
  ])
  await runPipeline(parts, options({ report: (outcomes) => ({ streams: outcomes.length }) }))
  expect(seen).toEqual(['running'])
  expect(destination.runs('support')).toMatchObject([{ id: 'run1', outcome: 'done', report: { streams: 1 } }])
})

/** A destination whose session is changed before it is handed out. */
function changed(
  destination: Destination,
  change: (session: DestinationSession) => Partial<DestinationSession>,
): Destination {
  return {
    ...destination,
    async open(pipeline, given) {
      const session = await destination.open(pipeline, given)
      return { ...session, ...change(session) }
    },
  }
}

test('a report that can not be stored is returned all the same, and the run is failed for it', async () => {
  const events: SluiceEvent[] = []
  const report = new ReportBuilder()
  const { parts } = pipeline([source('desk', listStream({ slices: { all: [records(1, 2)] } }))])
  const destination = changed(parts.destination, (session) => ({
    recordRun: async (run) => {
      if (run.finishedAt !== null) throw new DestinationError('memory', 'the disk is full')
      await session.recordRun(run)
    },
  }))
  const result = await runPipeline(
    { ...parts, destination },
    options({
      onEvent: (event) => {
        report.add(event)
        events.push(event)
      },
      report: () => report.build(),
    }),
  )
  expect(result).toMatchObject({ outcome: 'failed', streams: [{ stream: 'desk.tickets', outcome: 'done' }] })
  expect(events.at(-1)).toMatchObject({
    type: 'run.problem',
    problem: 'report-not-stored',
    code: 'DESTINATION_FAILED',
    message: 'memory: the disk is full',
  })
  expect(report.build()).toMatchObject({
    outcome: 'failed',
    streams: [{ outcome: 'done', inserted: 2 }],
    problems: [{ problem: 'report-not-stored', message: 'memory: the disk is full' }],
  })
})

test('a destination that can not be closed as it should be is told of, and the run stays done', async () => {
  const events: SluiceEvent[] = []
  const { parts } = pipeline([source('desk', listStream({ slices: { all: [records(1, 2)] } }))])
  const destination = changed(parts.destination, () => ({
    async [Symbol.asyncDispose]() {
      throw new DestinationError('memory', 'the log is still there')
    },
  }))
  const result = await runPipeline(
    { ...parts, destination },
    options({ onEvent: (event) => events.push(event) }),
  )
  expect(result.outcome).toBe('done')
  expect(events.at(-1)).toMatchObject({
    type: 'run.problem',
    problem: 'not-closed',
    message: 'memory: the log is still there',
  })
})

test('events tell the run from its start to its end', async () => {
  const events: SluiceEvent[] = []
  const { parts } = pipeline([source('desk', listStream({ slices: { all: [records(1, 2)] } }))])
  await runPipeline(parts, options({ onEvent: (event) => events.push(event) }))
  expect(events.map(({ type }) => type)).toEqual([
    'run.start',
    'stream.start',
    'slice.start',
    'page.read',
    'slice.end',
    'schema.change',
    'load.commit',
    'stream.end',
    'run.end',
  ])
})

test('a plan tells that a whole list is read from its beginning, and what adds it once more with each run', async () => {
  const whole = (name: string, write: 'append' | 'merge', key: string[]) => ({
    ...listStream({ name, write, key, slices: { all: [records(1, 2), records(3, 4)] } }),
    isUnderWay: (committed: ReadonlyMap<string, Progress>) => committed.get('all')!.position !== null,
  })
  const { parts } = pipeline([
    source(
      'desk',
      whole('desk.log', 'append', []),
      whole('desk.events', 'append', ['id']),
      whole('desk.users', 'merge', ['id']),
    ),
  ])
  await runPipeline(parts, options())
  const adds = 'each run adds every record again, as a snapshot of the list'
  expect((await planPipeline(parts)).map(({ from, again }) => [from, again])).toEqual([
    ['start', adds],
    ['start', null],
    ['start', null],
  ])
  const { destination } = parts
  const onlyAdds = {
    ...destination,
    open: destination.open,
    capabilities: { ...destination.capabilities, merge: false },
  }
  expect(
    (await planPipeline({ ...parts, destination: onlyAdds })).map(({ again, refused }) => again ?? refused),
  ).toEqual([
    adds,
    'each run writes every record again, and the files grow by the whole list; the view shows each key once',
    expect.stringContaining('`write: merge` takes rows that are found by their key'),
  ])
  const anew = await planPipeline(parts, { only: ['desk.log'], fullRefresh: true })
  expect(anew).toMatchObject([{ write: 'append, replaced anew', again: null }])
})

test('a plan tells from where each stream would be read, and asks the API for nothing', async () => {
  const stream = listStream({
    slices: { first: [records(1, 10), records(11, 20)], second: [records(21, 30)] },
    beforePage: (_slice, page) => {
      if (page === 1) throw new Error('down')
    },
  })
  const many = listStream({
    name: 'desk.days',
    slices: Object.fromEntries(Array.from({ length: 8 }, (_, day) => [`day${day}`, [records(day, day)]])),
  })
  const { parts } = pipeline([source('desk', stream, many)])
  expect((await planPipeline(parts)).map(({ from }) => from)).toEqual(['start', 'start'])
  expect(stream.asked).toEqual([])

  await runPipeline(parts, options({ only: ['desk.tickets'] }))
  const [tickets, days] = await planPipeline(parts)
  expect(tickets).toMatchObject({
    stream: 'desk.tickets',
    table: 'desk_tickets',
    write: 'merge',
    from: 'checkpoint',
    moreSlices: 0,
  })
  expect(tickets!.slices[0]).toMatchObject({
    key: 'first',
    progress: { position: 1 },
    request: { method: 'GET', url: 'https://desk.example/first' },
  })
  expect(days).toMatchObject({ from: 'start', moreSlices: 5 })

  const [anew] = await planPipeline(parts, { only: ['desk.tickets'], fullRefresh: true })
  expect(anew).toMatchObject({ from: 'start', write: 'merge, replaced anew' })
})

test('a preview gives the first records and stops asking', async () => {
  const stream = listStream({ slices: { all: [records(1, 3), records(4, 6), records(7, 9)] } })
  const preview = await previewStream(stream, 4, new AbortController().signal)
  expect(preview.records).toEqual(records(1, 4))
  expect(preview.request.url).toBe('https://desk.example/all')
  expect(stream.asked).toEqual(['all/0', 'all/1'])
})

test('a preview of a stream that fails gives the reason', async () => {
  const stream = listStream({
    slices: { all: [records(1, 3)] },
    beforePage: () => {
      throw new Error('the key is wrong')
    },
  })
  await expect(previewStream(stream, 4, new AbortController().signal)).rejects.toThrow('the key is wrong')
})

test('a preview of a stream in windows begins with the newest, and gives up after ten pages without a record', async () => {
  const days = (filled: number) =>
    Object.fromEntries(
      Array.from({ length: 700 }, (_, day) => [`day${day}`, [day === filled ? records(1, 3) : []]]),
    )
  const signal = new AbortController().signal
  const recent = listStream({ slices: days(697) })
  const found = await previewStream(recent, 3, signal)
  expect(recent.asked).toEqual(['day699/0', 'day698/0', 'day697/0'])
  expect(found).toMatchObject({ slices: { read: 3, all: 700 }, gaveUp: false })
  expect(found.request.url).toBe('https://desk.example/day699')

  const old = listStream({ slices: days(0) })
  expect(await previewStream(old, 3, signal)).toMatchObject({
    records: [],
    slices: { read: 10, all: 700 },
    gaveUp: true,
  })
  expect(old.asked).toHaveLength(10)
})

test('a preview does not walk a list whose pages are filtered to nothing to its end', async () => {
  const stream = listStream({ slices: { all: [records(1, 1), ...Array.from({ length: 90 }, () => [])] } })
  const preview = await previewStream(stream, 5, new AbortController().signal)
  expect(preview).toMatchObject({ records: records(1, 1), gaveUp: true })
  expect(stream.asked).toHaveLength(11)
})

test('a stream that can not be read in part is refused in its own plan, and the others are planned', async () => {
  const { parts } = pipeline([
    source(
      'desk',
      listStream({ name: 'desk.users', write: 'replace', slices: { all: [records(1, 3)] } }),
      listStream({ name: 'desk.tickets', slices: { all: [records(1, 3)] } }),
    ),
  ])
  const [users, tickets] = await planPipeline(parts, { scope: { since: '2026-01-01' } })
  expect(users).toMatchObject({ stream: 'desk.users', from: null, slices: [] })
  expect(users!.refused).toBe(
    'desk.users: a backfill can add to a table, not replace it: leave out --since and --until, or choose `write: merge`',
  )
  expect(tickets).toMatchObject({ stream: 'desk.tickets', from: 'start', refused: null })
  expect(tickets!.slices).toHaveLength(1)
})
