import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import { monitor } from './monitor.ts'
import { ReportBuilder } from './report.ts'

test('a percentile is within 3 % of the exact one, whatever the latencies', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (latencies, share) => {
        const histogram = new LatencyHistogram()
        for (const ms of latencies) histogram.add(ms)
        const sorted = [...latencies].sort((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!
        expect(Math.abs(histogram.percentile(share)! - exact) / exact).toBeLessThan(0.03)
      },
    ),
  )
})

test('a histogram without latencies has no percentile', () => {
  expect(new LatencyHistogram().percentile(0.5)).toBeNull()
})

const request = {
  source: 'desk',
  stream: 'desk.tickets',
  method: 'GET',
  url: 'https://desk.example/tickets',
  attempt: 1,
}

test('the monitor counts failures and refusals apart, and forgets what is older than its window', async () => {
  const clock = fakeClock({ start: 0 })
  const { onEvent, snapshot } = monitor({ clock, windowMs: 10_000 })
  onEvent({ type: 'request.end', at: clock.now(), ...request, status: 200, elapsedMs: 10 })
  onEvent({ type: 'request.end', at: clock.now(), ...request, status: 429, refused: true, elapsedMs: 10 })
  onEvent({ type: 'request.end', at: clock.now(), ...request, status: 503, elapsedMs: 10 })
  onEvent({
    type: 'request.fail',
    at: clock.now(),
    ...request,
    code: 'TIMEOUT',
    message: 'too slow',
    elapsedMs: 30,
  })
  onEvent({
    type: 'page.read',
    at: clock.now(),
    stream: 'desk.tickets',
    slice: 'all',
    records: 500,
    bytes: 9000,
  })
  await clock.advance(5000)
  expect(snapshot()).toMatchObject({
    requests: 4,
    refused: 1,
    errorRate: 0.5,
    requestsPerSecond: 0.8,
    recordsPerSecond: 100,
  })
  expect(snapshot().failures.map(({ reason }) => reason)).toEqual(['429', '503', 'TIMEOUT'])
  await clock.advance(6000)
  expect(snapshot()).toMatchObject({ requests: 0, refused: 0, errorRate: 0, recordsPerSecond: 0 })
})

test('the monitor keeps the last failures only, and refuses a window under a second', () => {
  const clock = fakeClock({ start: 0 })
  const { onEvent, snapshot } = monitor({ clock, recentFailures: 2 })
  for (const status of [500, 502, 503])
    onEvent({ type: 'request.end', at: 0, ...request, status, elapsedMs: 1 })
  expect(snapshot().failures.map(({ reason }) => reason)).toEqual(['502', '503'])
  expect(() => monitor({ clock, windowMs: 10 })).toThrow(
    "the monitor's windowMs is 10: at least 1000 is needed",
  )
})

test('a request that was cut because the run was asked to stop is no error', () => {
  const cut = {
    type: 'request.fail',
    at: 0,
    ...request,
    code: 'INTERRUPTED',
    message: 'the run was stopped by SIGINT',
    elapsedMs: 5,
  } as const
  const watch = monitor({ clock: fakeClock({ start: 0 }) })
  watch.onEvent(cut)
  expect(watch.snapshot()).toMatchObject({ requests: 1, errorRate: 0, failures: [] })
  const report = new ReportBuilder()
  report.add({ ...cut })
  expect(report.build().streams).toMatchObject([{ requests: 1, errorRate: 0 }])
})

// PEERS: dlt test_incremental metrics
test('a report sums up a stream from its events', () => {
  const report = new ReportBuilder()
  report.add({
    type: 'run.start',
    at: 0,
    runId: 'r1',
    pipeline: 'support',
    streams: ['desk.tickets', 'desk.users'],
  })
  report.add({ type: 'stream.start', at: 0, stream: 'desk.tickets' })
  report.add({
    type: 'quota.wait',
    at: 100,
    source: 'desk',
    stream: 'desk.tickets',
    quota: '1 per 1s',
    delayMs: 1500,
  })
  report.add({ type: 'request.end', at: 200, ...request, status: 503, elapsedMs: 50 })
  report.add({
    type: 'request.retry',
    at: 200,
    source: 'desk',
    stream: 'desk.tickets',
    url: request.url,
    attempt: 1,
    delayMs: 10,
    reason: '503',
  })
  report.add({ type: 'request.end', at: 300, ...request, status: 200, elapsedMs: 50 })
  report.add({
    type: 'page.read',
    at: 300,
    stream: 'desk.tickets',
    slice: 'all',
    records: 100,
    bytes: 62_000,
  })
  report.add({
    type: 'load.commit',
    at: 400,
    stream: 'desk.tickets',
    loadId: 'r1.1',
    records: 100,
    inserted: 60,
    updated: 30,
    unchanged: 9,
    deleted: 0,
    rejected: 1,
    elapsedMs: 5,
  })
  report.add({ type: 'stream.end', at: 2000, stream: 'desk.tickets', outcome: 'done' })
  report.add({ type: 'run.end', at: 2000, runId: 'r1', outcome: 'done' })
  const built = report.build()
  expect(built).toMatchObject({ runId: 'r1', pipeline: 'support', outcome: 'done', seconds: 2, records: 100 })
  expect(built.streams).toHaveLength(2)
  expect(built.streams[0]).toMatchObject({
    stream: 'desk.tickets',
    outcome: 'done',
    records: 100,
    inserted: 60,
    updated: 30,
    unchanged: 9,
    deleted: 0,
    rejected: 1,
    pages: 1,
    requests: 2,
    retries: 1,
    refused: 0,
    quotaWaitSeconds: 1.5,
    seconds: 2,
    recordsPerSecond: 50,
    errorRate: 0.5,
  })
})
