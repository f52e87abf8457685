// Seven hundred seeds (`npm run simulate` takes any number): a fixed batch, the same every time, and a batch that begins somewhere else each time.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'
import { tracer } from './trace.ts'
import { DUCKDB_ONE_IN, planWorld } from './world.ts'

const FIXED_SEEDS = 400
const OTHER_SEEDS = 300
/** How many are looked through for what they cover; a multiple of DUCKDB_ONE_IN. */
const SURVEYED_SEEDS = 250
/** Seeds a test: small enough for each to be reported on its own, and for none to come near the time limit. */
const SEEDS_A_TEST = 100

const otherStart = randomInt(1_000_000, 1_000_000_000)
const batches = [...startsOf(0, FIXED_SEEDS), ...startsOf(otherStart, OTHER_SEEDS)]

// PEERS: dlt #4052
// PEERS: Airbyte lacks exactly-once
test.each(batches)(
  'whatever goes wrong, the warehouse holds the truth in the end, each record once (100 seeds from %i)',
  async (from) => {
    const failures: string[] = []
    for (let seed = from; seed < from + SEEDS_A_TEST; seed++) {
      await simulate(seed).catch((error: unknown) => {
        const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
        failures.push(`seed ${seed}: ${problem}\nreplay it with: npm run simulate -- --seed ${seed}`)
      })
    }
    expect(failures.join('\n\n')).toBe('')
  },
  300_000,
)

// An inflated body is the work of another thread, which no seed decides.
const repeatable = Array.from({ length: 60 }, (_, seed) => seed)
  .filter((seed) => !planWorld(seed).compressed && planWorld(seed).warehouse === 'memory')
  .slice(0, 10)

test.each(repeatable)('the same seed gives the same events twice (seed %i)', async (seed) => {
  const eventsOf = async () => {
    const lines: string[] = []
    await simulate(
      seed,
      tracer((line) => lines.push(line)),
    )
    return lines
  }
  const first = await eventsOf()
  expect(first.length).toBeGreaterThan(20)
  expect(await eventsOf()).toEqual(first)
})

test('among the first fixed seeds are all hazards, both warehouses, every manner of reading and of writing', () => {
  const plans = Array.from({ length: SURVEYED_SEEDS }, (_, seed) => planWorld(seed))
  const all = (values: readonly string[]) => [...new Set(values)].sort()
  expect(all(plans.flatMap(({ runs }) => runs.map(({ hazard }) => hazard)))).toEqual([
    'death',
    'failed-commit',
    'interruption',
    'none',
    'rivals',
  ])
  expect(all(plans.flatMap(({ streams }) => streams.map(({ reading }) => reading)))).toEqual([
    'id',
    'position',
    'time',
    'whole',
    'windows',
  ])
  expect(plans.filter(({ warehouse }) => warehouse === 'duckdb')).toHaveLength(SURVEYED_SEEDS / DUCKDB_ONE_IN)
  expect(plans.filter(({ quotasHold }) => quotasHold).length).toBeGreaterThan(SURVEYED_SEEDS / 3)
  expect(plans.filter(({ runs }) => runs.some(({ fullRefresh }) => fullRefresh)).length).toBeGreaterThan(
    SURVEYED_SEEDS / 20,
  )
})

function startsOf(from: number, count: number): number[] {
  return Array.from({ length: count / SEEDS_A_TEST }, (_, batch) => from + batch * SEEDS_A_TEST)
}
