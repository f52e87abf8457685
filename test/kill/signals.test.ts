// SIGINT and SIGTERM in the middle of a run.
import { expect, test, vi } from 'vitest'
import { MODES } from './modes.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const cursor = MODES.find(({ name }) => name === 'cursor')!

// PEERS: dlt #2595
test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s: what was read completely is committed, the exit code is 130, and the next run asks for nothing twice',
  async (signal) => {
    await using victim = await Victim.start(cursor, 5)
    const stopped = await victim.live({
      killAt: { statement: '^INSERT INTO "', occurrence: 2, when: 'before', signals: [signal] },
    })
    expect(stopped.end.code).toBe(130)
    expect(stopped.end.stderr).toContain('desk.tickets interrupted')
    victim.check(stopped)
    expect(stopped.pages).toBeLessThan(9)
    // All but the page that was asked for ahead.
    expect(stopped.committed).toBeGreaterThanOrEqual(stopped.pages - 1)

    const rest = await victim.live()
    victim.checkDone(rest)
    expect(rest.committedAgain).toBe(0)
    expect(rest.again).toBeLessThanOrEqual(1)
  },
)

// PEERS: dlt blocking waits
test('a second SIGINT ends the process at once, whatever it waits for, and costs only what was not committed', async () => {
  await using victim = await Victim.start(cursor, 5)
  const stopped = await victim.live({
    killAt: {
      statement: '^COMMIT$',
      occurrence: 3,
      when: 'before',
      signals: ['SIGINT', 'SIGINT'],
      hang: true,
    },
  })
  expect(stopped.end.code).toBe(130)
  expect(stopped.end.stderr).not.toContain('desk.tickets interrupted')
  victim.check(stopped)
  expect(stopped.contents.committedRecords).toBe(100)
  victim.checkDone(await victim.live())
})
