// `npm run kill`: every commit point of every mode, and random moments, until so many processes died at one. Prints the seed and a table; the
// exit code is 1 if a promise was broken. `-- --seed 7 --modes merge,desk --random 8` runs a part of it.
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { committedBound, uncommittedBound } from './again.ts'
import { MODES, type Mode } from './modes.ts'
import { commitPoints, dieAtRandom, dieOnce, type Outcome } from './points.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    // Deaths at random moments, for each mode. A process that ends before its moment is no death, and another one is started.
    random: { type: 'string', default: '24' },
    modes: { type: 'string', default: MODES.map(({ name }) => name).join(',') },
    workers: { type: 'string', default: '2' },
  },
})
const seed = Number(values.seed)
const randomDeaths = Number(values.random)
const modes = MODES.filter(({ name }) => values.modes.split(',').includes(name))
const DEATHS_IN_A_ROW = 4
/** Cases of random moments for each mode: enough for the deaths, and an end where no process lives long enough to die. */
const MOST_RANDOM_CASES = Math.ceil((5 * randomDeaths) / DEATHS_IN_A_ROW)

interface Case {
  readonly mode: Mode
  readonly kind: 'commit points' | 'random moments'
  readonly what: string
  run(): Promise<Outcome>
}

interface Result extends Case {
  readonly outcome?: Outcome
  readonly problem?: string
}

const cases: Case[] = []
for (const mode of modes) {
  for (const point of await commitPoints(mode, seed)) {
    cases.push({
      mode,
      kind: 'commit points',
      what: JSON.stringify(point),
      run: () => dieOnce(mode, seed, point),
    })
  }
  for (let at = 0; at < randomDeaths / DEATHS_IN_A_ROW; at++) addRandomCase(mode, at)
}
process.stdout.write(`${cases.length} cases or more, seed ${seed}\n`)

function addRandomCase(mode: Mode, at: number): void {
  const own = seed * 1000 + at
  cases.push({
    mode,
    kind: 'random moments',
    what: `seed ${own}`,
    run: () => dieAtRandom(mode, own, seededRandom(own), { deaths: DEATHS_IN_A_ROW, spanMs: 600 }),
  })
}

/** One more case where the processes of a mode ended by themselves too often. */
function goOn({ mode, kind }: Case): void {
  if (kind !== 'random moments') return
  const planned = cases.filter((one) => one.mode === mode && one.kind === kind).length
  const own = results.filter((result) => result.mode === mode && result.kind === kind)
  const isLast = own.length === planned
  if (isLast && planned < MOST_RANDOM_CASES && deathsOf(own) < randomDeaths) addRandomCase(mode, planned)
}

function deathsOf(results: readonly Result[]): number {
  return results.reduce((sum, { outcome }) => sum + (outcome?.deaths ?? 0), 0)
}

const started = performance.now()
const results: Result[] = []
let next = 0
await Promise.all(
  Array.from({ length: Number(values.workers) }, async () => {
    while (next < cases.length) {
      const one = cases[next++]!
      if (next % 25 === 0) process.stdout.write(`${next} …\n`)
      try {
        results.push({ ...one, outcome: await one.run() })
      } catch (error) {
        const problem = (error as Error).message
        results.push({ ...one, problem })
        process.stdout.write(`BROKEN ${one.mode.name}, ${one.what}: ${problem}\n`)
      }
      goOn(one)
    }
  }),
)

const columns =
  'mode      kind             cases   deaths   broken   asked again, at most   of it committed, at most'
process.stdout.write(`\n${columns}\n`)
for (const mode of modes) {
  for (const kind of ['commit points', 'random moments'] as const) {
    const own = results.filter((result) => result.mode === mode && result.kind === kind)
    if (own.length === 0) continue
    const outcomes = own.flatMap(({ outcome }) => outcome ?? [])
    const most = (value: (outcome: Outcome) => number) => Math.max(0, ...outcomes.map(value))
    const deaths = deathsOf(own)
    const broken = own.length - outcomes.length
    process.stdout.write(
      `${mode.name.padEnd(9)} ${kind.padEnd(14)} ${cell(own.length, 7)} ${cell(deaths, 8)} ${cell(broken, 8)} ${cell(
        most(({ again }) => again),
        22,
      )} ${cell(
        most(({ committedAgain }) => committedAgain),
        26,
      )}\n`,
    )
  }
}
const broken = results.filter(({ problem }) => problem !== undefined)
process.stdout.write(
  `\nSeed ${seed}. Deaths at random moments: ${deathsOf(results.filter(({ kind }) => kind === 'random moments'))}.\n` +
    `Bounds (C4), in pages, or days of the export: ${bounds(committedBound)} committed ones again (one batch, one overlap a slice); ` +
    `${bounds(uncommittedBound)} that were read and not committed.\n` +
    `${results.length} cases in ${((performance.now() - started) / 1000).toFixed(0)} s, ${broken.length} broken\n`,
)
if (broken.length > 0) process.exitCode = 1

function bounds(of: (mode: Mode) => number): string {
  return [...new Set(modes.map(of))].sort((a, b) => a - b).join(' or ')
}

function cell(value: number, width: number): string {
  return String(value).padStart(width)
}
