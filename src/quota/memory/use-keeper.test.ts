import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type FakeClock, fakeClock } from '../../testing/fake-clock.ts'
import { quotaEntry } from '../declared/entry.ts'
import type { Permit, Quota, QuotaAsk } from '../quota.ts'
import { createQuotaRegistry, type QuotaRegistry } from '../registry.ts'
import { memoryQuotaStore } from '../store/memory-quota-store.ts'
import { fileQuotaMemory } from './file-quota-memory.ts'
import { type KeptUse, noQuotaMemory, type QuotaMemory } from './quota-memory.ts'

const seconds = 1000
const hours = 3600 * seconds
const reply = { status: 200, headers: {} }

async function temporaryFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-'))
  onTestFinished(() => rm(directory, { recursive: true, maxRetries: 10 }))
  return directory
}

interface Process {
  readonly registry: QuotaRegistry
  readonly quota: Quota
}

/** A process that declares `quotas`. Who forgets it, kills it. */
function start(clock: FakeClock, memory: QuotaMemory, quotas: unknown[], key = 'api'): Process {
  const registry = createQuotaRegistry()
  const declared = {
    quotas: quotas.map((entry) => quotaEntry.parse(entry)),
    rateLimitHeaders: false as const,
  }
  return { registry, quota: registry.share(key, declared, clock, memory) }
}

/** Sends as many as go without waiting for the time, `most` at most, and has them answered. */
async function spend({ quota }: Process, most: number, ask: QuotaAsk = {}): Promise<number> {
  for (let sent = 0; sent < most; sent++) {
    const permit = await atOnce(quota, ask)
    if (permit === undefined) return sent
    permit.answered?.(reply)
    permit.release()
  }
  return most
}

/** `undefined` where that takes time of the clock, and not just of a disk. */
async function atOnce(quota: Quota, ask: QuotaAsk): Promise<Permit | undefined> {
  const end = new AbortController()
  const onWait = (expectedMs: number) => {
    if (Number.isFinite(expectedMs) && expectedMs > 0) end.abort(new Error('not now'))
  }
  try {
    return await quota.acquire({ ...ask, signal: end.signal, onWait })
  } catch (error) {
    if (end.signal.aborted) return undefined
    throw error
  }
}

test("Q1: a day's quota is not begun anew by a process that starts within the day", async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const clock = fakeClock()
  const quotas = [{ requests: 100, per: '1d' }]
  const first = start(clock, memory, quotas)
  expect(await spend(first, 40)).toBe(40)
  await first.registry.save()
  await clock.advance(1 * hours)
  const next = start(clock, memory, quotas)
  expect(await spend(next, 1000)).toBe(60)
  await next.registry.save()
  await clock.advance(1 * hours)
  expect(await spend(start(clock, memory, quotas), 1000)).toBe(0)
  await clock.advance(22 * hours + 10 * seconds)
  expect(await spend(start(clock, memory, quotas), 1000)).toBe(40)
})

test('Q1: a process that is killed has written more than it spent, and not a tenth of the quota more', async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const clock = fakeClock()
  const quotas = [{ requests: 1000, per: '1d', window: 'fixed' }]
  expect(await spend(start(clock, memory, quotas), 500)).toBe(500)
  await clock.advance(1 * hours)
  const left = await spend(start(clock, memory, quotas), 1000)
  expect(left).toBeLessThanOrEqual(500)
  expect(left).toBeGreaterThanOrEqual(400)
  // Killed as well: what is left of the day is nothing.
  expect(await spend(start(clock, memory, quotas), 1000)).toBe(0)
  await clock.advance(23 * hours + 2 * seconds)
  expect(await spend(start(clock, memory, quotas), 2000)).toBe(1000)
})

test('Q1: a leaky bucket is as full for the next process as this one left it, and drains between them', async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const clock = fakeClock()
  const quotas = [{ requests: 1, per: '1s', window: 'leaky', burst: 40 }]
  const first = start(clock, memory, quotas)
  expect(await spend(first, 100)).toBe(40)
  await first.registry.save()
  await clock.advance(10 * seconds)
  expect(await spend(start(clock, memory, quotas), 100)).toBe(9)
  // Killed: up to a tenth of the bucket may have been spent besides, and within the next seconds.
  await clock.advance(20 * seconds)
  const left = await spend(start(clock, memory, quotas), 100)
  expect(left).toBeGreaterThanOrEqual(16)
  expect(left).toBeLessThanOrEqual(20)
})

test('points are kept as they were charged, and bytes as they weighed', async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const clock = fakeClock()
  const quotas = [
    { points: 1000, per: '1h', cost: { estimate: 50, actual: 'cost' } },
    { bytes: '10KB', per: '1h' },
  ]
  const first = start(clock, memory, quotas)
  for (const [points, bytes] of [
    [400, 1000],
    [200, 5000],
  ]) {
    const permit = await first.quota.acquire()
    permit.answered?.(reply)
    permit.charge?.({ points, bytes })
    permit.release()
  }
  await first.registry.save()
  const next = start(clock, memory, quotas)
  // 400 points are left, and 4000 bytes.
  for (const [points, bytes, goesOn] of [
    [50, 1000, true],
    [100, 1000, true],
    [150, 1000, true],
    [100, 1000, false],
  ] as const) {
    const permit = await atOnce(next.quota, {})
    expect(permit !== undefined).toBe(goesOn)
    permit?.answered?.(reply)
    permit?.charge?.({ points, bytes })
    permit?.release()
  }
})

test('limits that need a writing each do not keep each other from going on', async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const quotas = ['1h', '2h', '3h'].map((per) => ({ points: 1000, per, cost: 500 }))
  expect(await spend(start(fakeClock(), memory, quotas), 5)).toBe(2)
})

test('each tenant goes on with what it spent, by a name that tells nothing (S1)', async () => {
  const directory = await temporaryFolder()
  const memory = fileQuotaMemory(directory)
  const clock = fakeClock()
  const quotas = [{ requests: 10, per: '1h', each: { header: 'x-tenant' } }]
  const of = (tenant: string): QuotaAsk => ({
    request: { method: 'GET', url: 'https://api.test/', headers: { 'x-tenant': tenant } },
  })
  const first = start(clock, memory, quotas)
  expect(await spend(first, 7, of('acme'))).toBe(7)
  expect(await spend(first, 2, of('globex'))).toBe(2)
  await first.registry.save()
  const text = await readFile(join(directory, (await readdir(directory))[0]!), 'utf8')
  expect(text).not.toContain('acme')
  expect(text).not.toContain('x-tenant')
  // Who does not ask for a tenant does not forget it.
  const next = start(clock, memory, quotas)
  expect(await spend(next, 20, of('initech'))).toBe(10)
  await next.registry.save()
  const third = start(clock, memory, quotas)
  expect(await spend(third, 20, of('acme'))).toBe(3)
  expect(await spend(third, 20, of('globex'))).toBe(8)
  expect(await spend(third, 20, of('initech'))).toBe(0)
})

test('a changed amount is no new beginning, and a limit that a process does not declare is kept', async () => {
  const memory = fileQuotaMemory(await temporaryFolder())
  const clock = fakeClock()
  const first = start(clock, memory, [
    { requests: 100, per: '1d' },
    { requests: 50, per: '1h' },
  ])
  expect(await spend(first, 30)).toBe(30)
  await first.registry.save()
  const next = start(clock, memory, [{ requests: 80, per: '1d', window: 'fixed', reserve: '50%' }])
  expect(await spend(next, 100)).toBe(10)
  await next.registry.save()
  expect(await spend(start(clock, memory, [{ requests: 50, per: '1h' }]), 100)).toBe(20)
})

test('windows of seconds write nothing, and who asks nothing reads nothing', async () => {
  const directory = await temporaryFolder()
  const clock = fakeClock()
  const short = start(clock, fileQuotaMemory(directory), [
    { requests: 10, per: '1s' },
    { concurrent: 5 },
    { requests: 2, per: '1s', window: 'leaky', burst: 10 },
  ])
  expect(await spend(short, 5)).toBe(5)
  await short.registry.save()
  let asked = 0
  const counting: QuotaMemory = { ...noQuotaMemory, readUse: async () => void asked++ }
  const idle = start(clock, counting, [{ requests: 10, per: '1d' }])
  await idle.registry.save()
  expect(await readdir(directory)).toEqual([])
  expect(asked).toBe(0)
})

test('a quota that is spent at once is written some twenty times, and one that is spent slowly every few seconds', async () => {
  let writes = 0
  const counting: QuotaMemory = {
    ...noQuotaMemory,
    async writeUse() {
      writes++
    },
  }
  const clock = fakeClock()
  expect(await spend(start(clock, counting, [{ requests: 100_000, per: '1d' }]), 100_000)).toBe(100_000)
  expect(writes).toBeLessThan(40)
  writes = 0
  const slow = start(clock, counting, [{ requests: 100_000, per: '1d' }])
  for (let tenths = 0; tenths < 600; tenths++) {
    expect(await spend(slow, 1)).toBe(1)
    await clock.advance(100)
  }
  expect(writes).toBeGreaterThan(10)
  expect(writes).toBeLessThan(30)
})

test('a memory that fails, and a file that is damaged, stop nothing', async () => {
  const clock = fakeClock()
  const broken: QuotaMemory = {
    ...noQuotaMemory,
    readUse: async () => Promise.reject(new Error('no disk')),
    writeUse: async () => Promise.reject(new Error('no disk')),
  }
  expect(await spend(start(clock, broken, [{ requests: 100, per: '1d' }]), 200)).toBe(100)
  const directory = await temporaryFolder()
  const told: string[] = []
  const memory = fileQuotaMemory(directory, ({ message }) => told.push(message))
  await spend(start(clock, memory, [{ requests: 100, per: '1d' }]), 10)
  await writeFile(join(directory, (await readdir(directory))[0]!), '{"limits":')
  const next = start(clock, memory, [{ requests: 100, per: '1d' }])
  expect(await spend(next, 200)).toBe(100)
  await next.registry.save()
  expect(told).toEqual([expect.stringContaining('its content is damaged')])
  expect(await spend(start(clock, memory, [{ requests: 100, per: '1d' }]), 200)).toBe(0)
})

test('with a store, what processes share is not kept twice', async () => {
  const clock = fakeClock()
  const registry = createQuotaRegistry({ store: memoryQuotaStore(clock) })
  let asked = 0
  const counting: QuotaMemory = { ...noQuotaMemory, readUse: async () => void asked++ }
  const declared = {
    quotas: [quotaEntry.parse({ requests: 5, per: '1d' })],
    rateLimitHeaders: false as const,
  }
  const quota = registry.share('api', declared, clock, counting)
  expect(await spend({ registry, quota }, 5)).toBe(5)
  await registry.save()
  expect(asked).toBe(0)
})

/** A server's count of what is to be kept: whether one more goes, and how. */
interface Server {
  admits(now: number): boolean
}
const servers: Record<string, () => Server> = {
  sliding: () => {
    const log: number[] = []
    return {
      admits(now) {
        while (log[0] !== undefined && log[0] <= now - 60_000) log.shift()
        return log.length < 50 && log.push(now) > 0
      },
    }
  },
  fixed: () => {
    const counts = new Map<number, number>()
    return {
      admits(now) {
        const window = Math.floor(now / 60_000)
        const count = counts.get(window) ?? 0
        counts.set(window, count + 1)
        return count < 50
      },
    }
  },
  leaky: () => {
    let level = 0
    let at = 0
    return {
      admits(now) {
        level = Math.max(0, level - ((now - at) / 60_000) * 50)
        at = now
        level++
        return level <= 50 + 1e-6
      },
    }
  },
}

test.for(Object.keys(servers))(
  'Q1: however often a process is killed, a %s window sees no more than its requests',
  async (window) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            livesMs: fc.integer({ min: 1, max: 40_000 }),
            deadMs: fc.integer({ min: 0, max: 30_000 }),
            readers: fc.integer({ min: 1, max: 8 }),
            pauseMs: fc.integer({ min: 0, max: 3000 }),
            writeMs: fc.integer({ min: 0, max: 300 }),
            orderly: fc.boolean(),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        async (lives) => {
          const clock = fakeClock({ auto: true })
          onTestFinished(() => clock.stop())
          const server = servers[window]!()
          let disk: KeptUse | undefined
          let refused = 0
          for (const { livesMs, deadMs, readers, pauseMs, writeMs, orderly } of lives) {
            const killed = new AbortController()
            const memory: QuotaMemory = {
              ...noQuotaMemory,
              async readUse() {
                await clock.sleep(writeMs)
                return structuredClone(disk)
              },
              // A disk has a file whole, some time after it was told to, or not at all.
              async writeUse(_key, use) {
                const kept = structuredClone(use)
                await clock.sleep(writeMs)
                if (!killed.signal.aborted) disk = kept
              },
            }
            const process = start(clock, memory, [{ requests: 50, per: '1m', window }])
            const read = async () => {
              while (!killed.signal.aborted) {
                const permit = await process.quota.acquire({ signal: killed.signal })
                await clock.sleep(20)
                if (!server.admits(clock.now())) refused++
                await clock.sleep(20)
                permit.answered?.(reply)
                permit.release()
                await clock.sleep(pauseMs)
              }
            }
            const reading = Promise.all(Array.from({ length: readers }, () => read().catch(() => {})))
            await clock.sleep(livesMs)
            if (orderly) {
              // Nothing more is sent, and what was is answered.
              const ending = new AbortController()
              await Promise.race([process.registry.save(), clock.sleep(1000, ending.signal).catch(() => {})])
              ending.abort()
            }
            killed.abort(new Error('killed'))
            await reading
            await clock.sleep(deadMs)
          }
          return refused === 0
        },
      ),
      { numRuns: 40 },
    )
  },
)
