import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { reply } from '../../testing/quota-reply.ts'
import { createQuota } from '../options.ts'
import type { Permit } from '../quota.ts'

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
})
