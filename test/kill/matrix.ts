// The cases of the kill matrix: each destination, mode and fault.
import { seededRandom } from '../../src/testing/seeded-random.ts'
import type { PostgresServer } from '../servers/postgres.ts'
import { committedBound, uncommittedBound } from './again.ts'
import type { FaultName } from './fault-names.ts'
import { cutInCopy, diskFull, mountRefusal, serverDiskFull, serverKilled } from './faults.ts'
import type { Mode } from './modes.ts'
import type { Row } from './page.ts'
import { dieAtRandom, dieOnce, type Outcome, watchUndisturbed } from './points.ts'
import { asleep, BEDTIMES, clockJumps, eightAtOnce } from './rivals.ts'
import type { Target } from './targets.ts'
import { tinyDiskRefusal } from './tiny-disk.ts'

const DEATHS_IN_A_ROW = 4
const SERVER_KILLS = 4
const HOUR_MS = 3_600_000
/** Bytes that are left on a disk: some of a commit, or a commit or two. */
const ROOMS = [16 << 10, 60 << 10, 120 << 10]

export interface Case {
  readonly target: Target
  readonly mode: Mode
  readonly fault: FaultName
  readonly what: string
  /** Must have the machine's server for itself. */
  readonly alone?: boolean
  run(): Promise<Outcome>
  /** One more, where too few processes died so far. */
  more?(made: number, deaths: number): Case | undefined
}

export interface Result extends Case {
  readonly outcome?: Outcome
  readonly problem?: string
}

interface Choice {
  readonly target: Target
  readonly mode: Mode
  readonly seed: number
  /** Deaths at random moments. */
  readonly random: number
  /** Every so manyth commit point. */
  readonly every: number
  readonly server: PostgresServer
}

export async function casesOf({ target, mode, seed, random, every, server }: Choice) {
  const cases: Case[] = []
  const skipped: string[] = []
  const add = (fault: FaultName, what: string, run: () => Promise<Outcome>, alone = false) =>
    cases.push({ target, mode, fault, what, run, alone })

  const { points, spanMs } = await watchUndisturbed(target, mode, seed)
  for (const point of points.filter((_, at) => at % every === 0))
    add('commit points', JSON.stringify(point), () => dieOnce(target, mode, seed, point))

  const most = Math.ceil((5 * random) / DEATHS_IN_A_ROW)
  const atRandom = (number: number): Case => {
    const own = seed * 1000 + number
    return {
      target,
      mode,
      fault: 'random moments',
      what: `seed ${own}`,
      run: () => dieAtRandom(target, mode, own, seededRandom(own), { deaths: DEATHS_IN_A_ROW, spanMs }),
      more: (made, deaths) => (made < most && deaths < random ? atRandom(made) : undefined),
    }
  }
  for (let at = 0; at < random / DEATHS_IN_A_ROW; at++) cases.push(atRandom(at))

  if (target.name === 'postgres') {
    const moments = seededRandom(seed)
    for (let at = 0; at < SERVER_KILLS; at++) {
      const moment = moments() * spanMs
      add(
        'server killed',
        `after ${moment.toFixed(0)} ms`,
        () => serverKilled(server, mode, seed, moment),
        true,
      )
    }
    for (const nth of [1, 2])
      add('connection cut in COPY', `number ${nth}`, () => cutInCopy(server, mode, seed, nth))
  }
  add('eight at once', 'begin together', () => eightAtOnce(target, mode, seed))
  for (const bedtime of BEDTIMES[target.name])
    add('asleep', bedtime.statement, () => asleep(target, mode, seed, bedtime, server.url))
  for (const jumpMs of [HOUR_MS, -HOUR_MS])
    add('clock', `${jumpMs} ms`, () => clockJumps(target, mode, seed, jumpMs))

  const onServer = target.name === 'postgres'
  const refusal = onServer ? mountRefusal() : tinyDiskRefusal()
  if (refusal !== undefined) skipped.push(`disk full, ${target.title}: ${refusal}`)
  else
    for (const room of ROOMS) {
      const full = () =>
        onServer ? serverDiskFull(server, mode, seed, room) : diskFull(target, mode, seed, room)
      // A server can't write a checkpoint, whoever asks for it, while one of its disks is full.
      add('disk full', `${room} bytes left`, full, onServer)
    }
  return { cases, skipped }
}

/** Runs them side by side, but for those that must be alone, which come last. */
export async function runCases(
  planned: readonly Case[],
  workers: number,
  say: (line: string) => void,
  stop?: AbortSignal,
): Promise<Result[]> {
  const results: Result[] = []
  const work = async (queue: Case[]) => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      results.push(await resultOf(one, say))
      if (results.length % 25 === 0) say(`${results.length} …`)
      const own = [...results, ...queue].filter((other) => isSameKind(one, other))
      const deaths = results.filter((other) => isSameKind(one, other))
      const next = one.more?.(
        own.length,
        deaths.reduce((sum, { outcome }) => sum + (outcome?.deaths ?? 0), 0),
      )
      if (next !== undefined && stop?.aborted !== true && !queue.some((other) => isSameKind(one, other)))
        queue.push(next)
    }
  }
  const together = planned.filter(({ alone }) => !alone)
  const apart = planned.filter(({ alone }) => alone)
  stop?.addEventListener('abort', () => {
    together.length = 0
    apart.length = 0
  })
  await Promise.all(Array.from({ length: workers }, () => work(together)))
  await work(apart)
  return results
}

async function resultOf(one: Case, say: (line: string) => void): Promise<Result> {
  try {
    return { ...one, outcome: await one.run() }
  } catch (error) {
    // Of an error in clearing up that hides another one, both are told.
    const { message, error: later, suppressed } = error as Partial<SuppressedError>
    const problem = [message, later?.message, suppressed?.message].filter(Boolean).join('; ')
    say(`BROKEN ${one.target.name}, ${one.mode.name}, ${one.fault}, ${one.what}: ${problem}`)
    return { ...one, problem }
  }
}

function isSameKind(a: Case, b: Case): boolean {
  return a.target === b.target && a.mode === b.mode && a.fault === b.fault
}

/** One row for each destination, mode and fault. */
export function outcomeRows(results: readonly Result[]): Row[] {
  const kinds = results.filter((one, at) => results.findIndex((other) => isSameKind(one, other)) === at)
  return kinds
    .sort((a, b) => places(a).localeCompare(places(b)))
    .map(({ target, mode, fault }) => {
      const own = results.filter((one) => isSameKind(one, { target, mode, fault } as Case))
      const outcomes = own.flatMap(({ outcome }) => outcome ?? [])
      const most = (value: (outcome: Outcome) => number) => Math.max(0, ...outcomes.map(value))
      return {
        target: target.title,
        mode,
        fault,
        runs: own.length,
        struck: outcomes.reduce((sum, { deaths }) => sum + deaths, 0),
        survived: outcomes.length,
        again: most(({ again }) => again),
        committedAgain: most(({ committedAgain }) => committedAgain),
        bound: uncommittedBound(mode) + committedBound(mode),
        committedBound: committedBound(mode),
      }
    })
}

function places({ target, mode, fault }: Case): string {
  return `${target.title} ${mode.name} ${fault}`
}
