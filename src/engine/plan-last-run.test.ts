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
  return planned!
}

function reportOf(outcome: 'done' | 'paused'): Json {
  const report = new ReportBuilder()
  const stream = 'desk.tickets'
  const asked = { source: 'desk', stream, method: 'GET', url: 'https://desk', attempt: 1, status: 200 }
  const used = { request: 1, part: 1, used: 2.5, refused: false, sentAt: 0, size: null } as const
  const events: SluiceEvent[] = [
    { type: 'run.start', at: 0, runId: 'r', pipeline: 'support', streams: [stream] },
    { type: 'request.end', at: 1, elapsedMs: 40, ...asked },
    { type: 'request.end', at: 2, elapsedMs: 40, ...asked },
    { type: 'quota.use', at: 2, source: 'desk', stream, quota: '9 points per 1s', limit: 1, ...used },
    { type: 'quota.use', at: 2, source: 'desk', quota: '9 requests per 1s', limit: 2, ...used },
    { type: 'pagination.detected', at: 2, stream, kind: 'cursor', place: 'next_cursor', doubt: null },
    { type: 'stream.end', at: 3, stream, outcome, ...(outcome === 'paused' && { resumeAt: 86_400_000 }) },
  ]
  for (const event of events) report.add(event)
  return report.build()
}

test('a plan tells what a stream took of its API in the last run, and what its list was taken for', async () => {
  const { lastRun: last, pausedUntil } = await planAfter({ report: reportOf('done') })
  expect(pausedUntil).toBeNull()
  expect(last).toMatchObject({ requests: 2, pagination: 'cursor at `next_cursor`' })
  expect(last!.quotas).toMatchObject([{ quota: '9 points per 1s', used: 2.5, requests: 1, parts: 1 }])
  expect(last!.latencyMs).toBeGreaterThan(30)
})

test('a stream that was not done, a run that is not over, and a report of another make tell nothing', async () => {
  expect((await planAfter({ report: reportOf('paused') })).lastRun).toBeNull()
  expect((await planAfter({ finishedAt: null, report: reportOf('done') })).lastRun).toBeNull()
  expect((await planAfter({ report: { streams: [{ stream: 'desk.tickets' }, 5] } })).lastRun).toBeNull()
  expect((await planAfter(undefined)).lastRun).toBeNull()
})

test('a plan tells until when the last run left a stream paused', async () => {
  expect((await planAfter({ report: reportOf('paused') })).pausedUntil).toBe('1970-01-02T00:00:00.000Z')
})
