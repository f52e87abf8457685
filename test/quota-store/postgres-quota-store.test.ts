import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/http/system-runtime.ts'
import { QuotaQueue } from '../../src/quota/queue.ts'
import { LeasedWindow } from '../../src/quota/store/leased-window.ts'
import { postgresQuotaStore } from '../../src/quota/store/postgres-quota-store.ts'
import type { QuotaStore } from '../../src/quota/store/quota-store.ts'
import { type PostgresServer, postgresServer } from '../servers/postgres.ts'

let keys = 0
const minute = () => ({ key: `minute ${keys++}`, requests: 10, perMs: 60_000, holdMs: 1000 })

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
    const ask = { ...minute(), requests: 100 }
    const leases = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 ? store : other).lease({ ...ask, wanted: 3 })),
    )
    expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(100)
  })

  test('Q1: two clients on the real clock keep to one window together', async () => {
    const limit = { requests: 20, perMs: 500 }
    const sent: number[] = []
    const client = async (own: QuotaStore) => {
      const meter = new LeasedWindow({ ...limit, store: own, key: 'real', name: 'real' })
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
    for (let index = limit.requests; index < sent.length; index++)
      expect(sent[index]! - sent[index - limit.requests]!).toBeGreaterThanOrEqual(limit.perMs)
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
