import { expect, test } from 'vitest'
import { definePipeline } from '../config/pipeline.ts'
import type { PlannedStream } from '../engine/plan.ts'
import { formatPlanTime } from './plan-time.ts'

const pipeline = definePipeline({
  name: 'support',
  destination: { type: 'duckdb', path: 'w.duckdb' },
  sources: {
    desk: {
      type: 'rest',
      baseUrl: 'https://desk.example.com',
      quotas: [{ requests: 700, per: '1m' }],
      streams: {
        tickets: { path: 'tickets', key: 'id', paginate: { type: 'none' } },
        search: {
          path: 'search',
          key: 'id',
          paginate: { type: 'none' },
          quotas: [{ requests: 10, per: '1h' }],
        },
      },
    },
    pay: {
      type: 'rest',
      baseUrl: 'https://pay.example.com',
      streams: { charges: { path: 'charges', key: 'id', paginate: { type: 'none' } } },
    },
  },
})

const planned = (stream: string, requests: number | null): PlannedStream => ({
  stream,
  table: stream.replace('.', '_'),
  write: 'merge',
  from: 'start',
  slices: [],
  moreSlices: 0,
  lastRun: requests === null ? null : { requests, latencyMs: 100, pagination: null },
  slicing: null,
  refused: null,
})

test('a plan says how long the streams of a source take at its quota, and which limit binds', () => {
  expect(formatPlanTime(pipeline, [planned('desk.tickets', 7001), planned('pay.charges', 12)])).toEqual([
    'desk: 7,001 requests, if as many as in the last run, take 10 m 00 s or more, because of its quota: 700 requests per 1m',
    'pay: 12 requests, if as many as in the last run',
  ])
})

test("a stream's own quota binds where it takes longer", () => {
  expect(formatPlanTime(pipeline, [planned('desk.tickets', 7001), planned('desk.search', 30)])).toEqual([
    'desk: 7,031 requests, if as many as in the last run, take 2 h 00 m or more, because of its quota: 10 requests per 1h',
  ])
})

test('of a source that was never read nothing is foretold', () => {
  expect(formatPlanTime(pipeline, [planned('desk.tickets', null)])).toEqual([])
})
