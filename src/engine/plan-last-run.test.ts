import { expect, test } from 'vitest'
import { ReportBuilder } from '../observe/report.ts'
import type { RunRecord } from '../ports/destination.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { Json } from '../ports/json.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { planPipeline } from './plan.ts'
import { listStream, records } from './testing/list-stream.ts'

async function planAfter(run: Partial<RunRecord> | undefined) {
  const destination = memoryDestination()
  if (run !== undefined) {
    await using session = await destination.open('support')
    await session.recordRun({ id: 'r', startedAt: 1, finishedAt: 2, outcome: 'done', report: null, ...run })
  }
  const [planned] = await planPipeline({
    name: 'support',
    sources: [
      {
        name: 'desk',
        streams: [listStream({ name: 'desk.tickets', slices: { all: [records(1, 3)] } })],
        check: async () => {},
        async [Symbol.asyncDispose]() {},
      },
    ],
    destination,
    batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
    concurrentStreams: 1,
  })
  return planned!.lastRun
}

function reportOf(outcome: 'done' | 'paused'): Json {
  const report = new ReportBuilder()
  const stream = 'desk.tickets'
  const asked = { source: 'desk', stream, method: 'GET', url: 'https://desk', attempt: 1, status: 200 }
  const events: SluiceEvent[] = [
    { type: 'run.start', at: 0, runId: 'r', pipeline: 'support', streams: [stream] },
    { type: 'request.end', at: 1, elapsedMs: 40, ...asked },
    { type: 'request.end', at: 2, elapsedMs: 40, ...asked },
    { type: 'pagination.detected', at: 2, stream, kind: 'cursor', place: 'next_cursor', doubt: null },
    { type: 'stream.end', at: 3, stream, outcome },
  ]
  for (const event of events) report.add(event)
  return report.build()
}

test('a plan tells what a stream took of its API in the last run, and what its list was taken for', async () => {
  const last = await planAfter({ report: reportOf('done') })
  expect(last).toMatchObject({ requests: 2, pagination: 'cursor at `next_cursor`' })
  expect(last!.latencyMs).toBeGreaterThan(30)
})

test('a stream that was not done, a run that is not over, and a report of another make tell nothing', async () => {
  expect(await planAfter({ report: reportOf('paused') })).toBeNull()
  expect(await planAfter({ finishedAt: null, report: reportOf('done') })).toBeNull()
  expect(await planAfter({ report: { streams: [{ stream: 'desk.tickets' }, 5] } })).toBeNull()
  expect(await planAfter(undefined)).toBeNull()
})
