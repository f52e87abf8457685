import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Shopify', () => {
  interface Order {
    id: string
    /** Milliseconds since 1970. */
    at: number
    status: string
  }

  /** GraphQL: a bucket of 1,000 points that 50 a second come back to, lists of at most 25,000 objects, refusals under 200. */
  function shopify(orders: Order[], { spent = false } = {}): ApiServer {
    let bucket: { points: number; at: number } | undefined
    return ({ method, url, headers, body, now }) => {
      if (headers['x-shopify-access-token'] !== 'secret-SHOPIFY_TOKEN')
        return { status: 401, body: { errors: '[API] Invalid API key or access token' } }
      if (method !== 'POST' || url.pathname !== '/admin/api/2026-01/graphql.json') return { status: 404 }
      const { query, variables } = JSON.parse(body)
      expect(query).toContain('pageInfo { hasNextPage endCursor }')
      bucket ??= { points: spent ? 0 : 1000, at: now }
      bucket = { points: Math.min(1000, bucket.points + ((now - bucket.at) / 1000) * 50), at: now }
      // What is reserved before the query runs; half of it is given back.
      const requested = 2 + variables.first
      const cost = (actual: number) => ({
        cost: {
          requestedQueryCost: requested,
          actualQueryCost: actual || null,
          throttleStatus: {
            maximumAvailable: 1000,
            currentlyAvailable: Math.floor(bucket!.points),
            restoreRate: 50,
          },
        },
      })
      if (bucket.points < requested) {
        return {
          body: {
            errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
            extensions: cost(0),
          },
        }
      }
      bucket.points -= requested / 2
      const filter = /^updated_at:>='(.+?)' AND updated_at:<'(.+?)'$/.exec(variables.changed)
      const [from, to] = [Date.parse(filter![1]!), Date.parse(filter![2]!)]
      const list = orders
        .filter(({ at }) => at >= from && at < to)
        .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
        .slice(0, 25_000)
      const [at, id] = variables.after ? JSON.parse(variables.after) : [0, '']
      const rest = list.filter((order) => order.at > at || (order.at === at && order.id > id))
      const page = rest.slice(0, variables.first)
      const last = page.at(-1)
      return {
        body: {
          data: {
            ordersCount: { count: Math.min(25_000, list.length) },
            orders: {
              nodes: page.map((order) => ({
                id: order.id,
                updatedAt: new Date(order.at).toISOString().replace('.000Z', 'Z'),
                displayFinancialStatus: order.status,
              })),
              pageInfo: {
                hasNextPage: rest.length > page.length,
                endCursor: last ? JSON.stringify([last.at, last.id]) : null,
              },
            },
          },
          extensions: cost(requested / 2),
        },
      }
    }
  }

  const idOf = (number: number) => `gid://shopify/Order/${String(number).padStart(6, '0')}`
  const december = Date.parse('2025-12-10T00:00:00Z')

  test('a window with more than 25,000 orders is read in parts, and a run after that asks once', async () => {
    // 30,000 orders that an import has changed within ten hours.
    const orders = Array.from({ length: 30_000 }, (_, index) => ({
      id: idOf(index),
      at: december + Math.floor(index / 5) * 6000,
      status: 'PENDING',
    }))
    const { run, rows, requests, clock } = apiWorld('Shopify', shopify(orders))
    await run()
    expect(rows('shop_orders')).toHaveLength(30_000)
    expect(new Set(rows('shop_orders').map(({ id }) => id))).toEqual(new Set(orders.map(({ id }) => id)))

    const before = requests.length
    orders[3] = { ...orders[3]!, at: clock.now() + 60_000, status: 'PAID' }
    orders.push({ id: idOf(40_000), at: clock.now() + 60_000, status: 'PENDING' })
    await clock.advance(3_600_000)
    await run()
    expect(requests.length - before).toBe(1)
    expect(rows('shop_orders')).toHaveLength(30_001)
    expect(rows('shop_orders').find(({ id }) => id === idOf(3))).toMatchObject({
      displayFinancialStatus: 'PAID',
    })
  })

  test('an order that the index shows four minutes late is found by the run after', async () => {
    const orders: Order[] = [{ id: idOf(1), at: december, status: 'PAID' }]
    const { run, rows, clock } = apiWorld('Shopify', shopify(orders))
    await run()
    const changed = clock.now() - 60_000
    await clock.advance(180_000)
    orders.push({ id: idOf(2), at: changed, status: 'PAID' })
    await run()
    expect(rows('shop_orders')).toHaveLength(2)
  })

  test('queries side by side use what the bucket gets back, and none of them is refused', async () => {
    const orders = Array.from({ length: 20_000 }, (_, index) => ({
      id: idOf(index),
      at: december + index * 1000,
      status: 'PAID',
    }))
    const { run, rows, events, requests, clock } = apiWorld('Shopify', shopify(orders))
    const begun = clock.now()
    await run()
    expect(rows('shop_orders')).toHaveLength(20_000)
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
    // Each costs 126 in the end. The bucket holds 1,000 at first, and 252 have to be there.
    const leastMs = ((requests.length * 126 - 1000) / 50) * 1000
    expect(clock.now() - begun).toBeLessThan(leastMs * 1.05)
  })

  test('THROTTLED under status 200 is waited for as long as the bucket needs, and no page is lost', async () => {
    const orders = Array.from({ length: 5000 }, (_, index) => ({
      id: idOf(index),
      at: december + index * 1000,
      status: 'PAID',
    }))
    const { run, rows, events } = apiWorld('Shopify', shopify(orders, { spent: true }))
    await run()
    expect(rows('shop_orders')).toHaveLength(5000)
    const waits = events.filter((event) => event.type === 'request.retry')
    expect(waits.length).toBeGreaterThan(0)
    // What the bucket lacks for a query of 252 points comes back within 5.04 s, and the jitter lies above. Where several windows wait for one
    // bucket, one of them may be refused once more.
    expect(waits.filter(({ attempt, delayMs }) => attempt > 3 || delayMs >= 6000)).toEqual([])
  })
})
