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
