import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Square', () => {
  interface Item {
    readonly id: string
    readonly location_id: string
    readonly updated_at: string
    readonly status: string
  }

  const locations = ['L1', 'L2', 'L3']

  /** Cursors that belong to what was asked; every other page empty, without its list; search lies five seconds behind. */
  function square(payments: Item[], orders: Item[]): ApiServer {
    return ({ url, headers, method, body, now }) => {
      if (
        headers['authorization'] !== 'Bearer secret-SQUARE_TOKEN' ||
        headers['square-version'] === undefined
      )
        return { status: 401, body: { errors: [{ category: 'AUTHENTICATION_ERROR', code: 'UNAUTHORIZED' }] } }
      if (url.pathname === '/v2/locations')
        return { body: { locations: locations.map((id) => ({ id, name: id })) } }
      if (url.pathname === '/v2/payments') {
        const { cursor, ...asked } = Object.fromEntries(url.searchParams)
        expect([asked['sort_field'], asked['sort_order']]).toEqual(['UPDATED_AT', 'ASC'])
        // Without them: the main location, and a year.
        const location = asked['location_id'] ?? 'L1'
        const begin = asked['updated_at_begin_time'] ?? new Date(now - 365 * 86_400_000).toISOString()
        return paged('payments', payments, location, begin, Number(asked['limit']), cursor, asked)
      }
      expect([method, url.pathname]).toEqual(['POST', '/v2/orders/search'])
      const { cursor, ...asked } = JSON.parse(body)
      expect(asked.query.sort).toEqual({ sort_field: 'UPDATED_AT', sort_order: 'ASC' })
      const visible = orders.filter(({ updated_at }) => Date.parse(updated_at) <= now - 5000)
      const begin = asked.query.filter.date_time_filter.updated_at.start_at
      return paged('orders', visible, asked.location_ids[0], begin, asked.limit, cursor, asked)
    }
  }

  function paged(
    name: string,
    items: readonly Item[],
    location: string,
    begin: string,
    limit: number,
    cursor: string | undefined,
    asked: object,
  ) {
    const given = cursor === undefined ? undefined : JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (given && given.asked !== JSON.stringify(asked))
      return {
        status: 400,
        body: {
          errors: [{ category: 'INVALID_REQUEST_ERROR', code: 'INVALID_CURSOR', detail: 'Invalid cursor.' }],
        },
      }
    const list = items
      .filter((item) => item.location_id === location && Date.parse(item.updated_at) >= Date.parse(begin))
      .sort((a, b) => Date.parse(a.updated_at) - Date.parse(b.updated_at))
    const { from, isEmpty } = given ?? { from: 0, isEmpty: false }
    const page = isEmpty ? [] : list.slice(from, from + limit - 3)
    const end = from + page.length
    const next = JSON.stringify({ from: end, isEmpty: !isEmpty, asked: JSON.stringify(asked) })
    return {
      body: {
        ...(page.length > 0 && { [name]: page }),
        ...(end < list.length && { cursor: Buffer.from(next).toString('base64url') }),
      },
    }
  }

  const items = (kind: string, count: number): Item[] =>
    Array.from({ length: count }, (_, index) => ({
      id: `${kind}${index}`,
      location_id: locations[index % 3]!,
      updated_at: new Date(Date.UTC(2023, 0, 1) + Math.floor(index / 6) * 1000).toISOString(),
      status: 'COMPLETED',
    }))

  test('payments and orders of all locations are read through empty pages, then what changed, also what search showed late', async () => {
    const payments = items('p', 1500)
    const orders = items('o', 4000)
    const { run, rows, requests, clock, events } = apiWorld('Square', square(payments, orders))
    const at = (ms: number) => new Date(ms).toISOString()
    const shown = (list: readonly object[]) =>
      list.map((item) => (({ id, status }: Partial<Item>) => `${id} ${status}`)(item)).toSorted()
    const agrees = () => {
      expect(shown(rows('square_payments'))).toEqual(shown(payments))
      expect(shown(rows('square_orders'))).toEqual(shown(orders))
    }
    await run()
    agrees()
    await clock.advance(3_600_000)
    payments[2] = { ...payments[2]!, updated_at: at(clock.now() - 1), status: 'CANCELED' }
    payments.push({ id: 'new', location_id: 'L2', updated_at: at(clock.now() - 1), status: 'COMPLETED' })
    // Two orders of one location: search shows the later one first, and the one before it only in the third run.
    orders.push({ id: 'seen', location_id: 'L1', updated_at: at(clock.now() - 6000), status: 'OPEN' })
    const behind = { id: 'behind', location_id: 'L1', updated_at: at(clock.now() - 7000), status: 'OPEN' }
    await run()
    agrees()
    orders.push(behind)
    const asked = requests.length
    await run()
    agrees()
    // The last minute of L3's payments takes three pages, one of them empty. Each location once for each of the two streams, and the list of locations for the two and for itself.
    expect(requests.length - asked).toBe(3 + 6 + 2)
    expect(events.filter(({ type }) => type === 'request.retry')).toEqual([])
  })

  test('RATE_LIMITED is waited for, also by a search that is a POST', async () => {
    const orders = items('o', 900)
    const api = square([], orders)
    let refusals = 3
    const { run, rows } = apiWorld('Square', (request) =>
      request.method === 'POST' && refusals-- > 0
        ? {
            status: 429,
            body: { errors: [{ category: 'RATE_LIMIT_ERROR', code: 'RATE_LIMITED', detail: 'Slow down' }] },
          }
        : api(request),
    )
    await run()
    expect(rows('square_orders')).toHaveLength(900)
  })
})
