// The slice of the matrix over PostgreSQL and files, and of the faults of servers, that every `npm test` runs. `npm run kill` runs all of it.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type PostgresServer, postgresServer } from '../servers/postgres.ts'
import { cutInCopy, serverKilled } from './faults.ts'
import { MODES } from './modes.ts'
import { dieOnce } from './points.ts'
import type { KillPoint } from './sluice-process.ts'
import { onDisk, postgresOn } from './targets.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

const modeOf = (name: string) => MODES.find((mode) => mode.name === name)!
const SEED = 9

const OVER_POSTGRES: readonly (readonly [string, string, KillPoint])[] = [
  ['merge', 'within COPY', { statement: '^COPY .* \\(rows\\)$', occurrence: 2, when: 'after' }],
  ['replace', 'after COMMIT', { statement: '^COMMIT$', occurrence: 3, when: 'after' }],
  ['history', 'during COMMIT', { statement: '^COMMIT$', occurrence: 2, when: 'during', delayMicros: 200 }],
]

test.each(OVER_POSTGRES)(
  'PostgreSQL, %s: killed %s, the next run completes the truth and asks again for no more than C4 allows',
  async (name, _where, point) => {
    const { deaths } = await dieOnce(postgresOn(server), modeOf(name), SEED, point)
    expect(deaths).toBe(1)
  },
)

const OVER_FILES: readonly (readonly [string, string, KillPoint])[] = [
  ['append', 'before a manifest appears', { statement: '^link log/', occurrence: 3, when: 'before' }],
  ['replace', 'after a manifest has appeared', { statement: '^link log/', occurrence: 3, when: 'after' }],
]

test.each(OVER_FILES)(
  'files, %s: killed %s, the next run completes the truth and asks again for no more than C4 allows',
  async (name, _where, point) => {
    const { deaths } = await dieOnce(onDisk.files, modeOf(name), SEED, point)
    expect(deaths).toBe(1)
  },
)

test('the PostgreSQL server is killed in the middle of a run and started again: the next run completes the truth', async () => {
  const { deaths } = await serverKilled(server, modeOf('merge'), SEED, 0)
  expect(deaths).toBe(1)
})

test('the connection is cut in the middle of COPY: the next run completes the truth', async () => {
  const { deaths } = await cutInCopy(server, modeOf('append'), SEED, 2)
  expect(deaths).toBe(1)
})
