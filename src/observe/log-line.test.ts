import { expect, test } from 'vitest'
import { logLine } from './log-line.ts'

const of = { at: 0, source: 'desk', stream: 'desk.tickets' }
const stream = { at: 0, stream: 'desk.tickets' }

test('a new table of many columns takes one short line', () => {
  const changes = Array.from({ length: 20 }, (_, index) => `added column c${index} (text)`)
  expect(logLine({ type: 'schema.change', ...stream, changes })).toBe(
    'desk.tickets changed its table: added columns c0 (text), c1 (text), c2 (text) and 17 more',
  )
})

test('what was widened is said before what was added', () => {
  const changes = ['widened column id from integer to text', 'added column note (text)']
  expect(logLine({ type: 'schema.change', ...stream, changes })).toBe(
    'desk.tickets changed its table: widened column id from integer to text; added column note (text)',
  )
})

test('a commit says what it did, and leaves out what it did not', () => {
  const commit = { type: 'load.commit', ...stream, loadId: 'l', records: 12, elapsedMs: 4.2 } as const
  const nothing = { inserted: 0, updated: 0, unchanged: 0, deleted: 0, rejected: 0 }
  expect(logLine({ ...commit, ...nothing, inserted: 11, rejected: 1 })).toBe(
    'desk.tickets committed 12 records in 4.2 ms: 11 new, 1 rejected',
  )
  expect(logLine({ ...commit, ...nothing, records: 1, updated: 1 })).toBe(
    'desk.tickets committed 1 record in 4.2 ms: 1 changed',
  )
  expect(logLine({ ...commit, ...nothing, records: 0 })).toBe(
    'desk.tickets committed 0 records in 4.2 ms: nothing new',
  )
  expect(logLine({ ...commit, ...nothing, records: 2, deleted: 2 })).toBe(
    'desk.tickets committed 2 records in 4.2 ms: 2 gone',
  )
})

test('a commit says what it did to the side tables that it changed', () => {
  const nothing = { inserted: 0, updated: 0, unchanged: 0, deleted: 0, rejected: 0 }
  const sides = {
    desk_users: { ...nothing, inserted: 2, unchanged: 1 },
    desk_tags: { ...nothing, unchanged: 3 },
  }
  expect(
    logLine({
      type: 'load.commit',
      ...stream,
      loadId: 'l',
      records: 1,
      elapsedMs: 4.2,
      ...nothing,
      updated: 1,
      sides,
    }),
  ).toBe('desk.tickets committed 1 record in 4.2 ms: 1 changed; desk_users 2 new, 1 known')
})

test('a long wait for quota is said when it begins; a short one is not, nor the end of one', () => {
  const hold = { type: 'quota.hold', ...of, quota: '700 requests per 1m' } as const
  expect(logLine({ ...hold, expectedMs: 42_000 })).toBe(
    'desk.tickets waits 42.0 s or more for quota: 700 requests per 1m',
  )
  expect(logLine({ ...hold, expectedMs: 40 })).toBeUndefined()
  expect(logLine({ ...hold, expectedMs: null })).toBeUndefined()
  expect(logLine({ type: 'quota.wait', ...of, quota: 'q', delayMs: 42_000 })).toBeUndefined()
})

test('an event is one line of a bounded length, whatever the API said', () => {
  const reason = `answered 503: <html>\n${'<p>busy</p>\n'.repeat(100)}`
  const line = logLine({ type: 'request.retry', ...of, url: 'u', attempt: 1, delayMs: 180, reason })!
  expect(line).toMatch(/^desk\.tickets tries again in 180 ms: answered 503: <html> <p>busy/)
  expect(line).not.toContain('\n')
  expect(line.length).toBeLessThan(260)
})

test('a list that may have ended too early names the path, what the body has, and what to write', () => {
  const doubt = {
    type: 'list.doubt',
    ...stream,
    option: 'token',
    path: 'next_cursr',
    records: 200,
    found: ['meta.next_cursor', 'meta.has_more'],
  } as const
  expect(logLine(doubt)).toBe(
    'desk.tickets warning: the list may go on: its first page, of 200 records, has nothing at `next_cursr`, where `paginate.token` looks for the next page, so it was taken for the last. The body has `meta.next_cursor`, `meta.has_more`: if there are more records, write `token: meta.next_cursor` or the right one of them',
  )
  expect(logLine({ ...doubt, option: 'url', path: 'links.nxt', records: 1, found: [] })).toBe(
    'desk.tickets warning: the list may go on: its first page, of 1 record, has nothing at `links.nxt`, where `paginate.url` looks for the next page, so it was taken for the last. If there are more records, name the right place in `url`',
  )
})

test('what stopped a stream is told in full', () => {
  const message = `x${'y'.repeat(1000)}`
  expect(
    logLine({ type: 'stream.end', ...stream, outcome: 'failed', error: { code: 'HTTP_STATUS', message } }),
  ).toBe(`desk.tickets failed (HTTP_STATUS): ${message}`)
  const named = { code: 'KEY_INVALID', message: 'desk.tickets: key field "id" is null' }
  expect(logLine({ type: 'stream.end', ...stream, outcome: 'failed', error: named })).toBe(
    'desk.tickets failed (KEY_INVALID): key field "id" is null',
  )
})

test('pages, slices and requests make no line', () => {
  expect(logLine({ type: 'page.read', ...stream, slice: 'all', records: 1, bytes: 1 })).toBeUndefined()
  expect(logLine({ type: 'slice.end', ...stream, slice: 'all' })).toBeUndefined()
})

test('what went wrong at the end of a run is a line', () => {
  const told = { type: 'run.problem', at: 0, code: 'DESTINATION_FAILED', message: 'full' } as const
  expect(logLine({ ...told, problem: 'quotas-not-kept' })).toMatch(
    /^what one run knows of a quota is lost to the next \(/,
  )
  expect(logLine({ ...told, problem: 'not-closed' })).toBe(
    'something could not be closed as it should be; what was loaded stays loaded (DESTINATION_FAILED): full',
  )
})

test('a file that is waited for is a line, which says whom it is waited for', () => {
  const reason = 'w.duckdb is open for reading by /usr/bin/duckdb (PID 7)'
  expect(
    logLine({ type: 'destination.wait', at: 0, destination: 'duckdb w.duckdb', reason, atMostMs: 60_000 }),
  ).toMatch(/^duckdb w\.duckdb is waited for, .* at most: w\.duckdb is open for reading by .* \(PID 7\)$/)
})

test('a slice that was left before its end is a warning', () => {
  expect(logLine({ type: 'position.expired', ...stream, slice: 'all', action: 'resync' })).toMatch(
    /warning: the API no longer knows where slice all was read up to; it is read from its beginning$/,
  )
  expect(logLine({ type: 'slice.stop', ...stream, slice: '7', reason: 'GET u answered 451' })).toBe(
    'desk.tickets warning: slice 7 ends here for this run: GET u answered 451',
  )
})

test('a job is told when it is created and when it is done, and not each time that it is looked at', () => {
  const of = { ...stream, slice: 'all', job: 'e1' }
  expect(logLine({ type: 'job.create', ...of })).toBe('desk.tickets created job e1')
  expect(
    logLine({ type: 'job.poll', ...of, status: 'pending', elapsedMs: 5000, nextMs: 7500 }),
  ).toBeUndefined()
  expect(logLine({ type: 'job.done', ...of, status: 'ready', elapsedMs: 40_000 })).toMatch(
    /^desk\.tickets job e1 is ready after 40/,
  )
})
