import { expect, test } from 'vitest'
import type { SluiceEvent } from '../ports/events.ts'
import { formatProgress, Waits } from './progress.ts'
import { ReportBuilder } from './report.ts'

const run = {
  type: 'run.start',
  at: 0,
  runId: 'r1',
  pipeline: 'support',
  streams: ['desk.tickets', 'pay.charges'],
} as const
const tickets = { source: 'desk', stream: 'desk.tickets' }
const page = {
  type: 'page.read',
  at: 1000,
  stream: 'desk.tickets',
  slice: 'all',
  records: 500,
  bytes: 9000,
} as const

function picture(events: readonly SluiceEvent[], now: number, width = 100): string[] {
  const report = new ReportBuilder()
  const waits = new Waits()
  for (const event of [run, ...events]) {
    report.add(event)
    waits.add(event)
  }
  const { streams, quotas } = report
  return formatProgress({ pipeline: 'support', startedAt: 0, streams, waits, quotas }, now, width)
}
const start = { type: 'stream.start', at: 0, stream: 'desk.tickets' } as const

test('a picture has a line for the run and one for each stream', () => {
  expect(picture([start, page], 2000)).toEqual([
    'support  2.00 s  500 records read, 0 committed  250/s',
    '  ⠋ desk.tickets        500 records      1 page   250/s',
    '  ⠋ pay.charges           0 records      0 pages  waits for its turn',
  ])
})

test('names are cut as the summary cuts them, and a run that stops says so below', () => {
  const name = 'warehouse_management.purchase_order_lines'
  const report = new ReportBuilder()
  report.add({ ...run, streams: [name] })
  const view = { pipeline: 'support', startedAt: 0, streams: report.streams, waits: new Waits() }
  const lines = formatProgress({ ...view, stopping: 'stopping: committing what is complete' }, 2000, 80)
  expect(lines[1]).toMatch(/^ {2}⠋ warehouse_ma…order_lines {10}0 records {6}0 pages {2}waits for its turn$/)
  expect(lines[2]).toBe('stopping: committing what is complete')
})

// PEERS: meltano/sdk#2012
test('a wait for quota is shown from its beginning, counts down, and goes when it is over', () => {
  const hold = {
    type: 'quota.hold',
    at: 1000,
    ...tickets,
    quota: '700 requests per 1m',
    expectedMs: 5000,
  } as const
  expect(picture([start, page, hold], 2000)[1]).toContain('waits 4.00 s: 700 requests per 1m')
  expect(picture([start, page, hold], 7000)[1]).toContain('waits: 700 requests per 1m')
  const over = {
    type: 'quota.wait',
    at: 6000,
    ...tickets,
    quota: '700 requests per 1m',
    delayMs: 5000,
  } as const
  const after = picture([start, page, hold, over], 10_000)[1]
  expect(after).toContain('50/s  50 % waiting: 700 requests per 1m')
})

test('a wait of unknown length is shown once it has lasted a second', () => {
  const hold = {
    type: 'quota.hold',
    at: 1000,
    ...tickets,
    quota: '1 requests in flight',
    expectedMs: null,
  } as const
  expect(picture([start, hold], 1500)[1]).not.toContain('waits')
  expect(picture([start, hold], 2500)[1]).toContain('waits: 1 requests in flight')
})

test('waits of a few milliseconds do not flicker', () => {
  const hold = {
    type: 'quota.hold',
    at: 1000,
    ...tickets,
    quota: '25 requests per 1s',
    expectedMs: 40,
  } as const
  expect(picture([start, page, hold], 1010)[1]).not.toContain('waits')
})

test('a retry says what it follows, and an open circuit holds every stream of its source', () => {
  const retry = {
    type: 'request.retry',
    at: 1000,
    ...tickets,
    url: 'https://desk.test/tickets',
    attempt: 1,
    delayMs: 3000,
    reason: '503',
  } as const
  expect(picture([start, retry], 2000)[1]).toContain('waits 2.00 s: tries again after 503')
  const open = {
    type: 'breaker.open',
    at: 1000,
    source: 'desk',
    forMs: 30_000,
    reason: '5 of 5 failed',
  } as const
  expect(picture([start, open], 2000)[1]).toContain('waits 29.0 s: desk fails, its circuit is open: ')
  const close = { type: 'breaker.close', at: 3000, source: 'desk' } as const
  expect(picture([start, open, close], 4000)[1]).not.toContain('circuit')
})

test('an ended stream says how it ended', () => {
  const done = { type: 'stream.end', at: 3000, stream: 'desk.tickets', outcome: 'done' } as const
  expect(picture([start, page, done], 4000)[1]).toBe(
    '  ✓ desk.tickets        500 records      1 page   done in 3.00 s',
  )
  const failed = {
    ...done,
    outcome: 'failed',
    error: { code: 'HTTP_STATUS', message: 'answered 404:\n  not here' },
  } as const
  expect(picture([start, failed], 4000)[1]).toContain('✗ desk.tickets')
  expect(picture([start, failed], 4000)[1]).toContain('failed: answered 404: not here')
  expect(picture([start, { ...done, outcome: 'interrupted' }], 4000)[1]).toContain('‖ desk.tickets')
})

test('no line is wider than the terminal', () => {
  const failed = {
    type: 'stream.end',
    at: 3000,
    stream: 'desk.tickets',
    outcome: 'failed',
    error: { code: 'HTTP_STATUS', message: 'x'.repeat(500) },
  } as const
  for (const width of [20, 60, 80, 120]) {
    for (const line of picture([start, failed], 4000, width)) expect(line.length).toBeLessThanOrEqual(width)
  }
})

test('a job that is waited for is shown, with the status that the API gives it', () => {
  const of = { stream: 'desk.tickets', slice: 'all', job: 'e1' }
  const poll = {
    type: 'job.poll',
    at: 1000,
    ...of,
    status: 'pending',
    elapsedMs: 90_000,
    nextMs: 30_000,
  } as const
  expect(picture([start, poll], 2000)[1]).toMatch(/waits 29\.0 s: its job is pending since /)
  const done = { type: 'job.done', at: 1500, ...of, status: 'ready', elapsedMs: 90_500 } as const
  expect(picture([start, poll, done], 2000)[1]).not.toContain('its job')
})

const limit = { quota: '700 requests per 1m', limit: 7, kind: 'declared' } as const

test('a limit that was waited for is shown with what was used of it, below the streams; one that nobody waited for is not', () => {
  const use = {
    type: 'quota.use',
    at: 1000,
    ...tickets,
    request: 1,
    part: 0,
    used: 1,
    refused: false,
    sentAt: 0,
  } as const
  const size = { amount: 700, perMs: 60_000 }
  const other = { ...use, quota: '9 requests per 1s', limit: 8, size: { amount: 9, perMs: 1000 } }
  const over = { type: 'quota.wait', at: 6000, ...tickets, ...limit, delayMs: 5000 } as const
  const lines = picture([start, page, { ...use, ...limit, size }, other, over], 7000)
  expect(lines.slice(3)).toEqual([
    '    desk, 700 requests per 1m: 1 of 700 used (0.1 %), none refused, 5.00 s waited',
  ])
})

test('where everything waits, it is shown how long it is until the next request', () => {
  const charges = { source: 'pay', stream: 'pay.charges' }
  const hold = { type: 'quota.hold', at: 1000, ...tickets, ...limit, expectedMs: 60_000 } as const
  const events = [start, { ...start, stream: 'pay.charges' }, page, hold]
  expect(picture(events, 2000)[0]).not.toContain('next request')
  const both = [...events, { ...hold, ...charges, at: 1500, expectedMs: 20_000 }]
  expect(picture(both, 2000)[0]).toMatch(/ {2}next request in 19\.5 s$/)
  expect(picture(both, 30_000)[0]).not.toContain('next request')
})

test('who waits for quota is shown to wait while other requests of the stream are answered', () => {
  const hold = { type: 'quota.hold', at: 1000, ...tickets, ...limit, expectedMs: 60_000 } as const
  const end = {
    type: 'request.end',
    at: 2000,
    ...tickets,
    method: 'GET',
    url: 'https://desk',
    status: 200,
    elapsedMs: 900,
    attempt: 1,
  } as const
  expect(picture([start, page, hold, end], 3000)[1]).toContain('waits 58.0 s: 700 requests per 1m')
})
