// Where a process is killed: at each statement that a pipeline runs, and in the middle of a commit.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mode } from './modes.ts'
import type { KillPoint } from './sluice-process.ts'
import type { Target } from './targets.ts'
import { Victim } from './victim.ts'

/** How long DuckDB commits before the end, in microseconds: a commit takes some milliseconds, most of them for the disk. */
const DURING_MICROS = [200, 2_000]

/** What one undisturbed run shows. */
export interface Undisturbed {
  readonly points: readonly KillPoint[]
  /** How long it takes from its first line on, in milliseconds. */
  readonly spanMs: number
}

/**
 * The commit points of a mode, from the statements of one undisturbed run: before each kind of statement where it comes
 * first and last; before, during and after the commits of the run's record, of its first, second and last load, and of the
 * record's end; and the same around the closing checkpoint.
 */
export async function watchUndisturbed(target: Target, mode: Mode, seed: number): Promise<Undisturbed> {
  await using victim = await Victim.start(mode, seed, { target })
  const trace = join(victim.directory, 'trace')
  let spanMs = 0
  const life = await victim.live({ trace }, async (process) => {
    await process.line(/ starts: /)
    const started = performance.now()
    await process.line(/ is over: /)
    spanMs = performance.now() - started
  })
  victim.checkDone(life)
  return { points: await pointsOf(trace), spanMs }
}

async function pointsOf(trace: string): Promise<KillPoint[]> {
  const statements = (await readFile(trace, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => kindOf(JSON.parse(line)))
  const counts = new Map<string, number>()
  for (const statement of statements) counts.set(statement, (counts.get(statement) ?? 0) + 1)
  return [...counts].flatMap(([kind, count]) => {
    const statement = `^${kind.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`
    if (kind === 'COMMIT' || kind === 'CHECKPOINT' || kind.startsWith('link ')) {
      return some(count, [1, 2, 3, count - 1, count]).flatMap((occurrence) => closing(statement, occurrence))
    }
    return some(count, [1, count]).map((occurrence) => ({ statement, occurrence, when: 'before' as const }))
  })
}

function some(count: number, occurrences: readonly number[]): number[] {
  return [...new Set(occurrences)].filter((occurrence) => occurrence >= 1 && occurrence <= count)
}

function closing(statement: string, occurrence: number): KillPoint[] {
  return [
    { statement, occurrence, when: 'before' },
    ...DURING_MICROS.map((delayMicros) => ({ statement, occurrence, when: 'during' as const, delayMicros })),
    { statement, occurrence, when: 'after' },
  ]
}

/** A statement without what differs between two runs of it: its beginning, up to the first list, text or long number. */
function kindOf(statement: string): string {
  return statement.split(/ \((?!rows|end)|, |\d{4}|'/, 1)[0]!.slice(0, 70)
}

/** Kills it once, at this point, and runs it again until done. */
export async function dieOnce(target: Target, mode: Mode, seed: number, killAt: KillPoint): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target })
  const death = await victim.live({ killAt })
  victim.check(death)
  const done = await victim.live()
  victim.checkDone(done)
  return {
    deaths: death.end.signal === 'SIGKILL' ? 1 : 0,
    again: done.again,
    committedAgain: done.committedAgain,
  }
}

export interface Outcome {
  readonly deaths: number
  /** The most pages that one process got although an earlier one had got them. */
  readonly again: number
  /** The same, of pages that had been committed (C4). */
  readonly committedAgain: number
}

/**
 * Kills one process after the other at a random moment of its run, `deaths` times at most, and lets the last one end.
 * `spanMs`: how long an undisturbed run takes, from its first line.
 */
export async function dieAtRandom(
  target: Target,
  mode: Mode,
  seed: number,
  random: () => number,
  { deaths, spanMs }: { readonly deaths: number; readonly spanMs: number },
): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target })
  let outcome: Outcome = { deaths: 0, again: 0, committedAgain: 0 }
  for (let life = 0; life < deaths; life++) {
    const moment = random() * spanMs
    const death = await victim.live({}, async (process) => {
      await process.line(/ starts: /)
      const timer = setTimeout(() => process.kill('SIGKILL'), moment)
      await process.ended
      clearTimeout(timer)
    })
    victim.check(death)
    outcome = {
      deaths: outcome.deaths + (death.end.signal === 'SIGKILL' ? 1 : 0),
      again: Math.max(outcome.again, death.again),
      committedAgain: Math.max(outcome.committedAgain, death.committedAgain),
    }
  }
  const done = await victim.live()
  victim.checkDone(done)
  return {
    ...outcome,
    again: Math.max(outcome.again, done.again),
    committedAgain: Math.max(outcome.committedAgain, done.committedAgain),
  }
}
