import { expect, test } from 'vitest'
import type { SluiceEvent } from '../ports/events.ts'
import type { HttpResponse } from '../ports/runtime.ts'
import { concurrency } from '../quota/meters/concurrency.ts'
import { tokenBucket } from '../quota/meters/token-bucket.ts'
import { createQuota } from '../quota/options.ts'
import type { Quota } from '../quota/quota.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'
import { type ClientOptions, createClient } from './client.ts'
import { QuotaPausedError, TransportError } from './errors.ts'

/** A client whose API takes `latencyMs` for each answer, and answers as `reply` says. */
function bench(
  options: Partial<ClientOptions> & {
    latencyMs?: number
    reply?: (at: number, path: string) => ScriptedReply
  } = {},
) {
  const clock = fakeClock({ start: 0, auto: true })
  const sent: string[] = []
  const events: SluiceEvent[] = []
  const { latencyMs = 0, reply = () => ({}), ...rest } = options
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test',
    onEvent: (event) => events.push(event),
    ...rest,
    runtime: {
      clock,
      random: () => 0,
      async transport(request, signal) {
        const { pathname } = new URL(request.url)
        const at = clock.now()
        sent.push(`${pathname} ${at}`)
        await clock.sleep(latencyMs)
        return scriptedTransport([reply(at, pathname)])(request, signal)
      },
    },
  })
  const ask = (path: string, quotas: readonly Quota[] = [], signal?: AbortSignal) =>
    client.request(
      { method: 'GET', url: path, query: {}, headers: {} },
      async (response: HttpResponse) => response.status,
      {
        quotas,
        ...(signal && { signal }),
      },
    )
  const types = (...wanted: SluiceEvent['type'][]) => events.filter(({ type }) => wanted.includes(type))
  return { clock, sent, ask, events, types }
}

test('who waits for its endpoint holds no place of the client, so that other endpoints go on', async () => {
  const { clock, sent, ask } = bench({ maxConcurrent: 2, latencyMs: 100 })
  const endpoint = [tokenBucket({ requests: 1, perMs: 10_000, burst: 1 }, clock)]
  await Promise.all([...[1, 2, 3, 4].map(() => ask('slow', endpoint)), ...[1, 2, 3].map(() => ask('fast'))])
  expect(sent).toEqual([
    '/slow 0',
    '/fast 0',
    '/fast 100',
    '/fast 100',
    '/slow 10000',
    '/slow 20000',
    '/slow 30000',
  ])
})

test('Q1: who waits for a place spends no quota meanwhile: the requests of a bucket that refilled do not go at once', async () => {
  const { clock, sent, ask } = bench({ maxConcurrent: 1, latencyMs: 10_000, reply: () => ({}) })
  const endpoint = [tokenBucket({ requests: 1, perMs: 20_000, burst: 1 }, clock)]
  await Promise.all([ask('long'), ask('a', endpoint), ask('b', endpoint)])
  expect(sent).toEqual(['/long 0', '/a 10000', '/b 30000'])
})

test('a wait for a place alone is no wait for quota; a wait for quota names the one that is waited for', async () => {
  const { clock, ask, types } = bench({ maxConcurrent: 1, latencyMs: 500 })
  await Promise.all([ask('a'), ask('b')])
  expect(types('quota.hold', 'quota.wait')).toEqual([])
  const endpoint = [tokenBucket({ requests: 1, perMs: 2000, burst: 1, name: 'endpoint' }, clock)]
  await Promise.all([ask('c', endpoint), ask('d', endpoint)])
  const told = { source: 'desk', quota: 'endpoint', limit: expect.any(Number), kind: 'declared' }
  expect(types('quota.hold', 'quota.wait')).toEqual([
    { type: 'quota.hold', at: 1000, ...told, expectedMs: 2000 },
    { type: 'quota.wait', at: 3000, ...told, delayMs: 2000 },
  ])
})

test('a clock that moves on while a request is let through is no wait', async () => {
  const clock = fakeClock({ start: 0 })
  const events: SluiceEvent[] = []
  let reads = 0
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test',
    onEvent: (event) => events.push(event),
    quotas: [concurrency(1, clock)],
    runtime: {
      clock: { ...clock, now: () => reads++ },
      random: () => 0,
      transport: scriptedTransport([{}]),
    },
  })
  await client.request({ method: 'GET', url: 'a', query: {}, headers: {} }, async () => undefined)
  expect(events.map(({ type }) => type)).toContain('request.end')
  expect(events.map(({ type }) => type)).not.toContain('quota.wait')
})

test('a quota of another make that waits without a word is told of, too', async () => {
  const silent = (clock: { sleep(ms: number): Promise<void> }): Quota => ({
    name: 'silent',
    async acquire() {
      await clock.sleep(700)
      return { release() {} }
    },
  })
  const { clock, ask, types } = bench()
  await ask('a', [silent(clock)])
  expect(types('quota.hold', 'quota.wait')).toMatchObject([
    { type: 'quota.wait', quota: 'silent', delayMs: 700 },
  ])
})

test('a wait for quota that takes longer than the caller waits is an error that says when to come back, and sends nothing', async () => {
  const { clock, sent, ask, types } = bench({ patienceMs: 60_000 })
  const daily = [tokenBucket({ requests: 1, perMs: 86_400_000, burst: 1, name: '1 requests per 1d' }, clock)]
  await ask('a', daily)
  const error = await ask('b', daily).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(QuotaPausedError)
  expect(error).toMatchObject({ code: 'QUOTA_PAUSED', resumeAt: 86_400_000, quota: '1 requests per 1d' })
  expect((error as Error).message).toBe(
    'desk has no room within its quota (1 requests per 1d) before 1970-01-02T00:00:00.000Z, and a run waits 1m at most: run again then, or raise patience',
  )
  expect(sent).toEqual(['/a 0'])
  expect(types('quota.hold')).toEqual([])
  expect(types('quota.pause')).toMatchObject([{ quota: '1 requests per 1d', until: 86_400_000 }])
})

test('patience is for the whole wait: who would have to wait behind others for too long is paused at once, and says when it would have been its turn', async () => {
  const { clock, sent, ask, types } = bench({ patienceMs: 330_000 })
  const quota = [createQuota({ quotas: [{ requests: 1, per: 60_000 }], rateLimitHeaders: false }, clock)]
  const asked = Array.from({ length: 120 }, () => ask('a', quota))
  const results = await Promise.allSettled(asked)
  const isSent = results.map(({ status }) => status === 'fulfilled')
  expect(isSent).toEqual(Array.from({ length: 120 }, (_, index) => index <= 5))
  expect(sent).toHaveLength(6)
  expect(clock.now()).toBeLessThan(301_000)
  const pauses = types('quota.pause')
  expect(pauses).toHaveLength(114)
  // While the first is under way nobody knows when the second may go, so that one too many stands in line.
  expect(pauses.filter(({ at }) => at === 0)).toHaveLength(113)
  const last = pauses.map((event) => ('until' in event ? event.until : 0))
  expect(Math.min(...last)).toBeGreaterThanOrEqual(360_000)
  expect(Math.max(...last)).toBeLessThan(361_000)
})

test('patience is for the whole wait: who others go before, again and again, is paused once it has waited for so long', async () => {
  const { clock, sent, ask, types } = bench({ patienceMs: 10_000 })
  const shared = [tokenBucket({ requests: 1, perMs: 1000, burst: 1, name: 'account' }, clock)]
  const interactive = createClient({
    name: 'desk',
    baseUrl: 'https://api.test',
    priority: 'interactive',
    runtime: { clock, random: () => 0, transport: scriptedTransport(Array(40).fill({})) },
  })
  const look = { method: 'GET', url: 'look', query: {}, headers: {} }
  const looks = Array.from({ length: 40 }, () =>
    interactive.request(look, async () => undefined, { quotas: shared }),
  )
  const paused = ask('a', shared)
  await expect(paused).rejects.toBeInstanceOf(QuotaPausedError)
  expect(clock.now()).toBeGreaterThanOrEqual(10_000)
  expect(clock.now()).toBeLessThanOrEqual(12_000)
  expect(sent).toEqual([])
  expect(types('quota.pause')).toHaveLength(1)
  expect(types('quota.wait')).toMatchObject([{ quota: 'account', delayMs: clock.now() }])
  await Promise.all(looks)
})

test('a wait for a place is none that patience counts, and one that lasts is told of with its reason', async () => {
  const { clock, sent, ask, types } = bench({ patienceMs: 5000, maxConcurrent: 1, latencyMs: 20_000 })
  const endpoint = [tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)]
  await Promise.all([ask('a', endpoint), ask('b', endpoint), ask('c', endpoint)])
  expect(sent).toEqual(['/a 0', '/b 20000', '/c 40000'])
  const quota = 'requests under way at once (maxConcurrent 1)'
  const told = types('quota.hold', 'quota.wait').filter((event) => 'quota' in event && event.quota === quota)
  expect(told).toMatchObject([
    { type: 'quota.hold', at: 2000, expectedMs: null },
    { type: 'quota.wait', at: 20_000, delayMs: 19_000 },
    { type: 'quota.hold', at: 22_000, expectedMs: null },
    { type: 'quota.wait', at: 40_000, delayMs: 19_000 },
  ])
})

test('however many wait for a place, one timer tells of it', async () => {
  const { clock, ask, types } = bench({ maxConcurrent: 1, latencyMs: 2000 })
  const all = [1, 2, 3, 4].map(() => ask('a'))
  await Promise.resolve()
  // The request under way, and those that wait.
  expect(clock.sleepers).toBeLessThanOrEqual(2)
  await Promise.all(all)
  expect(types('quota.hold').map(({ at }) => at)).toEqual([1000, 1000, 1000])
  expect(types('quota.wait').map(({ at }) => at)).toEqual([2000, 4000, 6000])
  expect(clock.sleepers).toBe(0)
})

test('after each attempt it is told what it took of each limit, and whether it was refused', async () => {
  const limit = { quotas: [{ requests: 2, per: 1000 }], rateLimitHeaders: false as const }
  let refusals = 1
  const { clock, ask, types } = bench({
    retry: { firstDelay: 1 },
    reply: () => (refusals-- > 0 ? { status: 429, headers: { 'retry-after': '5' } } : {}),
  })
  await ask('a', [createQuota(limit, clock)])
  const use = { source: 'desk', quota: '2 requests per 1s', kind: 'declared', used: 1 }
  const size = { amount: 2, perMs: 1000 }
  expect(types('quota.use')).toMatchObject([
    { ...use, refused: true, sentAt: 0, size },
    { ...use, refused: false, sentAt: 5000, size },
  ])
})

test('an interactive client passes what waits in the background for the same quota', async () => {
  const background = bench()
  const shared = [tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, background.clock)]
  const sent: string[] = []
  const note = async (name: string, asked: Promise<unknown>) => {
    await asked
    sent.push(name)
  }
  const interactive = createClient({
    name: 'desk',
    baseUrl: 'https://api.test',
    priority: 'interactive',
    runtime: { clock: background.clock, random: () => 0, transport: scriptedTransport([{}]) },
  })
  const look = { method: 'GET', url: 'look', query: {}, headers: {} }
  const first = ['1', '2', '3', '4'].map((name) => note(name, background.ask(name, shared)))
  const looked = note(
    'look',
    interactive.request(look, async () => undefined, { quotas: shared }),
  )
  await Promise.all([...first, looked])
  expect(sent).toEqual(['1', 'look', '2', '3', '4'])
})

test('who waits already is told of it, too, where a reply puts the end of the wait off', async () => {
  const { clock, sent, ask } = bench({
    patienceMs: 60_000,
    latencyMs: 1000,
    quotas: [],
    reply: () => ({ status: 200, headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '7200' } }),
  })
  const account = createQuota({ quotas: [{ concurrent: 1 }], rateLimitHeaders: 'auto' }, clock)
  const results = await Promise.allSettled(['a', 'b', 'c'].map((path) => ask(path, [account])))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(sent).toEqual(['/a 0'])
})

test('who was waiting for quota when the breaker opened is not sent, and gives its quota back', async () => {
  const up = 60_000
  const { clock, sent, ask, types } = bench({
    breaker: { failureThreshold: 1, openFor: up, maxOpenFor: up, maxWait: 10 * up },
    retry: { firstDelay: 1 },
    reply: (at) =>
      at < up ? new TransportError('https://api.test/', 'ECONNREFUSED', 'connect', { sent: false }) : {},
  })
  const endpoint = [tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)]
  await Promise.all([1, 2, 3].map(() => ask('a', endpoint)))
  expect(sent).toEqual(['/a 0', '/a 60000', '/a 61000', '/a 62000'])
  expect(types('breaker.open')).toHaveLength(1)
})

test('what is granted and not sent is given back: a window has it for the next request', async () => {
  const up = 60_000
  const { clock, sent, ask } = bench({
    breaker: { failureThreshold: 1, openFor: up, maxOpenFor: up, maxWait: 10 * up },
    retry: { firstDelay: 1 },
    latencyMs: 1000,
    reply: (at) =>
      at < up ? new TransportError('https://api.test/', 'ECONNREFUSED', 'connect', { sent: false }) : {},
  })
  // One for the attempt that fails and one for each that gets through: there is none for the one that is let through to an open breaker.
  const daily = createQuota({ quotas: [{ requests: 3, per: 86_400_000 }], rateLimitHeaders: false }, clock)
  const endpoint = [daily, concurrency(1, clock)]
  await Promise.all([1, 2].map(() => ask('a', endpoint)))
  expect(sent).toEqual(['/a 0', '/a 61000', '/a 62000'])
})

test('a wait that is aborted leaves neither a place nor quota behind', async () => {
  const { clock, sent, ask } = bench({ maxConcurrent: 1, latencyMs: 1000, quotas: [] })
  const endpoint = [concurrency(1, clock)]
  const abort = new AbortController()
  const first = ask('a', endpoint)
  const second = ask('b', endpoint, abort.signal)
  await clock.sleep(10)
  abort.abort(new Error('called off'))
  await expect(second).rejects.toThrow('called off')
  await Promise.all([first, ask('c', endpoint)])
  expect(sent).toEqual(['/a 0', '/c 1000'])
})

test.each([429, 503])(
  'Q4: without any quota declared, a Retry-After with a %i is a floor for the repeat',
  async (status) => {
    const { sent, ask } = bench({
      reply: (at) => (at < 7000 ? { status, headers: { 'retry-after': '7' } } : {}),
    })
    await ask('a')
    expect(sent).toEqual(['/a 0', '/a 7000'])
  },
)
