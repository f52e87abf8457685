import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bearer } from '../auth/bearer.ts'
import { memoryTokenStore } from '../auth/token-store.ts'
import { env } from '../options/secret.ts'
import { fileQuotaMemory } from '../quota/memory/file-quota-memory.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'
import { surround } from './surroundings.ts'

const daily = { requests: 5, per: '1d', window: 'fixed' } as const

async function account(quota: NonNullable<OpenClientOptions['quotas']>[number] = daily) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-'))
  onTestFinished(() => rm(directory, { recursive: true, maxRetries: 10 }))
  const clock = fakeClock({ start: Date.parse('2026-01-31T09:00:00Z') })
  const told: string[] = []
  /** As a process of its own. */
  const open = () =>
    openClient(
      'api',
      {
        baseUrl: 'https://api.test/',
        auth: bearer({ token: env('TOKEN') }),
        quotas: [quota],
      },
      {
        patience: '30s',
        runtime: {
          clock,
          random: () => 0,
          transport: (request, signal) => scriptedTransport([{ body: {} }])(request, signal),
        },
        lookup: () => 'a-secret',
        tokenStore: memoryTokenStore(),
        quotaMemory: fileQuotaMemory(directory, ({ message }) => told.push(message)),
      },
    )
  return { directory, clock, open, told }
}
const ask = async (client: ReturnType<typeof openClient>) =>
  await client.request({ method: 'GET', url: 'items', query: {}, headers: {} }, async ({ status }) => status)

test("Q1: a day's quota that one process spent is paused for in the next one, until the day is over", async () => {
  const { open, clock } = await account()
  const first = open()
  for (let count = 0; count < 3; count++) expect(await ask(first)).toBe(200)
  await first[Symbol.asyncDispose]()
  await clock.advance(3_600_000)
  const next = open()
  for (let count = 0; count < 2; count++) expect(await ask(next)).toBe(200)
  await expect(ask(next)).rejects.toMatchObject({
    code: 'QUOTA_PAUSED',
    // The server's clock may be a second behind.
    resumeAt: Date.parse('2026-02-01T00:00:01Z'),
    message: expect.stringContaining('5 requests per 1d'),
  })
  await next[Symbol.asyncDispose]()
})

test('a file that is damaged is told of, and requests go on', async () => {
  const { open, directory, told } = await account()
  const first = open()
  await ask(first)
  await first[Symbol.asyncDispose]()
  const [name] = await readdir(directory)
  await writeFile(join(directory, name!), 'damaged')
  const next = open()
  expect(await ask(next)).toBe(200)
  await next[Symbol.asyncDispose]()
  expect(told).toEqual([expect.stringMatching(/cannot be read from .*-use\.json \(its content is damaged\)/)])
})

test('quotas that cannot be kept below the directory are a problem of the run', async () => {
  const { directory } = await account()
  await mkdir(join(directory, '.sluice'))
  await writeFile(join(directory, '.sluice', 'quotas'), 'no folder')
  const events: unknown[] = []
  const around = surround({ directory, onEvent: (event) => events.push(event) })
  await around.quotaMemory.writeUse('api', { limits: {} })
  expect(events).toEqual([
    {
      type: 'run.problem',
      at: expect.any(Number),
      problem: 'quotas-not-kept',
      code: 'QUOTA_MEMORY_FAILED',
      message: expect.stringContaining(join(directory, '.sluice', 'quotas')),
    },
  ])
  await around.close()
})

test('patience holds for a wait of seconds that only what an earlier process spent explains', async () => {
  const { open } = await account({ requests: 2, per: '1m' })
  const first = open()
  for (let count = 0; count < 2; count++) await ask(first)
  await first[Symbol.asyncDispose]()
  const next = open()
  await expect(ask(next)).rejects.toMatchObject({ code: 'QUOTA_PAUSED' })
  await next[Symbol.asyncDispose]()
})
