import { expect, test } from 'vitest'
import type { z } from 'zod'
import { quotaEntry } from './entry.ts'
import { leastTime } from './estimate.ts'

const limits = (...entries: z.input<typeof quotaEntry>[]) => entries.map((entry) => quotaEntry.parse(entry))
const of = (requests: number, latencyMs: number | null = null) => ({ requests, latencyMs })

test('the first window is full at once, and each further one takes its length', () => {
  const minute = limits({ requests: 700, per: '1m' })
  expect(leastTime(of(700), minute)).toEqual({ leastMs: 0, unknown: [] })
  expect(leastTime(of(701), minute)).toEqual({
    leastMs: 60_000,
    bound: '700 requests per 1m',
    unknown: [],
  })
  expect(leastTime(of(7000), minute).leastMs).toBe(9 * 60_000)
})

test('a bucket gives what it holds, and then what flows in', () => {
  expect(leastTime(of(100), limits({ requests: 2, per: '1s', window: 'leaky', burst: 40 }))).toMatchObject({
    leastMs: 30_000,
  })
})

test('of several limits the one that takes longest binds', () => {
  const several = limits({ requests: 10, per: '1s' }, { requests: 1000, per: '1h' }, { concurrent: 2 })
  expect(leastTime(of(900), several).bound).toBe('10 requests per 1s')
  expect(leastTime(of(5000), several).bound).toBe('1000 requests per 1h')
  expect(leastTime(of(900, 400), several)).toEqual({
    leastMs: 180_000,
    bound: '2 requests in flight',
    unknown: [],
  })
})

test('what is reserved for others, and what a request costs, takes time', () => {
  expect(leastTime(of(100), limits({ requests: 100, per: '1m', reserve: '10%' })).leastMs).toBe(60_000)
  expect(leastTime(of(100), limits({ points: 100, per: '1m', cost: 5 })).leastMs).toBe(4 * 60_000)
})

test('a class of requests, a tenant, and what replies weigh are not foretold without a run before, and are named', () => {
  const unknown = limits(
    { requests: 1, per: '1h', for: { path: 'search/*' } },
    { requests: 1, per: '1h', each: '{parent.id}' },
    { bytes: '1KB', per: '1h' },
  )
  expect(leastTime(of(100), unknown)).toEqual({
    leastMs: 0,
    unknown: [
      '1 requests per 1h for search/*',
      '1 requests per 1h for each {parent.id}',
      '1000 bytes per 1h',
    ],
  })
})

test('costs that only replies tell, and which requests were of a class or for a tenant, are as in the last run', () => {
  const graphql = limits({
    points: 50,
    per: '1s',
    window: 'leaky',
    burst: 1000,
    cost: { estimate: 1000, actual: 'c' },
  })
  const last = { used: 2000, requests: 1000, parts: 1 }
  expect(leastTime({ ...of(1000), lastUse: () => last }, graphql)).toMatchObject({
    leastMs: 20_000,
    unknown: [],
  })
  expect(leastTime(of(100), graphql)).toMatchObject({ leastMs: 1_980_000, isGuess: true })
  const bytes = limits({ bytes: '1KB', per: '1h' })
  expect(
    leastTime({ ...of(10), lastUse: () => ({ used: 3000, requests: 10, parts: 1 }) }, bytes).leastMs,
  ).toBe(7_200_000)
  const tenants = limits({ requests: 10, per: '1m', each: '{parent.id}' })
  expect(
    leastTime({ ...of(100), lastUse: () => ({ used: 80, requests: 80, parts: 4 }) }, tenants).leastMs,
  ).toBe(60_000)
  const search = limits({ requests: 10, per: '1m', for: { path: 'search/*' } })
  expect(
    leastTime({ ...of(100), lastUse: () => ({ used: 30, requests: 30, parts: 1 }) }, search).leastMs,
  ).toBe(120_000)
})

test('of windows of the clock the first and the last may be all but over', () => {
  expect(leastTime(of(30), limits({ requests: 10, per: '1h', window: 'fixed' })).leastMs).toBe(3_600_000)
})

test('credentials that are used in turn have the limit each for itself', () => {
  expect(leastTime({ ...of(100), credentials: 5 }, limits({ requests: 10, per: '1h' })).leastMs).toBe(
    3_600_000,
  )
})
