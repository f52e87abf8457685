// Several processes of one pipeline at the same time, one that sleeps while another overtakes it, and a clock that jumps: the slice that every
// `npm test` runs. `npm run kill` runs all of it.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { MODES } from './modes.ts'
import { asleep, BEDTIMES, clockJumps, eightAtOnce } from './rivals.ts'
import { runSluice, startSluice } from './sluice-process.ts'
import { onDisk, startTargets, type Targets } from './targets.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const merge = MODES.find(({ name }) => name === 'merge')!
const append = MODES.find(({ name }) => name === 'append')!
const HOUR_MS = 3_600_000

let targets: Targets
beforeAll(async () => {
  targets = await startTargets()
}, 60_000)
afterAll(() => targets[Symbol.asyncDispose](), 60_000)

test('the second process of a pipeline is told at once that the first holds the warehouse, and writes nothing', async () => {
  await using victim = await Victim.start(merge, 3)
  const requests = () => victim.server.sandbox.stats.log.length
  // The first one stands still in the middle of its second load, with the file open.
  const first = startSluice(['run', victim.pipelineFile], {
    killAt: { statement: '^INSERT INTO "', occurrence: 2, when: 'before', signals: ['SIGSTOP'] },
  })
  await first.line(/ committed /)
  const asked = requests()

  const second = await runSluice(['run', victim.pipelineFile])
  expect(second.code).toBe(1)
  expect(second.stderr).toContain(
    `error duckdb ${victim.file} is held by another process: ${victim.file} is open by `,
  )
  expect(second.stderr).toContain(`(PID ${first.pid})`)
  expect(second.stderr).toContain('Wait until it has ended, then run again (DESTINATION_BUSY)')
  expect(second.stderr).not.toContain(' starts: ')
  // What the first one had asked for may still have been on its way; the second asks for nothing.
  expect(requests() - asked).toBeLessThanOrEqual(3)

  first.kill('SIGCONT')
  expect((await first.ended).code).toBe(0)
  const third = await victim.live()
  victim.checkDone(third)
})

const postgres = () => targets.all.find(({ name }) => name === 'postgres')!

test('C2: of eight processes that begin at once every one ends, with the truth or with a clear refusal, and every record is there once', async () => {
  const { deaths: refused } = await eightAtOnce(postgres(), merge, 4)
  expect(refused).toBeGreaterThan(0)
})

test('C2: a process that sleeps before its commit while another one takes over and ends writes nothing more when it wakes, and says so', async () => {
  await asleep(postgres(), merge, 8, BEDTIMES.postgres[1]!, targets.postgres.url)
  await asleep(onDisk.files, append, 8, BEDTIMES.files[1]!, '')
})

test('a clock that jumps an hour back within a run loses and doubles nothing', async () => {
  await clockJumps(onDisk.duckdb, merge, 6, -HOUR_MS)
})
