import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { adaptiveQuota } from './adaptive-quota.ts'
import type { LearnedRate } from './adaptive-rate.ts'
import { fileQuotaMemory } from './file-quota-memory.ts'
import type { QuotaMemory } from './quota-memory.ts'

function memory(): QuotaMemory & { kept: Map<string, LearnedRate> } {
  const kept = new Map<string, LearnedRate>()
  return {
    kept,
    read: async (key) => kept.get(key),
    write: async (key, learned) => void kept.set(key, learned),
  }
}

async function temporaryFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
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
    read: async () => Promise.reject(new Error('no disk')),
    write: async () => Promise.reject(new Error('no disk')),
  }
  expect(await ask(broken, 60)).toBeGreaterThan(0)
})

test('S1: a file keeps what was found, and its name and content tell no key', async () => {
  const directory = await temporaryFolder()
  const learned = { ratePerSecond: 2.5, at: 1_000 }
  await fileQuotaMemory(join(directory, 'quotas')).write('https://api.test secret', learned)
  expect(await fileQuotaMemory(join(directory, 'quotas')).read('https://api.test secret')).toEqual(learned)
  const [name] = await readdir(join(directory, 'quotas'))
  expect(name).toMatch(/^[0-9a-f]{32}\.json$/)
  expect(await readFile(join(directory, 'quotas', name!), 'utf8')).toBe('{"ratePerSecond":2.5,"at":1000}')
})

test('a file that is damaged or missing is taken for none', async () => {
  const directory = await temporaryFolder()
  const kept = fileQuotaMemory(directory)
  expect(await kept.read('api')).toBeUndefined()
  await kept.write('api', { ratePerSecond: 1, at: 0 })
  const [name] = await readdir(directory)
  await writeFile(join(directory, name!), '{"ratePerSecond":-1}')
  expect(await kept.read('api')).toBeUndefined()
})
