import { expect, test } from 'vitest'
import { SluiceError } from '../errors.ts'
import { ReportBuilder } from '../observe/report.ts'
import { formatSummary } from '../observe/summary.ts'
import type { Source, Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { runPipeline } from './run.ts'
import { listStream, records } from './testing/list-stream.ts'

class NoRoomError extends SluiceError {
  readonly code = 'QUOTA_PAUSED'
  readonly recovery = 'stop-stream'
  override readonly resumeAt: number
  constructor(resumeAt: number) {
    super('no room')
    this.resumeAt = resumeAt
  }
}

const source = (...streams: Stream[]): Source => ({
  name: 'desk',
  streams,
  check: async () => {},
  async [Symbol.asyncDispose]() {},
})

/** Two streams of three pages each; the API has room for so many pages of the first. */
function setUp(room: () => number) {
  const destination = memoryDestination()
  const clock = fakeClock({ start: 0, auto: true })
  let read = 0
  let runs = 0
  const tickets = listStream({
    name: 'desk.tickets',
    slices: { all: [records(1, 10), records(11, 20), records(21, 30)] },
    beforePage: () => {
      if (read++ === room()) throw new NoRoomError(Date.UTC(2026, 1, 1))
    },
  })
  const users = listStream({ name: 'desk.users', slices: { all: [records(1, 10)] } })
  const run = async () => {
    const report = new ReportBuilder()
    read = 0
    const result = await runPipeline(
      {
        name: 'support',
        sources: [source(tickets, users)],
        destination,
        batch: { maxRecords: 1000, maxBytes: 1e9, maxAgeMs: 1e9 },
        concurrentStreams: 2,
      },
      {
        runId: `run${runs++}`,
        clock,
        onEvent: (event) => report.add(event),
        signal: new AbortController().signal,
      },
    )
    return { result, report: report.build() }
  }
  return { destination, run }
}

test('a stream whose quota has no room commits what it has and is paused; the others go on, and nothing failed', async () => {
  const { destination, run } = setUp(() => 2)
  const { result, report } = await run()
  expect(result.outcome).toBe('paused')
  expect(destination.rows('desk_tickets')).toHaveLength(20)
  expect(destination.rows('desk_users')).toHaveLength(10)
  expect(report).toMatchObject({ outcome: 'paused', pausedUntil: '2026-02-01T00:00:00.000Z' })
  expect(report.streams.map(({ outcome, pausedUntil }) => [outcome, pausedUntil])).toEqual([
    ['paused', '2026-02-01T00:00:00.000Z'],
    ['done', null],
  ])
  const summary = formatSummary(report).join('\n')
  expect(summary).toContain('desk.tickets is paused until 2026-02-01T00:00:00.000Z (QUOTA_PAUSED)')
  expect(summary).toContain('paused until 2026-02-01T00:00:00.000Z: what was complete is committed')
})

test('the next run goes on where the paused one stopped', async () => {
  let room = 2
  const { destination, run } = setUp(() => room)
  await run()
  room = Number.POSITIVE_INFINITY
  const { result } = await run()
  expect(result.outcome).toBe('done')
  expect(destination.rows('desk_tickets')).toHaveLength(30)
})
