// `npm run kill`: every fault of every mode on every destination, and random moments until so many processes died at one. Prints the seed and
// writes docs/kill-matrix.md; the exit code is 1 if a promise was broken. `-- --seed 7 --targets duckdb,files --modes merge,lists --faults 'random moments' --random 8` runs a
// part of it, and prints the page instead; with `--page` it writes it.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { type Case, casesOf, outcomeRows, runCases } from './matrix.ts'
import { MODES } from './modes.ts'
import { killPage } from './page.ts'
import { startTargets } from './targets.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    // Deaths at random moments, for each destination and way of writing, shared out to the modes that write so. A process that ends before its
    // moment is no death, and another one is started.
    random: { type: 'string', default: '200' },
    targets: { type: 'string' },
    modes: { type: 'string' },
    faults: { type: 'string' },
    workers: { type: 'string', default: '2' },
    // Every n-th commit point.
    every: { type: 'string', default: '1' },
    page: { type: 'boolean', default: false },
  },
})
const started = performance.now()
const seed = Number(values.seed)
const random = Number(values.random)
await using targets = await startTargets()
const chosen = (list: string | undefined, name: string) =>
  list === undefined || list.split(',').includes(name)
const modes = MODES.filter(({ name }) => chosen(values.modes, name))
const cases: Case[] = []
const skipped = new Set<string>()
for (const target of targets.all.filter(({ name }) => chosen(values.targets, name)))
  for (const mode of modes.filter(({ write }) => target.writes.has(write))) {
    const made = await casesOf({
      target,
      mode,
      seed,
      random: Math.ceil(random / MODES.filter(({ write }) => write === mode.write).length),
      every: Number(values.every),
      server: targets.postgres,
    })
    cases.push(...made.cases.filter(({ fault }) => chosen(values.faults, fault)))
    for (const reason of made.skipped) skipped.add(reason)
  }
// A run that is broken off has something of everything.
const chance = seededRandom(seed)
const order = new Map(cases.map((one) => [one, chance()]))
cases.sort((a, b) => order.get(a)! - order.get(b)!)
process.stdout.write(`${cases.length} cases or more, seed ${seed}\n`)
// What was done so far is told, too, where the run is broken off.
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const say = (line: string) => process.stdout.write(`${line}\n`)
const planned = cases.length
const results = await runCases(cases, Number(values.workers), say, stop.signal)
const page = killPage({
  seed,
  random,
  rows: outcomeRows(results),
  planned: stop.signal.aborted ? planned : undefined,
  skipped: [...skipped],
})
const isWhole =
  !stop.signal.aborted &&
  values.targets === undefined &&
  values.modes === undefined &&
  values.faults === undefined &&
  values.every === '1'
if (isWhole || values.page) writeFileSync(new URL('../../docs/kill-matrix.md', import.meta.url), page)
else process.stdout.write(page)
const broken = results.filter(({ problem }) => problem !== undefined).length
process.stdout.write(
  `${results.length} cases in ${((performance.now() - started) / 1000).toFixed(0)} s, ${broken} broken\n`,
)
if (broken > 0) process.exitCode = 1
