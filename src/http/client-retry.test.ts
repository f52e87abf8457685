import { expect, test } from 'vitest'
import { bench, caught, get, text } from '../../test/http/client-bench.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { HttpResponse } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { BodyTruncatedError, TransportError } from './errors.ts'

// PEERS: dlt retried statuses
// PEERS: Airbyte event 5xx
test('failures are repeated, each with its events, and the consumer sees the success alone', async () => {
  const lost = new TransportError('https://api.test/v2/items', 'ECONNRESET', 'read ECONNRESET', {
    sent: true,
  })
  const { ask, events } = bench([{ status: 503, body: 'busy' }, lost, { body: 'ok' }])
  expect(await ask()).toBe('ok')
  const url = 'https://api.test/v2/items'
  expect(events).toEqual([
    { type: 'request.end', at: 0, source: 'desk', method: 'GET', url, status: 503, elapsedMs: 0, attempt: 1 },
    {
      type: 'request.retry',
      at: 0,
      source: 'desk',
      url,
      attempt: 1,
      delayMs: 125,
      reason: `GET ${url} answered 503: busy`,
    },
    {
      type: 'request.fail',
      at: 125,
      source: 'desk',
      method: 'GET',
      url,
      code: 'TRANSPORT_FAILED',
      message: `${url}: read ECONNRESET (ECONNRESET)`,
      elapsedMs: 0,
      attempt: 2,
    },
    {
      type: 'request.retry',
      at: 125,
      source: 'desk',
      url,
      attempt: 2,
      delayMs: 250,
      reason: `${url}: read ECONNRESET (ECONNRESET)`,
    },
    {
      type: 'request.end',
      at: 375,
      source: 'desk',
      method: 'GET',
      url,
      status: 200,
      elapsedMs: 0,
      attempt: 3,
    },
  ])
})

// PEERS: dlt test_requests exceptions retried
test('a body that breaks off is asked for again: consume is a part of the attempt', async () => {
  const bodyError = new BodyTruncatedError('https://api.test/v2/items', 'other side closed')
  const { ask, transport } = bench([{ body: 'half', bodyError }, { body: 'whole' }])
  expect(await ask()).toBe('whole')
  expect(transport.requests).toHaveLength(2)
})

// PEERS: dlt retries POST
test('a POST is repeated only where it is marked safe or carries an idempotency key', async () => {
  const post = (more: Partial<RequestSpec> = {}) => get('search', { method: 'POST', ...more })
  expect((await caught(bench([{ status: 503 }, {}]).ask(post()))).message).toBe(
    'POST https://api.test/v2/search answered 503',
  )
  expect(await bench([{ status: 503 }, { body: 'ok' }]).ask(post({ safe: true }))).toBe('ok')
  expect(
    await bench([{ status: 503 }, { body: 'ok' }]).ask(post({ headers: { 'idempotency-key': '1' } })),
  ).toBe('ok')
  expect(await bench([{ status: 429 }, { body: 'ok' }]).ask(post())).toBe('ok')
})

test('a 403 that speaks of a limit is waited for like a 429', async () => {
  for (const headers of [{ 'retry-after': '7' }, { 'x-ratelimit-remaining': '0' }]) {
    const { ask, ofType } = bench([{ status: 403, headers }, { body: 'ok' }])
    expect(await ask()).toBe('ok')
    expect(ofType('request.retry')).toHaveLength(1)
  }
})

// PEERS: Airbyte event Retry-After
test('Retry-After is measured against the Date of the response', async () => {
  const headers = { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }
  const { ask, clock } = bench([{ status: 429, headers }, {}])
  await ask()
  expect(clock.now()).toBe(9125)
})

test('an outage opens the breaker, is waited for, and does not use the attempts up', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = async (): Promise<HttpResponse> => {
    if (clock.now() < 120_000)
      throw new TransportError('https://api.test/v2/items', 'ECONNREFUSED', 'connect', { sent: false })
    return scriptedTransport([{ body: 'ok' }])({ method: 'GET', url: '', headers: {} })
  }
  const { client, ofType } = bench([], { runtime: { clock, transport, random: () => 0.5 } })
  const answers = await Promise.all([1, 2, 3].map(() => client.request(get(), text)))
  expect(answers).toEqual(['ok', 'ok', 'ok'])
  expect(ofType('breaker.open').map((event) => 'forMs' in event && event.forMs)).toEqual([
    5000, 10_000, 20_000, 40_000, 60_000,
  ])
  expect(ofType('breaker.close')).toHaveLength(1)
  expect(ofType('breaker.wait').length).toBeGreaterThan(2)
})

// PEERS: estuary/connectors#2380
test('an outage that lasts fails every request, and says so', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = async () => {
    throw new TransportError('https://api.test/v2/items', 'ECONNREFUSED', 'connect', { sent: false })
  }
  const { client } = bench([], { runtime: { clock, transport, random: () => 0.5 } })
  const errors = await Promise.all([1, 2].map(() => caught(client.request(get(), text))))
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(error.message).toContain('desk is not asked since 1970-01-01T00:00:0')
  }
  expect(clock.now()).toBeLessThan(400_000)
})
