// `npm run scale`: how memory grows with the number of records, for each destination, and what batches cost beside one load of the same
// rows. The exit code is 1 where either is more than it may be. `-- --only duckdb` measures one destination.
import { parseArgs } from 'node:util'
import { postgresServer } from '../servers/postgres.ts'
import { type BatchOptions, type Measured, measure } from './measure.ts'
import { duckdbTarget, parquetTarget, postgresTarget, type Target } from './targets.ts'

/** Most memory for all records, as a multiple of that for a fifth of them. */
const MOST_GROWTH = 1.15
/** Most time in batches, as a multiple of that in one load. */
const MOST_OVERHEAD = 1.05

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '5000000' },
    only: { type: 'string' },
    /** Records of the comparison with one load, which holds all of them at once. */
    load: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '3' },
  },
})
const records = Number(values.records)
const inOneLoad = Number(values.load)
const rounds = Number(values.rounds)
const oneLoad: BatchOptions = { records: 1_000_000, size: '4GiB', interval: '1d' }

await using database = await postgresServer({ durable: true })
const targets = [duckdbTarget, postgresTarget(database.url), parquetTarget].filter(
  ({ name }) => values.only === undefined || name === values.only,
)
for (const target of targets) {
  await compareMemory(target)
  await compareLoads(target)
}

async function compareMemory(target: Target): Promise<void> {
  const peaks: number[] = []
  for (const count of [records / 5, records]) {
    const { seconds, peakMiB } = await measure(count, target)
    peaks.push(peakMiB)
    print(
      `${target.name.padEnd(9)} ${number(count).padStart(9)} records ${number(count / seconds).padStart(8)} rows/s   peak RSS ${peakMiB.toFixed(0)} MiB`,
    )
  }
  judge(target, 'memory, all beside a fifth', peaks[1]! / peaks[0]!, MOST_GROWTH)
}

/** In turn, so that a machine that slows down slows both. */
async function compareLoads(target: Target): Promise<void> {
  const batches: Measured[] = []
  const whole: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    batches.push(await measure(inOneLoad, target))
    whole.push(await measure(inOneLoad, target, oneLoad))
  }
  const told = (runs: readonly Measured[]) =>
    `${medianOf(runs, 'seconds').toFixed(2)} s (${medianOf(runs, 'cpuSeconds').toFixed(2)} s of processor)`
  print(
    `${target.name.padEnd(9)} ${number(inOneLoad).padStart(9)} records in batches ${told(batches)}, in one load ${told(whole)}; the median of ${rounds}`,
  )
  judge(
    target,
    'time, batches beside one load',
    medianOf(batches, 'seconds') / medianOf(whole, 'seconds'),
    MOST_OVERHEAD,
  )
}

function judge({ name }: Target, what: string, ratio: number, most: number): void {
  const isTooMuch = !(ratio <= most)
  print(
    `${name.padEnd(9)} ${what}: ${ratio.toFixed(2)} (at most ${most.toFixed(2)})${isTooMuch ? '  too much' : ''}`,
  )
  if (isTooMuch) process.exitCode = 1
}

function medianOf(runs: readonly Measured[], what: 'seconds' | 'cpuSeconds'): number {
  return runs.map((run) => run[what]).sort((a, b) => a - b)[Math.floor(runs.length / 2)]!
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
