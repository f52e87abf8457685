import { describe, expect, test } from 'vitest'
import { retryAfterMs } from '../http/retry-after.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { reply } from '../testing/quota-reply.ts'
import { createQuota, type RateLimitHeaders } from './options.ts'
import type { Permit } from './quota.ts'
import { readRateReport } from './reported.ts'

const wallNow = Date.parse('2026-01-31T00:00:00Z')

describe('retry-after is read as', () => {
  test.each<[string, string, number | undefined]>([
    ['seconds', '120', 120_000],
    ['fractions of seconds', '2.128', 2128],
    ['nothing to wait for', '0', 0],
    ['an HTTP date', 'Sat, 31 Jan 2026 00:00:30 GMT', 30_000],
    ['an RFC 850 date', 'Saturday, 31-Jan-26 00:00:30 GMT', 30_000],
    ['an asctime date, which is in GMT too', 'Sat Jan 31 00:00:30 2026', 30_000],
    ['an ISO date', '2026-01-31T00:00:30Z', 30_000],
    ['a date that has passed', 'Fri, 30 Jan 2026 00:00:00 GMT', 0],
    ['an epoch in seconds, though it should be none', String(wallNow / 1000 + 30), 30_000],
    ['an epoch in milliseconds', String(wallNow + 30_000), 30_000],
    ['nothing that can be read', 'soon', undefined],
    ['no negative wait', '-5', undefined],
  ])('%s', (_name, value, ms) => {
    expect(retryAfterMs({ 'retry-after': value }, wallNow)).toBe(ms)
  })

  test("a date by the server's clock, where the response tells it", () => {
    const headers = { date: 'Sat, 31 Jan 2026 01:00:00 GMT', 'retry-after': 'Sat, 31 Jan 2026 01:00:30 GMT' }
    expect(retryAfterMs(headers, wallNow)).toBe(30_000)
  })
})

describe('a budget is read from', () => {
  const epoch = wallNow / 1000 + 41
  // PEERS: dlt lacks rate limit headers
  // PEERS: Airbyte TokenQuota
  // PEERS: Airbyte lacks Retry-After and RateLimit by default
  test.each<[string, HttpHeaders, RateLimitHeaders, ReturnType<typeof readRateReport>]>([
    [
      'ratelimit-* in seconds (Zendesk)',
      { 'ratelimit-remaining': '99', 'ratelimit-reset': '41' },
      'auto',
      { remaining: 99, resetInMs: 41_000 },
    ],
    [
      'ratelimit-* as epoch (GitLab)',
      { 'ratelimit-remaining': '99', 'ratelimit-reset': String(epoch) },
      'auto',
      { remaining: 99, resetInMs: 41_000 },
    ],
    [
      'x-ratelimit-* (GitHub)',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch) },
      'auto',
      { remaining: 0, resetInMs: 41_000 },
    ],
    [
      'x-ratelimit-reset-after (Discord)',
      { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': `${epoch}.5`, 'x-ratelimit-reset-after': '0.25' },
      'auto',
      { remaining: 1, resetInMs: 250 },
    ],
    [
      'x-rate-limit-* (X)',
      { 'x-rate-limit-remaining': '7', 'x-rate-limit-reset': String(epoch) },
      'auto',
      { remaining: 7, resetInMs: 41_000 },
    ],
    [
      'an ISO date (Jira)',
      { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '2026-01-31T00:00:41Z' },
      'auto',
      { remaining: 7, resetInMs: 41_000 },
    ],
    [
      'the standard field, the smallest budget of several',
      { ratelimit: ['"day";r=500;t=900', '"burst"; r=3; t=2;pk=:YQ==:'] },
      'auto',
      { remaining: 3, resetInMs: 2000 },
    ],
    [
      'headers that are named',
      { left: '4', again: '10' },
      { remaining: 'left', reset: 'again', resetUnit: 'seconds' },
      { remaining: 4, resetInMs: 10_000 },
    ],
    [
      'an epoch under the name of seconds',
      { left: '4', again: String(epoch) },
      { remaining: 'left', reset: 'again', resetUnit: 'seconds' },
      { remaining: 4, resetInMs: 41_000 },
    ],
    [
      'nothing, where it is switched off',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '41' },
      false,
      undefined,
    ],
    ['nothing, where the reset is missing', { 'ratelimit-remaining': '0' }, 'auto', undefined],
    [
      'nothing, where it is malformed',
      { 'ratelimit-remaining': 'none', 'ratelimit-reset': '41' },
      'auto',
      undefined,
    ],
    [
      'nothing, where a guess would wait for days',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '2600000' },
      'auto',
      undefined,
    ],
  ])('%s', (_name, headers, dialect, report) => {
    expect(readRateReport(headers, dialect, wallNow)).toEqual(report)
  })
})

function setUp() {
  const clock = fakeClock()
  const quota = createQuota({ quotas: [{ requests: 1000, per: 1000 }], rateLimitHeaders: 'auto' }, clock)
  const start = clock.now()
  /** Asks, and notes when it was let through. */
  const ask = () => {
    const asked: { at: number | undefined; permit: Permit | undefined } = { at: undefined, permit: undefined }
    void quota.acquire().then((permit) => {
      asked.at = clock.now() - start
      asked.permit = permit
    })
    return asked
  }
  const headers = (remaining: number, reset: number) => ({
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(reset),
  })
  const report = (remaining: number, reset: number) => reply(quota, 200, headers(remaining, reset))
  /** Ends a request with its own reply. */
  const end = (permit: Permit, remaining: number, reset: number) => {
    permit.answered!({ status: 200, headers: headers(remaining, reset) })
    permit.release()
  }
  return { clock, quota, ask, report, end }
}

describe('Q4', () => {
  // PEERS: dlt lacks coordination after a 429
  test('a retry-after pauses everybody who waits, and nobody goes before it has passed', async () => {
    const { clock, quota, ask } = setUp()
    reply(quota, 429, { 'retry-after': '30' })
    const asked = [ask(), ask(), ask()]
    await clock.advance(29_999)
    expect(asked.map(({ at }) => at)).toEqual([undefined, undefined, undefined])
    reply(quota, 503, { 'retry-after': '1' })
    reply(quota, 429, { 'retry-after': '2' })
    await clock.advance(2001)
    expect(asked.map(({ at }) => at)).toEqual([31_999, 31_999, 31_999])
  })

  test('a shorter retry-after does not shorten a longer one, and one with a success says nothing', async () => {
    const { clock, quota, ask } = setUp()
    reply(quota, 200, { 'retry-after': '60' })
    reply(quota, 429, { 'retry-after': '10' })
    reply(quota, 429, { 'retry-after': '1' })
    const asked = ask()
    await clock.advance(20_000)
    expect(asked.at).toBe(10_000)
  })

  test('a pause holds while a timer for an earlier time is running', async () => {
    const clock = fakeClock({ start: 0 })
    const quota = createQuota({ quotas: [{ requests: 1, per: 1000 }], rateLimitHeaders: 'auto' }, clock)
    ;(await quota.acquire()).release()
    let at: number | undefined
    void quota.acquire().then(() => {
      at = clock.now()
    })
    await clock.advance(500)
    reply(quota, 429, { 'retry-after': '5' })
    await clock.advance(10_000)
    expect(at).toBe(5500)
  })

  // PEERS: airbyte#69115
  test('when the reported budget is spent, requests in flight included, the others wait for the reset', async () => {
    const { clock, ask, end } = setUp()
    const first = ask()
    await clock.advance(0)
    end(first.permit!, 2, 30)
    const asked = [ask(), ask(), ask()]
    await clock.advance(29_999)
    expect(asked.map(({ at }) => at)).toEqual([0, 0, undefined])
    await clock.advance(1)
    expect(asked[2]!.at).toBe(30_000)
  })

  // PEERS: Airbyte event API budget
  test('a report never refills: the lowest one counts until its reset', async () => {
    const { clock, ask, report } = setUp()
    report(0, 30)
    report(50, 30)
    report(50, 10)
    const asked = ask()
    await clock.advance(29_999)
    expect(asked.at).toBeUndefined()
    await clock.advance(1)
    expect(asked.at).toBe(30_000)
  })

  test('a request in flight that the report had counted already is not counted twice', async () => {
    const { clock, ask, end } = setUp()
    const [first, second] = [ask(), ask()]
    await clock.advance(0)
    end(first.permit!, 1, 30)
    const third = ask()
    await clock.advance(10)
    expect(third.at).toBeUndefined()
    end(second.permit!, 1, 30)
    await clock.advance(0)
    expect(third.at).toBe(10)
  })

  test('a request that failed without a report counts as spent', async () => {
    const { clock, ask, report } = setUp()
    const [first, second] = [ask(), ask()]
    await clock.advance(0)
    report(1, 30)
    first.permit!.release()
    second.permit!.release()
    const third = ask()
    await clock.advance(30_000)
    expect(third.at).toBe(30_000)
  })

  test('a reply that comes after its own reset is stale, and the budget after a reset is unknown until told', async () => {
    const { clock, quota, ask, report } = setUp()
    report(0, 5)
    await clock.advance(5000)
    reply(quota, 200, {
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(Math.floor(clock.now() / 1000) - 1),
    })
    const asked = ask()
    await clock.advance(0)
    expect(asked.at).toBe(5000)
    report(100, 60)
    const next = ask()
    await clock.advance(0)
    expect(next.at).toBe(5000)
  })
})
