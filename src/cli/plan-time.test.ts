import { expect, test } from 'vitest'
import { definePipeline, type Pipeline } from '../config/pipeline.ts'
import type { LastUse, PlannedStream } from '../engine/plan.ts'
import { env } from '../options/secret.ts'
import { formatPlanTime, planTimes } from './plan-time.ts'

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

const planned = (stream: string, requests: number | null, ...quotas: LastUse[]): PlannedStream => ({
  stream,
  table: stream.replace('.', '_'),
  write: 'merge',
  from: 'start',
  slices: [],
  moreSlices: 0,
  lastRun: requests === null ? null : { requests, latencyMs: 100, pagination: null, quotas },
  pausedUntil: null,
  slicing: null,
  again: null,
  refused: null,
})
const use = (quota: string, used: number, requests: number, given: Partial<LastUse> = {}): LastUse => ({
  quota,
  kind: 'declared',
  streams: ['desk.tickets'],
  used,
  requests,
  parts: 1,
  waitedSeconds: 0,
  ...given,
})

async function foretold(of: Pipeline, streams: readonly PlannedStream[], found?: number) {
  const read = async () => (found === undefined ? undefined : { ratePerSecond: found, at: 0 })
  return (await planTimes(of, streams, () => undefined, { read })).map(formatPlanTime)
}

test('a plan says how long the streams of a source take at its quota, and which limit binds', async () => {
  expect(await foretold(pipeline, [planned('desk.tickets', 7001), planned('pay.charges', 12)])).toEqual([
    'desk: 7,001 requests, if as many as in the last run, take 10 m 00 s or more, because of its quota: 700 requests per 1m',
    'pay: 12 requests, if as many as in the last run',
  ])
})

test("a stream's own quota binds where it takes longer", async () => {
  expect(await foretold(pipeline, [planned('desk.tickets', 7001), planned('desk.search', 30)])).toEqual([
    'desk: 7,031 requests, if as many as in the last run, take 2 h 00 m or more, because of its quota: 10 requests per 1h',
  ])
})

test('of a source that was never read nothing is foretold', async () => {
  expect(await foretold(pipeline, [planned('desk.tickets', null)])).toEqual([])
})

function deskWith(...quotas: unknown[]): Pipeline {
  const source = (own: readonly unknown[], name: string) => ({
    type: 'rest',
    baseUrl: 'https://desk.example.com/api/',
    auth: { type: 'bearer', token: env('DESK') },
    quotas: own,
    headers: { 'x-tenant': 'acme' },
    streams: { [name]: { path: name, key: 'id', paginate: { type: 'none' } } },
  })
  return definePipeline({
    name: 'support',
    destination: { type: 'duckdb', path: 'w.duckdb' },
    sources: { desk: source(quotas, 'tickets'), chat: source([], 'rooms') },
  } as never)
}

test('sources with one credential at one API are foretold together', async () => {
  const one = deskWith({ requests: 100, per: '1m' })
  expect(await foretold(one, [planned('desk.tickets', 100), planned('chat.rooms', 100)])).toEqual([
    'desk, chat: 200 requests, if as many as in the last run, take 1 m 00 s or more, because of its quota: 100 requests per 1m',
  ])
})

const graphql = {
  points: 50,
  per: '1s',
  window: 'leaky',
  burst: 1000,
  cost: { estimate: 100, actual: 'cost' },
}

test('points cost what the last run paid; where that is not known, it is said that the time is a guess', async () => {
  const last = use('50 points per 1s', 4000, 1000)
  expect(await foretold(deskWith(graphql), [planned('desk.tickets', 1000, last)])).toEqual([
    'desk: 1,000 requests, if as many as in the last run, take 1 m 00 s or more, because of its quota: 50 points per 1s',
  ])
  expect(await foretold(deskWith(graphql), [planned('desk.tickets', 1000)])).toEqual([
    'desk: 1,000 requests, if as many as in the last run, take about 33 m 00 s, because of its quota: 50 points per 1s',
  ])
})

test('what others took of a limit, who are not planned, is not taken for what is', async () => {
  const last = use('50 points per 1s', 4000, 1000, { streams: ['desk.tickets', 'desk.users'] })
  expect((await foretold(deskWith(graphql), [planned('desk.tickets', 1000, last)]))[0]).toContain(
    'take about',
  )
})

test('limits that may bind, and can not be computed, are named', async () => {
  const limits = [
    { requests: 5, per: '1s', each: { header: 'x-tenant' } },
    { bytes: '1MB', per: '1h' },
  ]
  const reported = use('what the API reports', 90, 90, { kind: 'reported' })
  expect(await foretold(deskWith(...limits), [planned('desk.tickets', 90, reported)])).toEqual([
    "desk: 90 requests, if as many as in the last run; may bind, too, and can't be computed: 5 requests per 1s for each x-tenant, 1000000 bytes per 1h, what the API reports",
  ])
})

test('what an earlier run found is a guess', async () => {
  expect(await foretold(deskWith(), [planned('desk.tickets', 90)], 1.5)).toEqual([
    'desk: 90 requests, if as many as in the last run, take about 1 m 00 s, because of its quota: 1.5 requests per second, as an earlier run found',
  ])
})
