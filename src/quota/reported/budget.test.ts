import { describe, expect, test } from 'vitest'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { Permit } from '../quota.ts'
import { ReportedQuotas, type ReportedQuotasOptions } from './reported-quotas.ts'

type Says = Partial<Record<'left' | 'reset' | 'limit' | 'policy', string | number>>

function setUp(options: Partial<ReportedQuotasOptions> = {}) {
  const clock = fakeClock()
  const start = clock.now()
  const quota = new ReportedQuotas({ rateLimitHeaders: 'auto', ...options }, clock)
  /** Asks, and notes when it was let through. */
  const ask = () => {
    const asked: { at: number | undefined; permit: Permit | undefined } = { at: undefined, permit: undefined }
    void quota.acquire().then((permit) => {
      asked.at = clock.now() - start
      asked.permit = permit
    })
    return asked
  }
  const answer = (permit: Permit | undefined, headers: HttpHeaders, status = 200) => {
    permit!.answered!({ status, headers })
    permit!.release()
  }
  const headers = ({ left, reset, limit, policy }: Says): HttpHeaders => ({
    ...(left !== undefined && { 'ratelimit-remaining': String(left) }),
    ...(reset !== undefined && { 'ratelimit-reset': String(reset) }),
    ...(limit !== undefined && { 'ratelimit-limit': String(limit) }),
    ...(policy !== undefined && { 'ratelimit-policy': String(policy) }),
  })
  const end = (permit: Permit | undefined, says: Says, status = 200) => answer(permit, headers(says), status)
  /** A request with its reply. */
  const exchange = async (says: Says, status = 200) => {
    const asked = ask()
    await clock.advance(0)
    end(asked.permit, says, status)
    await clock.advance(0)
    return asked
  }
  const soon = async () => {
    const asked = ask()
    await clock.advance(0)
    return asked
  }
  return { clock, quota, ask, soon, end, exchange, answer, elapsed: () => clock.now() - start }
}

describe('Q4: before the reset', () => {
  // PEERS: airbyte#69115
  test('what was reported goes, less what is in flight, and the others wait', async () => {
    const { ask, clock, exchange } = setUp()
    await exchange({ left: 2, reset: 30 })
    const asked = [ask(), ask(), ask()]
    await clock.advance(29_999)
    expect(asked.map(({ at }) => at)).toEqual([0, 0, undefined])
    // It may have been rounded down: a second later nobody is early. So many clocks drift, besides.
    await clock.advance(1010)
    expect(asked[2]!.at).toBe(31_003)
  })

  // PEERS: Airbyte event API budget
  test('a report never refills: the lowest one counts until its reset', async () => {
    const { ask, clock, end, exchange } = setUp()
    const early = [ask(), ask()]
    await clock.advance(0)
    await exchange({ left: 0, reset: 30 })
    end(early[0]!.permit, { left: 50, reset: 30 })
    end(early[1]!.permit, { left: 50, reset: 10 })
    const asked = ask()
    await clock.advance(30_000)
    expect(asked.at).toBeUndefined()
    await clock.advance(1100)
    expect(asked.at).toBe(31_003)
  })

  test('a request in flight that the report had counted already is not counted twice', async () => {
    const { ask, clock, end, soon } = setUp()
    const [first, second] = [ask(), ask()]
    await clock.advance(0)
    end(first.permit, { left: 1, reset: 30 })
    const third = await soon()
    await clock.advance(10)
    expect(third.at).toBeUndefined()
    end(second.permit, { left: 1, reset: 30 })
    await clock.advance(0)
    expect(third.at).toBe(10)
  })

  test('a reply that was overtaken is ignored where it reports more, and counts where it reports less', async () => {
    const { ask, clock, end, soon } = setUp()
    const [one, two, three] = [ask(), ask(), ask()]
    await clock.advance(0)
    end(three.permit, { left: 2, reset: 30 })
    end(one.permit, { left: 3, reset: 30 })
    end(two.permit, { left: 1, reset: 30 })
    expect([(await soon()).at, (await soon()).at]).toEqual([0, undefined])
  })

  test('a request that failed without a report counts as spent', async () => {
    const { ask, clock, end, soon } = setUp()
    const [first, second] = [ask(), ask()]
    await clock.advance(0)
    end(first.permit, { left: 1, reset: 30 })
    second.permit!.release()
    const third = await soon()
    expect(third.at).toBeUndefined()
  })

  test('a reply without a report counts as spent until a report of a later request shows it', async () => {
    const { answer, ask, clock, end, soon } = setUp()
    const [early, bare] = [ask(), ask()]
    await clock.advance(0)
    // The server counted the bare one after the early one, whose reply it overtook.
    answer(bare!.permit, {})
    end(early!.permit, { left: 2, reset: 30, limit: 9 })
    const [one, two] = [await soon(), await soon()]
    expect([one.at, two.at]).toEqual([0, undefined])
    end(one.permit, { left: 0, reset: 30, limit: 9 })
    await clock.advance(10)
    expect(two.at).toBeUndefined()
  })

  test('a permission that is given back unused leaves what was reported', async () => {
    const { clock, exchange, soon } = setUp()
    await exchange({ left: 1, reset: 30 })
    const first = await soon()
    const second = await soon()
    expect(second.at).toBeUndefined()
    first.permit!.cancel!()
    await clock.advance(0)
    expect(second.at).toBe(0)
  })

  test('several replies show the moment of the reset more exactly than one', async () => {
    const { ask, clock, end, exchange } = setUp()
    await exchange({ left: 9, reset: 30, limit: 10 })
    await clock.advance(600)
    // Rounded up, from 29.4: the reset is within 29.0 and 29.4 seconds from now.
    await exchange({ left: 8, reset: 29, limit: 10 })
    for (let left = 7; left >= 1; left--) await exchange({ left, reset: 29, limit: 10 })
    // The last one is kept for that moment, and shows by its reply that it has come. Whatever follows waits for that, or a second more.
    const [last, next] = [ask(), ask()]
    await clock.advance(29_010)
    expect([last.at, next.at]).toEqual([29_603, undefined])
    end(last.permit, { left: 9, reset: 30, limit: 10 })
    await clock.advance(0)
    expect(next.at).toBe(29_610)
  })
})

describe('Q4: after the reset', () => {
  test('one request goes ahead, and its reply tells what there is', async () => {
    const { ask, clock, end, exchange } = setUp()
    await exchange({ left: 0, reset: 5 })
    const asked = [ask(), ask(), ask()]
    await clock.advance(7000)
    expect(asked.map(({ at }) => at)).toEqual([6001, undefined, undefined])
    end(asked[0]!.permit, { left: 1, reset: 5 })
    await clock.advance(0)
    expect(asked.map(({ at }) => at)).toEqual([6001, 7000, undefined])
  })

  test('a reply of a request from before it, with the old number, says nothing', async () => {
    const { ask, clock, end, exchange } = setUp()
    const late = ask()
    await clock.advance(0)
    await exchange({ left: 0, reset: 5 })
    const epoch = Math.floor(clock.now() / 1000) + 5
    await clock.advance(7000)
    end(late.permit, { left: 0, reset: epoch })
    const asked = ask()
    await clock.advance(0)
    expect(asked.at).toBe(7000)
  })

  test('where the API ceases to report, nobody is held back', async () => {
    const { ask, clock, end, exchange } = setUp()
    await exchange({ left: 0, reset: 5 })
    const asked = [ask(), ask(), ask()]
    await clock.advance(7000)
    end(asked[0]!.permit, {})
    await clock.advance(0)
    expect(asked.map(({ at }) => at)).toEqual([6001, 7000, 7000])
  })

  test('where it leaves reports out at times, one without says nothing, and ten in a row say that it has ceased', async () => {
    const { ask, answer, clock, exchange } = setUp()
    await exchange({ left: 2, reset: 5 })
    const bare = ask()
    await clock.advance(0)
    answer(bare.permit, {})
    await exchange({ left: 0, reset: 5 })
    const asked = Array.from({ length: 12 }, ask)
    await clock.advance(7000)
    for (let index = 0; index < 10; index++) {
      expect(asked.filter(({ at }) => at !== undefined)).toHaveLength(index + 1)
      answer(asked[index]!.permit, {})
      await clock.advance(0)
    }
    expect(asked.filter(({ at }) => at !== undefined)).toHaveLength(12)
  })

  test('where it fails to report, one request after the other goes ahead', async () => {
    const { ask, clock, end, exchange } = setUp()
    await exchange({ left: 0, reset: 5 })
    const asked = [ask(), ask(), ask()]
    await clock.advance(7000)
    end(asked[0]!.permit, {}, 500)
    await clock.advance(0)
    expect(asked.map(({ at }) => at)).toEqual([6001, 7000, undefined])
  })

  test('without a reset, a spent budget is tried again after a minute', async () => {
    const { ask, answer, clock } = setUp({ rateLimitHeaders: { limit: 'all', used: 'used' } })
    const first = ask()
    await clock.advance(0)
    answer(first.permit, { all: '5', used: '5' })
    const asked = [ask(), ask()]
    await clock.advance(61_000)
    expect(asked.map(({ at }) => at)).toEqual([60_007, undefined])
  })
})

test('Q4: who was refused what a reply had told to be there leaves one place to others', async () => {
  const { ask, clock, exchange } = setUp()
  await exchange({ left: 1, reset: 5, limit: 60 })
  const refused = ask()
  await clock.advance(7000)
  refused.permit!.answered!({
    status: 429,
    headers: { 'ratelimit-limit': '60', 'ratelimit-remaining': '0', 'ratelimit-reset': '5' },
  })
  refused.permit!.refused!({ kind: 'rate' })
  refused.permit!.release()
  await clock.advance(7000)
  await exchange({ left: 3, reset: 30, limit: 60 })
  const asked = [ask(), ask(), ask()]
  await clock.advance(0)
  expect(asked.map(({ at }) => at !== undefined)).toEqual([true, true, false])
})

describe('Q1, Q4: where limit and window are told', () => {
  test('our own requests are counted in a window of our own, whatever the precision of the reset', async () => {
    const { ask, clock, exchange, elapsed } = setUp()
    await exchange({ left: 1, reset: 1, limit: 2, policy: '2;w=1' })
    await clock.advance(100)
    await exchange({ left: 0, reset: 1, limit: 2, policy: '2;w=1' })
    const asked = [ask(), ask()]
    await clock.advance(1500)
    expect(asked.map(({ at }) => at)).toEqual([1001, 1101])
    expect(elapsed()).toBe(1600)
  })

  test('what others have used is left to them until the reset', async () => {
    const { ask, clock, exchange } = setUp()
    // We have sent one, and three are gone.
    await exchange({ left: 1, reset: '1.000', limit: 4, policy: '4;w=1' })
    const asked = [ask(), ask(), ask()]
    await clock.advance(900)
    expect(asked.map(({ at }) => at)).toEqual([0, undefined, undefined])
  })
})

describe('pace: spread', () => {
  test('what remains is spread evenly until the reset', async () => {
    const { ask, clock, exchange } = setUp({ pace: 'spread' })
    await exchange({ left: 5, reset: '1.000', limit: 10 })
    const asked = Array.from({ length: 5 }, ask)
    await clock.advance(999)
    expect(asked.map(({ at }) => at)).toEqual([0, 201, 402, 602, 802])
  })
})

describe('a budget that flows back evenly', () => {
  const headers = (used: number) => ({ 'x-shopify-shop-api-call-limit': `${used}/40` })
  test('lets go what is in the bucket, and then what flows back', async () => {
    const { ask, answer, clock } = setUp()
    const first = ask()
    await clock.advance(0)
    answer(first.permit, headers(38))
    const asked = Array.from({ length: 4 }, ask)
    await clock.advance(2000)
    expect(asked.map(({ at }) => at)).toEqual([0, 0, 500, 1000])
  })

  test('is lowered by a report, and not raised', async () => {
    const { ask, answer, clock } = setUp()
    const [first, second, third] = [ask(), ask(), ask()]
    await clock.advance(0)
    answer(first.permit, headers(30))
    answer(second.permit, headers(40))
    answer(third.permit, headers(10))
    const asked = [ask(), ask()]
    await clock.advance(1200)
    // One in flight was counted twice: the bucket is missing it, and not what flows into it.
    expect(asked.map(({ at }) => at)).toEqual([1000, undefined])
  })

  test('keeps a request in the bucket where others took what a reply had told to be there', async () => {
    const { ask, answer, clock } = setUp()
    const first = ask()
    await clock.advance(0)
    answer(first.permit, headers(39))
    const refused = ask()
    await clock.advance(0)
    refused.permit!.answered!({ status: 429, headers: headers(40) })
    refused.permit!.refused!({ kind: 'rate' })
    refused.permit!.release()
    const asked = [ask(), ask()]
    await clock.advance(1600)
    // Two have to flow back for the first, and from then on one for each.
    expect(asked.map(({ at }) => at)).toEqual([1000, 1500])
  })
})

test('the state of each budget tells what is left of it and when it is full again', async () => {
  const { answer, ask, clock, quota } = setUp()
  expect(quota.state()).toEqual([])
  const first = ask()
  await clock.advance(0)
  answer(first.permit, {
    'ratelimit-limit': '100',
    'ratelimit-remaining': '40',
    'ratelimit-reset': '30.000',
    'zendesk-ratelimit-incremental-exports': 'total=10; remaining=9; resets=2',
    'x-shopify-shop-api-call-limit': '20/40',
  })
  ask()
  await clock.advance(0)
  expect(quota.state()).toEqual([
    { name: '', limit: 100, remaining: 39, resetAt: clock.now() + 30_003 },
    { name: 'incremental-exports', limit: 10, remaining: 8, resetAt: clock.now() + 2001 },
    { name: 'shop', limit: 40, remaining: 19, resetAt: clock.now() + 10_500 },
  ])
})
