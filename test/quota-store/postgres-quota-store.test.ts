import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/http/system-runtime.ts'
import { QuotaQueue } from '../../src/quota/queue.ts'
import { LeasedPlaces } from '../../src/quota/store/leased-places.ts'
import { LeasedWindow } from '../../src/quota/store/leased-window.ts'
import { postgresQuotaStore } from '../../src/quota/store/postgres-quota-store.ts'
import type { PlacesAsk, QuotaStore } from '../../src/quota/store/quota-store.ts'
import { type PostgresServer, postgresServer } from '../servers/postgres.ts'

let keys = 0
const minute = () => ({ key: `minute ${keys++}`, limit: 10, perMs: 60_000, least: 1, holdMs: 1000 })

let server: PostgresServer
let store: QuotaStore
let other: QuotaStore

beforeAll(async () => {
  server = await postgresServer()
  // Two processes that begin at the same moment create the tables at the same moment.
  ;[store, other] = (await Promise.all([1, 2, 3, 4].map(() => postgresQuotaStore({ url: server.url })))) as [
    QuotaStore,
    QuotaStore,
  ]
}, 60_000)
afterAll(async () => {
  await store?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

describe('a quota store in PostgreSQL', () => {
  test('leases what a window has room for, between all who ask', async () => {
    const ask = minute()
    expect(await store.lease({ ...ask, wanted: 7 })).toMatchObject({ granted: 7 })
    expect(await other.lease({ ...ask, wanted: 7 })).toMatchObject({ granted: 3 })
    const none = await store.lease({ ...ask, wanted: 1 })
    expect(none.granted).toBe(0)
    expect(none.retryInMs).toBeGreaterThan(50_000)
    expect(none.retryInMs).toBeLessThanOrEqual(61_010)
    expect(await store.lease({ ...minute(), wanted: 1 })).toMatchObject({ granted: 1 })
  })

  test('takes back what was not used, and counts what was from the moment it is told', async () => {
    const ask = minute()
    const lease = await store.lease({ ...ask, wanted: 10 })
    await store.settle(ask.key, lease.id, 4)
    expect(await other.lease({ ...ask, wanted: 10 })).toMatchObject({ granted: 6 })
    const unused = minute()
    const whole = await store.lease({ ...unused, wanted: 10 })
    await store.settle(unused.key, whole.id, 0)
    expect(await other.lease({ ...unused, wanted: 10 })).toMatchObject({ granted: 10 })
  })

  test('gives no lease during a pause, and a shorter pause does not end a longer one', async () => {
    const ask = minute()
    await store.pause(ask.key, 30_000)
    await other.pause(ask.key, 10)
    const lease = await other.lease({ ...ask, wanted: 1 })
    expect(lease.granted).toBe(0)
    expect(lease.retryInMs).toBeGreaterThan(25_000)
  })

  test('never leases more than the window to those who ask at the same moment', async () => {
    const ask = { ...minute(), limit: 100 }
    const leases = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 ? store : other).lease({ ...ask, wanted: 3 })),
    )
    expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(100)
  })

  test('Q1: two clients on the real clock keep to one window together', async () => {
    const limit = { limit: 20, perMs: 500 }
    const sent: number[] = []
    const client = async (own: QuotaStore) => {
      const meter = new LeasedWindow({ ...limit, store: own, key: 'real', name: 'real', clock: systemClock })
      const quota = new QuotaQueue('real', [meter], systemClock)
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          const permit = await quota.acquire()
          sent.push(systemClock.now())
          permit.answered?.({ status: 200, headers: {} })
          permit.release()
        }),
      )
    }
    await Promise.all([client(store), client(other)])
    sent.sort((a, b) => a - b)
    expect(sent).toHaveLength(80)
    for (let index = limit.limit; index < sent.length; index++)
      expect(sent[index]! - sent[index - limit.limit]!).toBeGreaterThanOrEqual(limit.perMs)
  })

  test('leases fractions, nothing below the least that is asked for, and counts what was overdrawn', async () => {
    const ask = minute()
    const lease = await store.lease({ ...ask, wanted: 2.5, least: 2.5 })
    expect(lease.granted).toBe(2.5)
    expect(await other.lease({ ...ask, wanted: 9, least: 8 })).toMatchObject({ granted: 0 })
    expect(await other.lease({ ...ask, wanted: 9, least: 7.5 })).toMatchObject({ granted: 7.5 })
    const overdrawn = minute()
    const { id } = await store.lease({ ...overdrawn, wanted: 1 })
    await store.settle(overdrawn.key, id, 25)
    const none = await other.lease({ ...overdrawn, wanted: 1 })
    expect(none.granted).toBe(0)
    expect(none.retryInMs).toBeGreaterThan(50_000)
  })

  const places = (wanted: number, more: Partial<PlacesAsk> = {}) => ({
    key: `places ${keys}`,
    concurrent: 4,
    held: 0,
    wanted,
    holdMs: 60_000,
    ...more,
  })

  test('shares places: who holds more than its half is asked for them, and what is given back is free', async () => {
    keys++
    const first = await store.hold(places(4))
    expect(first.granted).toBe(4)
    const second = await other.hold(places(3))
    expect(second.granted).toBe(0)
    const asked = await store.hold(places(4, { id: first.id, held: 4 }))
    expect(asked).toEqual({ id: first.id, granted: 2 })
    // Not before they are given back.
    expect(await other.hold(places(3, { id: second.id }))).toEqual({ id: second.id, granted: 0 })
    await store.hold(places(4, { id: first.id, held: 2 }))
    expect(await other.hold(places(3, { id: second.id }))).toEqual({ id: second.id, granted: 2 })
    await store.hold(places(0, { id: first.id }))
    expect(await other.hold(places(3, { id: second.id, held: 2 }))).toEqual({ id: second.id, granted: 3 })
  })

  test('places of a holder that says nothing any more are free again after a time', async () => {
    keys++
    await store.hold(places(4, { holdMs: 300 }))
    const { id, granted } = await other.hold(places(1))
    expect(granted).toBe(0)
    await expect.poll(async () => (await other.hold(places(1, { id }))).granted, { timeout: 10_000 }).toBe(1)
  })

  test('Q1: never gives more places than there are to those who ask at the same moment', async () => {
    keys++
    const held = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : other).hold(places(1))),
    )
    expect(held.reduce((sum, { granted }) => sum + granted, 0)).toBe(4)
  })

  test('Q1: two clients on the real clock have no more in flight than their places', async () => {
    let inFlight = 0
    let most = 0
    const client = async (own: QuotaStore) => {
      const options = {
        concurrent: 3,
        store: own,
        key: 'places in flight',
        name: 'places',
        clock: systemClock,
      }
      const quota = new QuotaQueue('places', [new LeasedPlaces(options)], systemClock)
      await Promise.all(
        Array.from({ length: 30 }, async () => {
          const permit = await quota.acquire()
          most = Math.max(most, ++inFlight)
          await systemClock.sleep(20)
          inFlight--
          permit.release()
        }),
      )
    }
    await Promise.all([client(store), client(other)])
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(3)
  })

  test('a server that can not be reached is an error of the one who asks, each time', async () => {
    const unreachable = postgresQuotaStore({ url: 'postgres://x:y@127.0.0.1:1/z' })
    for (let time = 0; time < 2; time++)
      await expect(unreachable.lease({ ...minute(), wanted: 1 })).rejects.toThrow('ECONNREFUSED')
    await unreachable[Symbol.asyncDispose]()
  })

  test('a store whose server was restarted goes on', async () => {
    const ask = minute()
    await store.lease({ ...ask, wanted: 10 })
    await server.restart()
    expect(await store.lease({ ...ask, wanted: 1 })).toMatchObject({ granted: 0 })
  })
})
