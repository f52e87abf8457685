import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { combineQuotas } from './combine.ts'
import { QuotaImpossibleError } from './errors.ts'
import { concurrency } from './meters/concurrency.ts'
import { requestWindow } from './meters/request-window.ts'
import { tokenBucket } from './meters/token-bucket.ts'
import type { Permit } from './quota.ts'

test('ten thousand waiters are served in order, evenly, with one timer between them', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const quota = tokenBucket({ requests: 1000, perMs: 1000, burst: 1 }, clock)
  const served: number[] = []
  let most = 0
  const waiting = Array.from({ length: 10_000 }, async (_, index) => {
    const permit = await quota.acquire()
    served.push(index)
    most = Math.max(most, clock.sleepers)
    permit.release()
  })
  expect(clock.sleepers).toBeLessThanOrEqual(1)
  await Promise.all(waiting)
  expect(served).toEqual(served.map((_, index) => index))
  expect(most).toBeLessThanOrEqual(1)
  expect(clock.now()).toBe(9_999)
  expect(clock.sleepers).toBe(0)
})

test('ten thousand waiters that give up at once leave nothing behind', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = concurrency(1, clock)
  const held = await quota.acquire()
  const abort = new AbortController()
  const waiting = Array.from({ length: 10_000 }, () => quota.acquire({ signal: abort.signal }))
  const settled = Promise.allSettled(waiting)
  abort.abort(new Error('enough'))
  expect(
    (await settled).every((result) => result.status === 'rejected' && result.reason.message === 'enough'),
  ).toBe(true)
  const next = quota.acquire()
  held.release()
  expect(await next).toBeDefined()
  await expect(quota.acquire({ signal: abort.signal })).rejects.toThrow('enough')
})

test('a waiter of a large cost is not overtaken by small ones, and its leaving lets them go', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = tokenBucket({ requests: 10, perMs: 1000, burst: 10 }, clock)
  ;(await quota.acquire({ cost: 9 })).release()
  const abort = new AbortController()
  const large = quota.acquire({ cost: 10, signal: abort.signal })
  let small: Permit | undefined
  void quota.acquire().then((permit) => {
    small = permit
  })
  await clock.advance(500)
  expect(small).toBeUndefined()
  abort.abort(new Error('gave up'))
  await expect(large).rejects.toThrow('gave up')
  expect(small).toBeDefined()
  expect(clock.sleepers).toBe(0)
})

test('a permit that is cancelled gives its tokens back; one that is released has spent them', async () => {
  const clock = fakeClock({ start: 0 })
  for (const quota of [
    tokenBucket({ requests: 1, perMs: 1000 }, clock),
    requestWindow({ requests: 1, perMs: 1000 }, clock),
    combineQuotas([
      requestWindow({ requests: 1, perMs: 1000 }, clock),
      tokenBucket({ requests: 1, perMs: 1000 }, clock),
    ]),
  ]) {
    const first = await quota.acquire()
    first.cancel!()
    first.cancel!()
    first.release()
    const second = await quota.acquire()
    second.answered!()
    second.release()
    second.release()
    second.cancel!()
    let third: Permit | undefined
    void quota.acquire().then((permit) => {
      third = permit
    })
    await clock.advance(999)
    expect(third).toBeUndefined()
    await clock.advance(2)
    expect(third).toBeDefined()
    third!.cancel!()
  }
})

test('a permit that is released twice frees one place', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = concurrency(2, clock)
  const first = await quota.acquire()
  await quota.acquire()
  first.release()
  first.release()
  await quota.acquire()
  const abort = new AbortController()
  const third = quota.acquire({ signal: abort.signal })
  abort.abort(new Error('no place'))
  await expect(third).rejects.toThrow('no place')
})

test('a window counts a request from its answer, not from its sending', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = requestWindow({ requests: 1, perMs: 1000 }, clock)
  const first = await quota.acquire()
  let second: Permit | undefined
  void quota.acquire().then((permit) => {
    second = permit
  })
  await clock.advance(5000)
  expect(second).toBeUndefined()
  first.answered!()
  await clock.advance(1000)
  expect(second).toBeUndefined()
  await clock.advance(1)
  expect(second).toBeDefined()
})

test('a clock that is set back neither stops the flow nor lets more through', async () => {
  let shift = 0
  const inner = fakeClock({ start: 10_000_000 })
  const clock = { now: () => inner.now() + shift, sleep: inner.sleep }
  const quota = tokenBucket({ requests: 1, perMs: 1000 }, clock)
  await quota.acquire()
  shift = -3_600_000
  let second: Permit | undefined
  void quota.acquire().then((permit) => {
    second = permit
  })
  await inner.advance(999)
  expect(second).toBeUndefined()
  await inner.advance(1)
  expect(second).toBeDefined()
})

test('a cost that no wait makes possible is refused at once', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = requestWindow({ requests: 5, perMs: 1000, name: '5 requests per 1s' }, clock)
  const error = await quota.acquire({ cost: 6 }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(QuotaImpossibleError)
  expect(error).toMatchObject({
    code: 'QUOTA_IMPOSSIBLE',
    recovery: 'fix-config',
    quota: '5 requests per 1s',
    cost: 6,
  })
  expect((error as Error).message).toBe(
    "a request that costs 6 can never be sent within the quota of 5 requests per 1s, which holds 5 at most: lower the request's cost, or raise the quota's requests or burst",
  )
  for (const cost of [0, -1, Number.NaN])
    await expect(quota.acquire({ cost })).rejects.toThrow(
      `a request can't cost ${cost} of the quota of 5 requests per 1s`,
    )
})

test('limits that make no sense are refused', () => {
  const clock = fakeClock()
  expect(() => tokenBucket({ requests: 0, perMs: 1000 }, clock)).toThrow('0 requests, 1000 ms, burst 0')
  expect(() => requestWindow({ requests: 5, perMs: 0 }, clock)).toThrow('5 requests, 0 ms')
  expect(() => concurrency(0, clock)).toThrow('at least 1 request has to be in flight, not 0')
})

test('a request that waits for its endpoint takes nothing of the account meanwhile', async () => {
  const clock = fakeClock({ start: 0 })
  const account = concurrency(1, clock)
  const endpoint = requestWindow({ requests: 1, perMs: 1000 }, clock)
  const slow = combineQuotas([account, endpoint])
  ;(await slow.acquire()).release()
  const abort = new AbortController()
  const waiting = slow.acquire({ signal: abort.signal })
  ;(await account.acquire()).release()
  abort.abort(new Error('gave up'))
  await expect(waiting).rejects.toThrow('gave up')
  await clock.advance(1001)
  ;(await slow.acquire()).release()
})

test('combined quotas that share limits in any order never wait for each other', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const [a, b, c] = [concurrency(1, clock), concurrency(1, clock), concurrency(1, clock)]
  const combinations = [
    combineQuotas([a, b, c]),
    combineQuotas([c, b, a]),
    combineQuotas([b, c]),
    combineQuotas([a, c]),
  ]
  let done = 0
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const permit = await combinations[index % combinations.length]!.acquire()
      await clock.sleep(1)
      permit.release()
      done++
    }),
  )
  expect(done).toBe(200)
})

test('who has to wait is told before the wait, and how long it takes at least; who need not is not', async () => {
  const clock = fakeClock({ start: 0 })
  const quota = tokenBucket({ requests: 2, perMs: 1000, burst: 1 }, clock)
  const told: string[] = []
  const ask = (name: string) => quota.acquire({ onWait: (ms) => told.push(`${name} ${ms}`) })
  await ask('first')
  const second = ask('second')
  const third = ask('third')
  expect(told).toEqual(['second 500', 'third 500'])
  await clock.advance(500)
  await second
  await clock.advance(500)
  await third
  expect(told).toHaveLength(2)
})

test('a wait that another request ends has no known length', async () => {
  const quota = concurrency(1, fakeClock({ start: 0 }))
  const held = await quota.acquire()
  const told: number[] = []
  const next = quota.acquire({ onWait: (ms) => told.push(ms) })
  expect(told).toEqual([Number.POSITIVE_INFINITY])
  held.release()
  await next
})

test('of several quotas each says that it is waited for', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const account = tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)
  const endpoint = tokenBucket({ requests: 1, perMs: 400, burst: 1 }, clock)
  const both = combineQuotas([account, endpoint])
  ;(await both.acquire()).release()
  const told: number[] = []
  await both.acquire({ onWait: (ms) => told.push(ms) })
  expect(told).toEqual([400, 600])
})
