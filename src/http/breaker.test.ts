import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import {
  type BreakerChange,
  type BreakerPolicy,
  breakerOptions,
  circuitBreaker,
  defaultBreakerPolicy,
} from './breaker.ts'
import { CircuitOpenError, HttpStatusError, TransportError } from './errors.ts'
import { passingStatuses } from './trouble.ts'

const status = (status: number) =>
  new HttpStatusError({
    method: 'GET',
    url: 'https://api.test/',
    status,
    detail: '',
    excerpt: '',
    retryAfterMs: undefined,
    kind: status === 429 ? 'throttled' : passingStatuses.has(status) ? 'passing' : 'refused',
  })
const reset = () => new TransportError('https://api.test/', 'ECONNRESET', 'read failed', { sent: true })

function bench(policy: Partial<BreakerPolicy> = {}) {
  const clock = fakeClock({ start: 0 })
  const changes: BreakerChange[] = []
  const breaker = circuitBreaker(
    {
      failureThreshold: 2,
      openFor: 1000,
      maxOpenFor: 3000,
      name: 'desk',
      ...policy,
      onChange: (change) => changes.push(change),
    },
    clock,
  )
  const fail = (error: unknown = reset()) =>
    breaker.run(() => Promise.reject(error)).catch((error: unknown) => error)
  const succeed = () => breaker.run(async () => 'ok')
  const openIt = async () => {
    for (let failures = 0; failures < 2; failures++) await fail()
    expect(breaker.state).toBe('open')
  }
  return { clock, changes, breaker, fail, succeed, openIt }
}
/** A task that ends when told to. */
function held<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

// PEERS: dlt lacks a circuit breaker
// PEERS: Airbyte lacks circuit breaker
test('failures in a row open it, and it says why', async () => {
  const { openIt, changes } = bench()
  await openIt()
  expect(changes).toEqual([
    {
      type: 'breaker.open',
      forMs: 1000,
      reason: '2 requests in a row failed, the last with: https://api.test/: read failed (ECONNRESET)',
    },
  ])
})

test('a success in between, or any answer below 500, starts the count afresh', async () => {
  const { breaker, fail, succeed } = bench()
  for (const between of [
    succeed,
    () => fail(status(404)),
    () => fail(status(429)),
    () => fail(status(401)),
  ]) {
    await fail()
    await between()
  }
  expect(breaker.state).toBe('closed')
})

test('a 5xx is a failure, but for 501 and 505; an error of this side is neither', async () => {
  const { breaker, fail } = bench()
  await fail(status(501))
  await fail(status(505))
  await fail(status(500))
  await fail(new Error('a fault of the consumer'))
  expect(breaker.state).toBe('closed')
  await fail(status(503))
  expect(breaker.state).toBe('open')
})

test('one probe goes through once the time is up; the others wait for its result', async () => {
  const { clock, breaker, openIt, changes } = bench()
  await openIt()
  const probe = held<string>()
  const order: string[] = []
  const first = breaker.run(() => {
    order.push('probe')
    return probe.promise
  })
  const others = ['second', 'third'].map((name) => breaker.run(async () => void order.push(name)))
  await clock.advance(999)
  expect(order).toEqual([])
  await clock.advance(1)
  expect(order).toEqual(['probe'])
  expect(breaker.state).toBe('half-open')
  await clock.advance(500)
  expect(order).toEqual(['probe'])
  probe.resolve('ok')
  await Promise.all([first, ...others])
  expect(order).toEqual(['probe', 'second', 'third'])
  expect(breaker.state).toBe('closed')
  expect(changes.slice(1)).toEqual([
    { type: 'breaker.wait', delayMs: 1000 },
    { type: 'breaker.close' },
    { type: 'breaker.wait', delayMs: 1500 },
    { type: 'breaker.wait', delayMs: 1500 },
  ])
  expect(clock.sleepers).toBe(0)
})

test('each failed probe doubles the time until the next, up to a bound', async () => {
  const { clock, breaker, fail, openIt, changes } = bench()
  await openIt()
  for (const wait of [1000, 2000, 3000, 3000]) {
    const probing = fail()
    await clock.advance(wait)
    const error = await probing
    expect(breaker.failedProbe(error)).toBe(true)
  }
  expect(changes.filter((change) => change.type === 'breaker.open').map((change) => change.forMs)).toEqual([
    1000, 2000, 3000, 3000, 3000,
  ])
  expect(changes.at(-1)).toMatchObject({
    reason: 'a probe failed: https://api.test/: read failed (ECONNRESET)',
  })
})

test('a 404 to a probe closes it: the API is up', async () => {
  const { clock, breaker, fail, openIt } = bench()
  await openIt()
  await clock.advance(1000)
  const error = await fail(status(404))
  expect(breaker.state).toBe('closed')
  expect(breaker.failedProbe(error)).toBe(false)
})

test('an aborted probe hands its turn to the next caller', async () => {
  const { clock, breaker, openIt } = bench()
  await openIt()
  await clock.advance(1000)
  const abort = new AbortController()
  const probe = held<string>()
  const first = breaker.run(() => probe.promise, abort.signal)
  const second = breaker.run(async () => 'second')
  await clock.advance(10)
  abort.abort(new Error('called off'))
  probe.reject(abort.signal.reason)
  await expect(first).rejects.toThrow('called off')
  expect(await second).toBe('second')
  expect(breaker.state).toBe('closed')
})

test('a probe that fails on this side hands its turn on, too', async () => {
  const { clock, breaker, fail, succeed, openIt } = bench()
  await openIt()
  await clock.advance(1000)
  await fail(new Error('a fault of the consumer'))
  expect(breaker.state).toBe('open')
  expect(await succeed()).toBe('ok')
})

test('after maxWait it says since when it is open, why, and how long the caller waited', async () => {
  const { clock, breaker, openIt } = bench({ openFor: 60_000, maxOpenFor: 60_000, maxWait: 5000 })
  await openIt()
  await clock.advance(1000)
  const waiting = breaker.run(async () => 'never').catch((error: unknown) => error)
  await clock.advance(4000)
  const error = await waiting
  expect(error).toBeInstanceOf(CircuitOpenError)
  expect(error).toMatchObject({ code: 'CIRCUIT_OPEN', recovery: 'stop-stream', since: 0, waitedMs: 4000 })
  expect((error as Error).message).toBe(
    'desk is not asked since 1970-01-01T00:00:00.000Z: 2 requests in a row failed, the last with: https://api.test/: read failed (ECONNRESET); waited 4000 ms for it to recover: run again later, or raise breaker.maxWait',
  )
})

test('an aborted wait leaves nothing behind', async () => {
  const { clock, breaker, openIt } = bench()
  await openIt()
  const abort = new AbortController()
  const waiting = breaker.run(async () => 'never', abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(clock.sleepers).toBe(0)
})

test('what began before it opened does not decide on it', async () => {
  const { clock, breaker, openIt } = bench()
  const early = held<string>()
  const straggler = breaker.run(() => early.promise)
  await openIt()
  await clock.advance(1000)
  const probe = held<string>()
  const probing = breaker.run(() => probe.promise)
  early.resolve('late success')
  await straggler
  expect(breaker.state).toBe('half-open')
  probe.resolve('ok')
  await probing
  expect(breaker.state).toBe('closed')
})

test('the options name their defaults', () => {
  expect(breakerOptions.parse({ openFor: '2s' })).toEqual({ ...defaultBreakerPolicy, openFor: 2000 })
  expect(defaultBreakerPolicy).toEqual({
    failureThreshold: 5,
    openFor: 5000,
    maxOpenFor: 60_000,
    maxWait: 300_000,
  })
})

test('a clock that is set back keeps nobody waiting longer', async () => {
  let shift = 0
  const inner = fakeClock({ start: 10_000_000 })
  const clock = { now: () => inner.now() + shift, sleep: inner.sleep }
  const breaker = circuitBreaker({ failureThreshold: 1, openFor: 1000, maxWait: 1500 }, clock)
  const fail = () => breaker.run(() => Promise.reject(reset())).catch((error: unknown) => error)
  await fail()
  shift = -3_600_000
  let done = false
  void breaker.run(async () => {
    done = true
  })
  await inner.advance(1000)
  expect(done).toBe(true)
  expect(breaker.state).toBe('closed')

  await fail()
  shift -= 3_600_000
  const probe = held<void>()
  void breaker.run(() => probe.promise)
  const waiting = breaker.run(async () => {}).catch((error: unknown) => error)
  await inner.advance(1500)
  expect(await waiting).toBeInstanceOf(CircuitOpenError)
})

test('a task that waited is run again where the breaker has opened meanwhile, and does not count', async () => {
  const { clock, breaker, openIt, changes } = bench()
  const wait = held<void>()
  let runs = 0
  let sent = 0
  const waited = breaker.run(async (recheck) => {
    if (++runs === 1) await wait.promise
    recheck()
    return ++sent
  })
  await openIt()
  wait.resolve()
  await clock.advance(999)
  expect([runs, sent]).toEqual([1, 0])
  await clock.advance(1)
  expect(await waited).toBe(1)
  expect(runs).toBe(2)
  expect(breaker.state).toBe('closed')
  expect(changes.map(({ type }) => type)).toEqual(['breaker.open', 'breaker.wait', 'breaker.close'])
})
