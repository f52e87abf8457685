import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { noQuotaMemory, type QuotaMemory } from '../memory/quota-memory.ts'
import { adaptiveQuota } from './adaptive-quota.ts'
import type { LearnedRate } from './adaptive-rate.ts'

function memory(): QuotaMemory & { kept: Map<string, LearnedRate> } {
  const kept = new Map<string, LearnedRate>()
  return {
    ...noQuotaMemory,
    kept,
    read: async (key) => kept.get(key),
    write: async (key, learned) => void kept.set(key, learned),
  }
}

/** Asks an API that takes 20 in any window of 10 s, until `count` are accepted; the number of refusals. */
async function ask(kept: QuotaMemory, count: number): Promise<number> {
  const clock = fakeClock({ auto: true })
  const quota = adaptiveQuota({ key: 'api', clock, memory: kept })
  const log: number[] = []
  let refusals = 0
  for (let accepted = 0; accepted < count; ) {
    const permit = await quota.acquire()
    await clock.sleep(50)
    const now = clock.now()
    const refused = log.filter((at) => at > now - 10_000).length >= 20
    permit.answered?.({ status: refused ? 429 : 200, headers: {} })
    if (refused) {
      permit.refused?.({ kind: 'rate' })
      refusals++
    } else {
      log.push(now)
      accepted++
    }
    permit.release()
  }
  return refusals
}

test('the next run begins at the rate at which this one ended, and is refused less', async () => {
  const kept = memory()
  const first = await ask(kept, 200)
  expect(kept.kept.get('api')?.ratePerSecond).toBeGreaterThan(1.5)
  expect(kept.kept.get('api')?.ratePerSecond).toBeLessThan(2.2)
  expect(await ask(kept, 200)).toBeLessThan(first)
})

test('a memory that fails stops nothing', async () => {
  const broken: QuotaMemory = {
    ...noQuotaMemory,
    read: async () => Promise.reject(new Error('no disk')),
    write: async () => Promise.reject(new Error('no disk')),
  }
  expect(await ask(broken, 60)).toBeGreaterThan(0)
})

const of = (path: string) => ({ method: 'GET', url: `https://api.test/${path}`, headers: {} })

test('where a refusal speaks of its endpoint, no other waits, and each has a rate of its own', async () => {
  const clock = fakeClock()
  const kept = memory()
  const quota = adaptiveQuota({ key: 'api', clock, memory: kept, scope: 'endpoint' })
  const told = new Set<number>()
  let heldBy: string | undefined
  const onWait = (ms: number, name?: string) => {
    heldBy = `${name}: ${ms}`
  }
  for (const path of ['search', 'items/1', 'items/2']) {
    const permit = await quota.acquire({ request: of(path) })
    permit.answered?.({ status: path === 'search' ? 429 : 200, headers: {} })
    if (path === 'search') permit.refused?.({ kind: 'rate' })
    for (const { limit } of permit.uses!()) told.add(limit.id)
    permit.release()
  }
  // A path may hold a secret (S1): all of them are told of as one.
  expect(told.size).toBe(1)
  const searching = quota.acquire({ request: of('search'), onWait })
  expect(heldBy).toBe('what the API is found to allow: 1000')
  ;(await quota.acquire({ request: of('items/3') })).release()
  await clock.advance(1000)
  ;(await searching).release()
})

test('each endpoint goes on at the rate at which it ended, and more of them than are told apart share one', async () => {
  const clock = fakeClock({ auto: true })
  const read: string[] = []
  const kept = { ...noQuotaMemory, read: async (key: string) => void read.push(key) }
  const quota = adaptiveQuota({ key: 'api', clock, memory: kept, scope: 'endpoint' })
  for (let page = 0; page < 1100; page++) {
    const permit = await quota.acquire({ request: of(`pages/name-${page}`) })
    permit.release()
  }
  ;(await quota.acquire()).release()
  expect(read.slice(0, 2)).toEqual(['["api","GET /pages/name-0"]', '["api","GET /pages/name-1"]'])
  expect(read).toHaveLength(1001)
})
