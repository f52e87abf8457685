// Two processes of one pipeline at the same time, on one file.
import { expect, test, vi } from 'vitest'
import { MODES } from './modes.ts'
import { runSluice, startSluice } from './sluice-process.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const merge = MODES.find(({ name }) => name === 'merge')!

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
