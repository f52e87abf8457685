// Several processes of one pipeline at the same time, one that sleeps while another overtakes it, and a clock that jumps.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runSql } from '../../src/destinations/postgres/test-database.ts'
import { MODES } from './modes.ts'
import { runSluice, startSluice } from './sluice-process.ts'
import { startTargets, type Target, type TargetName, type Targets } from './targets.ts'
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

const targetOf = (name: TargetName): Target => targets.all.find((target) => target.name === name)!
const modeFor = (name: TargetName) => (name === 'files' ? append : merge)

const REFUSALS: Record<TargetName, RegExp> = {
  duckdb:
    /is held by another process: .* \(PID \d+\).*Wait until it has ended, then run again \(DESTINATION_BUSY\)/,
  postgres: /is being loaded by sluice killed \d+@.*|was moved by another/,
  files: /\(CHECKPOINT_CONFLICT\)/,
}

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

describe.each(['duckdb', 'postgres', 'files'] as const)('%s', (name) => {
  test('C2: of eight processes that begin at once every one ends, with the truth or with a clear refusal, and every record is there once', async () => {
    await using victim = await Victim.start(modeFor(name), 4, { target: targetOf(name) })
    const ends = await Promise.all(Array.from({ length: 8 }, () => runSluice(['run', victim.pipelineFile])))
    expect(ends.some(({ code }) => code === 0)).toBe(true)
    for (const { code, stderr } of ends) {
      if (code === 0) continue
      expect(code).toBe(1)
      expect(stderr).toMatch(REFUSALS[name])
    }
    // How often the API was asked is no matter here.
    const { difference } = await victim.lookNow()
    expect(difference).toEqual({ missing: [], doubled: [], extra: [], wrong: [] })
  })

  test.each([
    ['back', -HOUR_MS],
    ['forward', HOUR_MS],
  ])(
    'a clock that jumps an hour %s within a run and between runs loses and doubles nothing',
    async (_way, jumpMs) => {
      await using victim = await Victim.start(modeFor(name), 6, { target: targetOf(name) })
      const commit = name === 'files' ? '^link log/' : '^COMMIT$'
      victim.checkDone(
        await victim.live({ killAt: { statement: commit, occurrence: 3, when: 'before', jumpMs } }),
      )
      victim.checkDone(await victim.live())
      victim.checkDone(await victim.live({ clockOffsetMs: -jumpMs }))
    },
  )
})

// DuckDB's file is locked for as long as its process lives, asleep or not: nobody overtakes it.
test.each([
  ['postgres', '^COPY .* \\(rows\\)$', 2],
  ['postgres', '^COMMIT$', 3],
  ['files', '^link log/', 3],
  ['files', '^sync .*parquet$', 2],
] as const)(
  'C2: %s: a process that sleeps at %s while another takes over and ends writes nothing more when it wakes, and ends with a clear error',
  async (name, statement, occurrence) => {
    await using victim = await Victim.start(modeFor(name), 8, { target: targetOf(name) })
    const zombie = startSluice(['run', victim.pipelineFile], {
      killAt: { statement, occurrence, when: 'before', signals: ['SIGSTOP'] },
    })
    await zombie.stopped()
    // An administrator ends what hangs; else it would keep the claim.
    if (name === 'postgres')
      await runSql(
        targets.postgres.url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice killed %'",
      )
    expect((await runSluice(['run', victim.pipelineFile])).code).toBe(0)
    const before = await victim.lookNow()
    expect(before.difference).toEqual({ missing: [], doubled: [], extra: [], wrong: [] })

    zombie.kill('SIGCONT')
    const end = await zombie.ended
    expect(end.code).toBe(1)
    expect(end.stderr).toMatch(/\((CHECKPOINT_CONFLICT|DESTINATION_FAILED|STREAM_BUSY)\)/)
    expect((await victim.lookNow()).contents).toEqual(before.contents)
  },
)
