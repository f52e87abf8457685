import { expect, test } from 'vitest'
import type { QuotaReport } from './quota-counts.ts'
import type { RunReport, StreamReport } from './report.ts'
import { formatSummary } from './summary.ts'

const stream: StreamReport = {
  stream: 'pay.transactions',
  outcome: 'done',
  error: null,
  pausedUntil: null,
  records: 24_000,
  inserted: 24_000,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  rejected: 0,
  sides: [],
  rejectReason: null,
  pagination: null,
  pages: 240,
  bytes: 1,
  loads: 2,
  requests: 246,
  retries: 6,
  refused: 0,
  quotaWaitSeconds: 6.89,
  seconds: 13,
  recordsPerSecond: 1850,
  latencyMs: { p50: 2, p95: 56 },
  errorRate: 0.024,
  schemaChanges: [],
  warnings: [],
}

function report(...streams: Partial<StreamReport>[]): RunReport {
  return {
    runId: 'r1',
    pipeline: 'three',
    outcome: 'done',
    pausedUntil: null,
    startedAt: '',
    finishedAt: '',
    seconds: 13,
    records: 24_000,
    streams: streams.map((given) => ({ ...stream, ...given })),
    quotas: [],
    problems: [],
  }
}

const limit = (given: Partial<QuotaReport>): QuotaReport => ({
  sources: ['pay'],
  streams: ['pay.transactions'],
  quota: '',
  kind: 'declared',
  granted: null,
  used: 0,
  requests: 0,
  parts: 1,
  shared: false,
  refused: 0,
  waitedSeconds: 0,
  pausedUntil: null,
  ...given,
})

test('limits of the same words are told apart by their streams', () => {
  const words = { quota: '3 requests per 1s', granted: 3, used: 3 }
  const quotas = [limit({ ...words, streams: ['pay.a', 'pay.b'] }), limit({ ...words, streams: ['pay.c'] })]
  const text = formatSummary({ ...report({}), quotas }).join('\n')
  expect(text).toContain('pay.a, pay.b, 3 requests per 1s: 3 of 3 used (100 %)')
  expect(text).toContain('pay.c, 3 requests per 1s: 3 of 3 used (100 %)')
})

test('with room for it, a summary is one table', () => {
  expect(formatSummary(report({}))).toEqual([
    '  stream            records     new  changed  known  rows/s  pages  requests  retries  refused  quota wait     p50    p95  errors',
    '  ────────────────  ───────  ──────  ───────  ─────  ──────  ─────  ────────  ───────  ───────  ──────────  ──────  ─────  ──────',
    '✓ pay.transactions   24,000  24,000        0      0   1,850    240       246        6        0      6.89 s  2.0 ms  56 ms   2.4 %',
    '',
    'three: 24,000 records read in 13.0 s, 24,000 new, 0 changed',
  ])
})

test('a limit that was waited for is told with what it allowed, what was used and refused, and how long requests waited', () => {
  const quotas = [
    limit({ quota: '700 requests per 1m', granted: 7000, used: 6930, waitedSeconds: 723 }),
    limit({ quota: 'what the API reports', kind: 'reported', used: 12, refused: 2 }),
    limit({ quota: '5 requests in flight', used: 12 }),
    limit({
      quota: '9 requests per 1s',
      granted: 90,
      used: 30,
      shared: true,
      pausedUntil: '2026-01-01T00:00:00.000Z',
    }),
    limit({ quota: 'what the API is found to allow', kind: 'found', used: 9, waitedSeconds: 60 }),
    limit({ quota: 'a wait', kind: 'reported', waitedSeconds: 60 }),
  ]
  const text = formatSummary({ ...report({}), quotas }).join('\n')
  expect(text).toContain(
    'pay, 700 requests per 1m: 6,930 of 7,000 used (99 %), none refused, 12 m 03 s waited',
  )
  expect(text).toContain('pay, what the API reports: 12 used, 2 refused, no wait')
  expect(text).toContain(
    'pay, 9 requests per 1s: 30 of 90 used here, shared with other processes, none refused, no wait, no room before 2026-01-01T00:00:00.000Z',
  )
  expect(text).toContain(
    'pay, what the API is found to allow: none refused, as found by an earlier run, 1 m 00 s waited',
  )
  expect(text).toContain('pay, a wait: 1 m 00 s waited')
  expect(text).not.toContain('in flight')
})

test('on a terminal of 100 columns the figures of the requests stand below those of the rows', () => {
  const lines = formatSummary(report({}), undefined, 100)
  expect(lines.filter((line) => line.includes('pay.transactions'))).toHaveLength(2)
  for (const figure of ['24,000', '1,850', '240', '246', '6.89 s', '56 ms', '2.4 %'])
    expect(lines.join('\n')).toContain(figure)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
})

test('in 80 columns each name is cut alike, and no figure is lost', () => {
  const streams = [{}, { stream: 'warehouse_management.purchase_order_lines' }]
  const lines = formatSummary(report(...streams), undefined, 80)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  const names = lines.filter((line) => line.startsWith('✓')).map((line) => line.slice(2, 26).trimEnd())
  expect(new Set(names)).toEqual(new Set(['pay.transactions', 'warehouse_ma…order_lines']))
  for (const figure of ['24,000', '1,850', '240', '246', '6.89 s', '56 ms', '2.4 %'])
    expect(lines.join('\n')).toContain(figure)
})

test('one record is one record', () => {
  expect(formatSummary({ ...report({ inserted: 1 }), records: 1 }).at(-1)).toBe(
    'three: 1 record read in 13.0 s, 1 new, 0 changed',
  )
})

test('a failure does not name its stream twice', () => {
  const error = { code: 'KEY_INVALID', message: 'pay.transactions: key field "id" is null' }
  const lines = formatSummary(report({ outcome: 'failed', error }))
  expect(lines).toContain('pay.transactions failed (KEY_INVALID)')
  expect(lines).toContain('  key field "id" is null')
})

test('a long name is cut in its middle rather than wrapped', () => {
  const name = `warehouse.${'a'.repeat(60)}_by_day`
  const lines = formatSummary(report({ stream: name }), undefined, 80)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(lines.join('\n')).toMatch(/✓ wareho.*….*by_day/)
})

test('no wait is a dash', () => {
  expect(formatSummary(report({ quotaWaitSeconds: 0 }))[2]).toContain('0           –')
})

test('a failure and rejects are told below the table, the count of failures last', () => {
  const lines = formatSummary({
    ...report(
      { outcome: 'failed', error: { code: 'HTTP_STATUS', message: 'GET https://x answered 404' } },
      { stream: 'pay.refunds', rejected: 1, rejectReason: 'the key id is null' },
    ),
    outcome: 'failed',
  })
  expect(lines).toContain('pay.transactions failed (HTTP_STATUS)')
  expect(lines).toContain('  GET https://x answered 404')
  expect(lines).toContain('pay.refunds: 1 record rejected, kept in _sluice_rejects')
  expect(lines).toContain('  the key id is null')
  expect(lines.at(-1)).toMatch(/; 1 of 2 streams failed$/)
})

test('a list that may have ended too early is told below the table', () => {
  const lines = formatSummary(report({ warnings: ['the list may go on: …'] }))
  const at = lines.indexOf('pay.transactions: a warning')
  expect(lines.slice(at, at + 3)).toEqual(['pay.transactions: a warning', '  the list may go on: …', ''])
})

test('a run with nothing new, and one that was interrupted, say so', () => {
  expect(formatSummary(report({ inserted: 0, unchanged: 3 })).at(-1)).toMatch(/, nothing new$/)
  expect(formatSummary({ ...report({ outcome: 'interrupted' }), outcome: 'interrupted' }).at(-1)).toMatch(
    /interrupted: what was complete is committed, the next run goes on from there$/,
  )
})

test('what went wrong at the end of a run is told, also where each stream is done', () => {
  const problem = {
    problem: 'report-not-stored',
    code: 'DESTINATION_FAILED',
    message: 'duckdb w.duckdb: the disk is full',
  } as const
  const lines = formatSummary({ ...report({}), outcome: 'failed', problems: [problem] })
  expect(lines).toContain(
    'the report of the run could not be stored; what was loaded stays loaded (DESTINATION_FAILED)',
  )
  expect(lines).toContain('  duckdb w.duckdb: the disk is full')
  expect(lines.at(-1)).toMatch(/24,000 new, 0 changed; the run failed at its end$/)
})

test('side tables stand below their stream, and rows that are gone have a column where there are any', () => {
  const sides = [{ table: 'pay_fees', inserted: 31, updated: 2, unchanged: 4, deleted: 5, rejected: 1 }]
  const lines = formatSummary(
    report({ deleted: 3, sides, rejectReason: 'table pay_fees: key field "id" is null' }),
  )
  expect(lines).toEqual([
    '  stream            records     new  changed  known  gone  rows/s  pages  requests  retries  refused  quota wait     p50    p95  errors',
    '  ────────────────  ───────  ──────  ───────  ─────  ────  ──────  ─────  ────────  ───────  ───────  ──────────  ──────  ─────  ──────',
    '✓ pay.transactions   24,000  24,000        0      0     3   1,850    240       246        6        0      6.89 s  2.0 ms  56 ms   2.4 %',
    '    pay_fees                     31        2      4     5',
    '',
    'pay.transactions: 1 record rejected, kept in _sluice_rejects',
    '  table pay_fees: key field "id" is null',
    '',
    'three: 24,000 records read in 13.0 s, 24,000 new, 0 changed, 3 gone',
  ])
})
