import { expect, test } from 'vitest'
import { z } from 'zod'
import { fakeClock } from '../testing/fake-clock.ts'
import { createQuota, quotaOptions } from './options.ts'

// PEERS: Airbyte Rate
test('a quota is named as it is written', () => {
  const parse = (input: z.input<typeof quotaOptions>) =>
    createQuota(quotaOptions.parse(input), fakeClock()).name
  expect(parse({ quotas: [{ requests: 700, per: '1m' }] })).toBe('700 requests per 1m')
  expect(parse({ quotas: [{ requests: 7, per: '1.5s', burst: 3 }, { concurrent: 5 }] })).toBe(
    '7 requests per 1500ms and 5 requests in flight',
  )
  expect(
    parse({
      quotas: [
        { requests: 30, per: '1m', for: { methods: ['get'], path: 'search/*' }, reserve: '12.5%' },
        { points: 5, per: '5s', cost: 1, each: '{parent.id}' },
        { bytes: '1MB', per: '1d', each: { header: 'X-Tenant' } },
      ],
    }),
  ).toBe(
    '30 requests per 1m for GET search/* less 12.5% and 5 points per 5s for each {parent.id} and 1000000 bytes per 1d for each x-tenant',
  )
  expect(parse({})).toBe('what the API reports')
})

test('header names are taken in any case', () => {
  const options = quotaOptions.parse({
    rateLimitHeaders: { remaining: 'X-Left', reset: 'X-Again', resetUnit: 'epoch' },
  })
  expect(options.rateLimitHeaders).toEqual({ remaining: 'x-left', reset: 'x-again', resetUnit: 'epoch' })
})

test.each<[unknown, string]>([
  [{ requests: 0, per: '1m' }, 'Too small'],
  [{ requests: 700, per: '0s' }, 'a window has to be longer than nothing'],
  [{ requests: 700, per: '1 minute' }, '"1 minute" is no duration'],
  [{ requests: 10, per: '1s', burst: 11 }, 'burst is larger than requests'],
  [{ concurrent: 0 }, 'Too small'],
  [{ requests: 10 }, '`requests` needs the length of the window, as in per: "1m"'],
  [{ rate: 5 }, 'Unrecognized key: "rate"'],
  [
    {},
    'write a quota as { requests: 700, per: "1m" }, { points: 1000, per: "1m", cost: 5 }, { bytes: "100MB", per: "1h" } or { concurrent: 5 }',
  ],
  [
    { requests: 5, concurrent: 2, per: '1s' },
    '`requests` and `concurrent` are limits of their own, which hold beside each other: write an entry for each',
  ],
  [
    { concurrent: 5, burst: 2 },
    '`burst` says nothing of requests in flight: leave it out here, or write an entry of its own for the window',
  ],
  [{ concurrent: 5, window: 'fixed' }, '`window` says nothing of requests in flight'],
  [
    { requests: 2, per: '1s', burst: 40 },
    'A bucket that holds more than drains in `per` is { requests: 2, per: …, window: leaky, burst: 40 }',
  ],
  [{ requests: 9, per: '1s', burst: 2.5 }, 'burst: 2.5 is no whole number of requests'],
  [
    { requests: 9, per: '500ms', window: 'fixed' },
    'windows that are shorter than a second are not told apart by two clocks: leave `window` out',
  ],
  [{ requests: 9, per: '1d', timeZone: 'Europe/Berlin' }, 'which matters with `window: fixed` alone'],
  [
    { requests: 9, per: '1h', window: 'fixed', timeZone: 'Europe/Berlin' },
    'write `per` in days, as in "1d", or leave it out',
  ],
  [{ requests: 9, per: '1d', window: 'fixed', timeZone: 'Berlin' }, '"Berlin" is no time zone'],
  [
    { points: 100, per: '1m' },
    '`points` need to know what a request costs: cost: 5, or cost: { estimate: 50, actual: extensions.cost.actualQueryCost }',
  ],
  [{ points: 100, per: '1m', cost: { estimate: 5 } }, 'expected string'],
  [{ points: 100, per: '1m', cost: { estimate: 5, actual: 'a..b' } }, '"a..b" is no path'],
  [{ requests: 100, per: '1m', cost: 5 }, 'where it costs more, write the limit as `points`'],
  [{ bytes: '1MB', per: '1m', cost: 5 }, '`bytes` are told by the replies: leave `cost` out'],
  [{ bytes: 'much', per: '1m' }, '"much" is no size'],
  [
    { points: 100, per: '1m', cost: 200 },
    'a request that costs 200 never fits into 100 points: lower the cost',
  ],
  [
    { points: 100, per: '1m', cost: 60, reserve: '50%' },
    'a request that costs 60 never fits into 50 points, which are left beside the reserve: lower the cost',
  ],
  [
    { points: 10, per: '1s', window: 'leaky', burst: 100, cost: { estimate: 200, actual: 'a' } },
    'a request that costs 200 never fits into 100 points: lower the cost, or raise `burst`',
  ],
  [{ concurrent: 1, reserve: '10%' }, 'a reserve of 10% leaves less than one request of 1'],
  [{ concurrent: 5, reserve: '100%' }, 'a reserve of all leaves nothing: write less than 100%'],
  [{ concurrent: 5, reserve: '0.1' }, '"0.1" is no share'],
  [{ requests: 5, per: '1s', for: {} }, 'an empty class is every request'],
  [{ requests: 5, per: '1s', for: { header: {} } }, 'name a header, or leave `header` out'],
  [{ requests: 5, per: '1s', for: { path: 'search?q=*' } }, 'a path of a class has no query'],
  [{ requests: 5, per: '1s', each: 'tenant' }, '"tenant" is the same for every request: write a placeholder'],
  [{ requests: 5, per: '1s', each: { path: 'channels' } }, 'write `*` where its resource is named'],
])('a mistake in %j is explained', (entry, message) => {
  const result = quotaOptions.safeParse({ quotas: [entry] })
  expect(result.success).toBe(false)
  expect(JSON.stringify(result.error!.issues).replaceAll('\\"', '"').replaceAll('\\', '')).toContain(message)
})

test('every option has a description and a JSON Schema', () => {
  const schema = z.toJSONSchema(quotaOptions, { io: 'input' })
  const describe = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('properties' in node)
      for (const [name, property] of Object.entries(node.properties as object))
        expect(property, name).toHaveProperty('description')
    for (const child of Object.values(node)) describe(child)
  }
  describe(schema)
  expect(Object.keys(schema.properties!)).toEqual(['quotas', 'pace', 'rateLimitHeaders', 'refusalScope'])
})
