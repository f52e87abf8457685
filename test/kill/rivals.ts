// Several processes of one pipeline at the same time, one that sleeps while another takes over, and a clock that jumps.
import { runSql } from '../../src/destinations/postgres/test-database.ts'
import type { Mode } from './modes.ts'
import type { Outcome } from './points.ts'
import type { KillPoint } from './sluice-process.ts'
import type { Target, TargetName } from './targets.ts'
import { BrokenPromiseError, Victim } from './victim.ts'

const RIVALS = 8

/** What a process is told that another one has the warehouse, or the stream, or has got ahead of it. */
const REFUSALS: Record<TargetName, RegExp> = {
  duckdb:
    /is held by another process: .* \(PID \d+\).*Wait until it has ended, then run again \(DESTINATION_BUSY\)/,
  postgres:
    /\(STREAM_BUSY\): .* is being loaded by sluice killed \d+@|\(CHECKPOINT_CONFLICT\): .* was moved by another/,
  files: /\(CHECKPOINT_CONFLICT\)/,
}

/** Where a process falls asleep: in the middle of a load, and before its commit. */
export const BEDTIMES: Record<TargetName, readonly KillPoint[]> = {
  duckdb: [{ statement: '^COMMIT$', occurrence: 2, when: 'before' }],
  postgres: [
    { statement: '^COPY .* \\(rows\\)$', occurrence: 2, when: 'before' },
    { statement: '^COMMIT$', occurrence: 3, when: 'before' },
  ],
  files: [
    { statement: '^sync .*parquet$', occurrence: 2, when: 'before' },
    { statement: '^link log/', occurrence: 3, when: 'before' },
  ],
}

const COMMIT: Record<TargetName, string> = { duckdb: '^COMMIT$', postgres: '^COMMIT$', files: '^link log/' }

/** Eight processes begin at once. Each ends with the truth, or is refused and told why; the truth is there in the end (C2). */
export async function eightAtOnce(target: Target, mode: Mode, seed: number): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target })
  const ends = await Promise.all(Array.from({ length: RIVALS }, () => victim.run().ended))
  const refused = ends.filter(({ code }) => code !== 0)
  for (const { code, stderr } of refused)
    if (code !== 1 || !REFUSALS[target.name].test(stderr))
      throw new BrokenPromiseError(`a rival is refused and told why; found exit code ${code} and ${stderr}`)
  if (refused.length === RIVALS) throw new BrokenPromiseError('one of eight rivals gets through')
  await victim.checkTruth()
  return { deaths: refused.length, again: 0, committedAgain: 0 }
}

/**
 * A process falls asleep at `bedtime`, another one takes over and ends, and the first one wakes: it writes nothing more, and says so (C2).
 * DuckDB's file, or its lock, is held for as long as its process lives, asleep or not: there it is the other one that is refused.
 */
export async function asleep(
  target: Target,
  mode: Mode,
  seed: number,
  bedtime: KillPoint,
  serverUrl: string,
): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target })
  const sleeper = victim.run({ killAt: { ...bedtime, signals: ['SIGSTOP'] } })
  await sleeper.stopped()
  // An administrator ends what hangs; else it would keep its claim.
  if (target.name === 'postgres')
    await runSql(
      serverUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice killed ${sleeper.pid}@%'`,
    )
  const other = await victim.run().ended
  const isLocked = target.name === 'duckdb'
  if (other.code !== (isLocked ? 1 : 0) || (isLocked && !REFUSALS.duckdb.test(other.stderr)))
    throw new BrokenPromiseError(
      `the other process takes over; found exit code ${other.code} and ${other.stderr}`,
    )
  const before = isLocked ? undefined : await victim.checkTruth()

  sleeper.kill('SIGCONT')
  const woken = await sleeper.ended
  const said = isLocked ? /./ : /\((CHECKPOINT_CONFLICT|DESTINATION_FAILED|STREAM_BUSY)\)/
  if (woken.code !== (isLocked ? 0 : 1) || !said.test(woken.stderr))
    throw new BrokenPromiseError(
      `who was overtaken is told; found exit code ${woken.code} and ${woken.stderr}`,
    )
  const after = await victim.checkTruth()
  if (before !== undefined && JSON.stringify(after) !== JSON.stringify(before))
    throw new BrokenPromiseError('C2: who was overtaken writes nothing more; found other contents')
  return { deaths: 1, again: 0, committedAgain: 0 }
}

/** The machine's clock jumps within a run, and is somewhere else in the next. */
export async function clockJumps(target: Target, mode: Mode, seed: number, jumpMs: number): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target })
  victim.checkDone(
    await victim.live({
      killAt: { statement: COMMIT[target.name], occurrence: 3, when: 'before', jumpMs },
    }),
  )
  const next = await victim.live()
  victim.checkDone(next)
  const last = await victim.live({ clockOffsetMs: -jumpMs })
  victim.checkDone(last)
  return {
    deaths: 1,
    again: Math.max(next.again, last.again),
    committedAgain: Math.max(next.committedAgain, last.committedAgain),
  }
}
