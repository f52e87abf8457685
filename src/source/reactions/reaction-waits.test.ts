import { expect, test } from 'vitest'
import { bench, noHeaders, page, type Responses } from '../../../test/source/reaction-bench.ts'

// PEERS: Airbyte WaitTimeFromHeader with regex
// PEERS: Airbyte WaitUntilTimeFromHeader
// PEERS: Airbyte ConstantBackoffStrategy
// PEERS: Airbyte HttpResponseFilter RATE_LIMITED
// PEERS: Airbyte CustomBackoffStrategy
test.for<[Responses[number]['retryAfter'], Record<string, string>, object, number]>([
  ['30s', {}, {}, 30_000],
  [{ header: 'X-Wait', unit: 'ms' }, { 'x-wait': '1500' }, {}, 1500],
  [{ header: 'x-wait', unit: 's' }, { 'x-wait': '2.5' }, {}, 2500],
  [{ header: 'x-wait', match: '/wait (\\d+)s/' }, { 'x-wait': 'please wait 7s' }, {}, 7000],
  [{ header: 'x-reset', unit: 'epoch' }, { 'x-reset': '1767225610' }, {}, 10_000],
  [{ body: 'error.until', unit: 'iso' }, {}, { error: { until: '2026-01-01T00:00:20Z' } }, 20_000],
  [{ header: 'x-until', unit: 'http-date' }, { 'x-until': 'Thu, 01 Jan 2026 00:00:40 GMT' }, {}, 40_000],
  [undefined, { 'retry-after': '3' }, {}, 3000],
  [{ header: 'x-none' }, { 'retry-after': '3' }, {}, 3000],
])('wait-for-quota: %j is waited for, and no attempt is counted', async ([retryAfter, headers, body, ms]) => {
  const limited = { status: 420, headers: { ...noHeaders, ...headers }, body }
  const { run, waited, transport } = bench(
    [limited, page(1)],
    [{ status: 420, action: 'wait-for-quota', ...(retryAfter !== undefined && { retryAfter }) }],
  )
  await run()
  expect(transport.requests).toHaveLength(2)
  expect(waited()).toBeGreaterThanOrEqual(ms)
  expect(waited()).toBeLessThan(ms + 1000)
})

test('header: a text or a regular expression tells one 429 from another', async () => {
  const { run } = bench(
    [{ status: 429, headers: { ...noHeaders, 'x-limit': 'Daily-limit' }, body: {} }],
    [{ status: 429, header: { 'X-Limit': '/^daily/i' }, action: 'fail', message: 'come back tomorrow' }],
  )
  await expect(run()).rejects.toThrow('answered 429: come back tomorrow')
})
