import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fileQuotaMemory } from './file-quota-memory.ts'
import type { KeptUse } from './quota-memory.ts'

async function temporaryFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

const use: KeptUse = { limits: { words: { heldMs: 60_000, parts: { '': [[1000, 2000, 7]] }, others: [] } } }

test('S1: a file keeps what was found, and its name and content tell no key', async () => {
  const directory = await temporaryFolder()
  const learned = { ratePerSecond: 2.5, at: 1_000 }
  await fileQuotaMemory(join(directory, 'quotas')).write('https://api.test secret', learned)
  expect(await fileQuotaMemory(join(directory, 'quotas')).read('https://api.test secret')).toEqual(learned)
  const [name] = await readdir(join(directory, 'quotas'))
  expect(name).toMatch(/^[0-9a-f]{32}\.json$/)
  expect(await readFile(join(directory, 'quotas', name!), 'utf8')).toBe('{"ratePerSecond":2.5,"at":1000}')
})

test('a file that is damaged is told of, once, and taken for none; one that is missing is no problem', async () => {
  const directory = await temporaryFolder()
  const told: string[] = []
  const kept = fileQuotaMemory(directory, ({ code, message }) => told.push(`${code}: ${message}`))
  expect(await kept.read('api')).toBeUndefined()
  expect(await kept.readUse('api')).toBeUndefined()
  expect(told).toEqual([])
  await kept.write('api', { ratePerSecond: 1, at: 0 })
  const [name] = await readdir(directory)
  await writeFile(join(directory, name!), '{"ratePerSecond":-1}')
  expect(await kept.read('api')).toBeUndefined()
  expect(await kept.read('api')).toBeUndefined()
  expect(told).toEqual([
    `QUOTA_MEMORY_FAILED: what earlier runs knew of a quota cannot be read from ${join(directory, name!)} (its content is damaged), so this run begins without it and may be refused: the file will be replaced; where that fails, delete it, and make its directory readable for this user`,
  ])
})

test('what was spent is kept beside what was found, and half a file is told of', async () => {
  const directory = await temporaryFolder()
  const told: string[] = []
  const kept = fileQuotaMemory(directory, ({ message }) => told.push(message))
  await kept.write('api', { ratePerSecond: 1, at: 0 })
  await kept.writeUse('api', use)
  expect(await kept.readUse('api')).toEqual(use)
  expect(await kept.read('api')).toEqual({ ratePerSecond: 1, at: 0 })
  const name = (await readdir(directory)).find((each) => each.endsWith('-use.json'))!
  await writeFile(join(directory, name), JSON.stringify(use).slice(0, 40))
  expect(await kept.readUse('api')).toBeUndefined()
  expect(told).toEqual([expect.stringContaining('its content is damaged')])
})

test('a folder that cannot be written is told of once, and stops nothing', async () => {
  const directory = await temporaryFolder()
  const file = join(directory, 'quotas')
  await writeFile(file, 'no folder')
  const told: string[] = []
  const kept = fileQuotaMemory(file, ({ message }) => told.push(message))
  await kept.writeUse('api', use)
  await kept.write('api', { ratePerSecond: 1, at: 0 })
  expect(told).toEqual([expect.stringMatching(/cannot be written to .* so the next run begins without it/)])
})

test('processes that share the directory replace whole files: a reader finds one of them, and nothing is left over', async () => {
  const directory = await temporaryFolder()
  const big = (cost: number): KeptUse => ({
    limits: {
      words: {
        heldMs: 1,
        parts: Object.fromEntries(Array.from({ length: 500 }, (_, part) => [`part ${part}`, [[0, 0, cost]]])),
        others: [],
      },
    },
  })
  const told: string[] = []
  const [one, two] = [1, 2].map(() => fileQuotaMemory(directory, ({ message }) => told.push(message)))
  for (let round = 0; round < 20; round++) {
    const [, , read] = await Promise.all([
      one!.writeUse('api', big(1)),
      two!.writeUse('api', big(2)),
      one!.readUse('api'),
    ])
    const costs = Object.values(read?.limits['words']?.parts ?? {}).map(([first]) => first?.[2])
    expect(new Set(costs).size).toBe(round === 0 && read === undefined ? 0 : 1)
  }
  expect(told).toEqual([])
  expect(await readdir(directory)).toHaveLength(1)
})
