// The slice of the kill matrix that every `npm test` runs. `npm run kill` runs all of it.
import { expect, test, vi } from 'vitest'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { MODES } from './modes.ts'
import { dieAtRandom } from './points.ts'
import type { KillPoint } from './sluice-process.ts'
import { onDisk } from './targets.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

/** Of the n-th load of a process: its rows, its checkpoint, its commit. The record of the run is committed before the first. */
const POINTS: readonly { readonly what: string; at(load: number): KillPoint }[] = [
  {
    what: 'before the rows are written',
    at: (load) => ({ statement: '^INSERT INTO "', occurrence: load, when: 'before' }),
  },
  {
    what: 'between checkpoint and load record',
    at: (load) => ({ statement: '^MERGE INTO _sluice_checkpoints', occurrence: load, when: 'after' }),
  },
  {
    what: 'before the commit',
    at: (load) => ({ statement: '^COMMIT$', occurrence: load + 1, when: 'before' }),
  },
  {
    what: 'during the commit',
    at: (load) => ({ statement: '^COMMIT$', occurrence: load + 1, when: 'during', delayMicros: 500 }),
  },
  {
    what: 'after the commit, before it is acknowledged',
    at: (load) => ({ statement: '^COMMIT$', occurrence: load + 1, when: 'after' }),
  },
]

const CASES = MODES.map((mode, index) => {
  const first = POINTS[index % POINTS.length]!
  const second = POINTS[(index + 3) % POINTS.length]!
  return { mode, name: mode.what, first, second, points: `${first.what}, then ${second.what}` }
})

// PEERS: dlt order of commits
// PEERS: dlt #3023
// PEERS: dlt not tested crash at each commit point
test.each(CASES)(
  '$name: killed $points, the next run completes the truth and asks again for no more than C4 allows',
  async ({ mode, first, second }) => {
    await using victim = await Victim.start(mode, 7)
    for (const killAt of [first.at(2), second.at(1)]) {
      const death = await victim.live({ killAt })
      expect(death.end.signal).toBe('SIGKILL')
      victim.check(death)
    }
    victim.checkDone(await victim.live())
  },
)

const SEED = 20_260
// PEERS: dlt crash after the database commit
test(`killed at random moments (seed ${SEED}), the last run completes the truth`, async () => {
  const random = seededRandom(SEED)
  const mode = MODES[Math.floor(random() * MODES.length)]!
  const { again } = await dieAtRandom(onDisk.duckdb, mode, SEED, random, { deaths: 3, spanMs: 500 })
  expect(again).toBeGreaterThanOrEqual(0)
})
