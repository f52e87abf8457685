import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiServer, apiWorld } from './harness.ts'

const day = 86_400

interface StripeEvent {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly type: string
}

describe('Stripe', () => {
  /** Events, newest first, of 30 days: 25 requests a second, without a header that tells of it. */
  function stripe(events: readonly StripeEvent[], trouble: { locks: number; broken: number }): ApiServer {
    const endpoint = countedWindow(25, 1000)
    let asked = 0
    return ({ url, headers, now }) => {
      asked++
      if (headers['authorization'] !== 'Bearer secret-STRIPE_KEY')
        return { status: 401, body: { error: { type: 'invalid_request_error', message: 'Invalid API Key' } } }
      if (headers['stripe-version'] !== '2026-07-29.dahlia')
        return {
          status: 400,
          body: { error: { type: 'invalid_request_error', message: 'not that version' } },
        }
      if (!endpoint.count(now).allowed)
        return {
          status: 429,
          headers: { 'stripe-rate-limited-reason': 'endpoint-rate' },
          body: {
            error: { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many requests' },
          },
        }
      if (asked === trouble.locks) {
        const message = 'This object cannot be accessed right now because another request is using it'
        return {
          status: 429,
          headers: { 'stripe-should-retry': 'true' },
          body: { error: { type: 'invalid_request_error', code: 'lock_timeout', message } },
        }
      }
      if (asked === trouble.broken)
        return {
          status: 500,
          headers: { 'stripe-should-retry': 'false' },
          body: { error: { type: 'api_error', message: 'An unknown error occurred' } },
        }
      const since = Math.max(Number(url.searchParams.get('created[gte]')), now / 1000 - 30 * day)
      const limit = Number(url.searchParams.get('limit') ?? 10)
      const list = events
        .filter(({ created }) => created >= since && created <= now / 1000)
        .sort((a, b) => b.created - a.created || b.id.localeCompare(a.id))
      const after = url.searchParams.get('starting_after')
      const begin = after === null ? 0 : list.findIndex(({ id }) => id === after) + 1
      if (after !== null && begin === 0)
        return {
          status: 400,
          body: {
            error: {
              code: 'resource_missing',
              message: `No such event: '${after}'`,
              param: 'starting_after',
            },
          },
        }
      const data = list.slice(begin, begin + limit)
      return {
        body: { object: 'list', url: '/v1/events', has_more: begin + limit < list.length, data },
      }
    }
  }

  const now = Date.parse('2026-03-01T12:00:00Z') / 1000
  const eventAt = (index: number, created: number): StripeEvent => ({
    id: `evt_${String(index).padStart(6, '0')}`,
    created,
    type: 'customer.updated',
  })
  /** Three in each minute, back from now. */
  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => eventAt(count - index, now - 60 * Math.floor(index / 3)))
  const ids = (rows: readonly { readonly id?: unknown }[]) => rows.map(({ id }) => id).sort()

  test('is read newest first, as far back as events are kept, a lock waited for, without one refusal', async () => {
    const events = history(4_999)
    events.push(eventAt(0, now - 29 * day))
    const ancient = eventAt(9_999, now - 31 * day)
    const trouble = { locks: 7, broken: 0 }
    const api = apiWorld('Stripe', stripe([...events, ancient], trouble))
    const { run, rows, requests } = api
    await run()
    expect(ids(rows('stripe_events'))).toEqual(ids(events))
    expect(requests).toHaveLength(51)
    const retries = api.events.filter((event) => event.type === 'request.retry')
    expect(retries).toHaveLength(1)
    expect(retries[0]!.reason).toContain('another request is using it')
  })

  test('finds what came in the second of the mark, and goes on in the middle after a failure', async () => {
    const events = history(1_000)
    const trouble = { locks: 0, broken: 4 }
    const { run, rows, requests, clock } = apiWorld('Stripe', stripe(events, trouble))
    const report = await run({ mayFail: true })
    expect(report.streams[0]!.error).toMatchObject({
      message: expect.stringContaining('An unknown error occurred'),
    })
    expect(rows('stripe_events')).toHaveLength(300)

    // While nothing ran: one in the newest second that was read, and one after it.
    events.push(eventAt(2_000, now), eventAt(2_001, now + 30))
    await clock.advance(60_000)
    await run()
    expect(rows('stripe_events')).toHaveLength(1_000)
    // Three pages, the failure, and the seven that were left.
    expect(requests).toHaveLength(11)

    await run()
    expect(requests).toHaveLength(12)
    expect(requests.at(-1)!.url.searchParams.get('created[gte]')).toBe(String(now))
    expect(ids(rows('stripe_events'))).toEqual(ids(events))
  })
})
