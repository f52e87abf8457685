// npm run quotas                               all scenarios for an hour each, by seeds 1, 2 and 3; writes docs/quota-scenarios.md
// npm run quotas -- --seeds 1                  the same by one seed; writes nothing
// npm run quotas -- --scenario 05 --seed 3     one scenario, with its refusals and its minutes
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { duration } from '../../src/options/duration.ts'
import { readScenarios, type Scenario } from './scenario.ts'
import type { Decision } from './server/server.ts'
import { type ScenarioResult, simulate } from './simulate.ts'
import { isMet, type Row, scenarioTable, summary, tableSeeds } from './table.ts'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: tableSeeds.join() },
    for: { type: 'string', default: '1h' },
  },
})
const seed = Number(values.seed)
const forMs = duration.parse(values.for)
const all = readScenarios()

if (values.scenario === undefined) await runAll(all)
else {
  const chosen = all.filter(({ name }) => name.startsWith(values.scenario!))
  if (chosen.length === 0) console.log(`no scenario begins with ${values.scenario}`)
  for (const scenario of chosen) await replay(scenario)
}

async function runAll(scenarios: readonly Scenario[]): Promise<void> {
  const seeds = values.seeds.split(',').map(Number)
  const rows: Row[] = []
  for (const scenario of scenarios) {
    const began = performance.now()
    const results: ScenarioResult[] = []
    try {
      for (const each of seeds) results.push(await simulate(scenario, { seed: each, forMs }))
    } catch (error) {
      console.log(`${scenario.name.padEnd(32)} ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    rows.push({ scenario, results })
    console.log(`${line({ scenario, results })}  ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
  if (values.for !== '1h' || values.seeds !== tableSeeds.join()) return
  writeFileSync(new URL('../../docs/quota-scenarios.md', import.meta.url), scenarioTable(rows))
}

function line(row: Row): string {
  const { usedShare, refused, arrived } = summary(row)
  return `${row.scenario.name.padEnd(32)} ${(usedShare * 100).toFixed(2).padStart(6)} %  ${String(refused).padStart(5)} refused of ${String(arrived).padStart(6)}  ${isMet(row) ? 'met   ' : 'missed'}`
}

/** Prints the requests that led to the first refusals, and what each minute came to. */
async function replay(scenario: Scenario): Promise<void> {
  const before: Decision[] = []
  const minutes = new Map<number, { counted: number; refused: number }>()
  let start: number | undefined
  let shown = 0
  const show = ({ at, sentAt, path, refusedBy, budgets }: Decision) => {
    const left = budgets
      .map(
        ({ name, remaining, resetAt }) => `${name} ${remaining} left, more in ${Math.round(resetAt - at)} ms`,
      )
      .join('; ')
    console.log(
      `  ${((at - start!) / 1000).toFixed(3).padStart(9)} s  sent ${at - sentAt} ms before  ${path}  ${refusedBy === undefined ? 'counted' : `REFUSED by ${refusedBy}`}  ${left}`,
    )
  }
  const result = await simulate(scenario, {
    seed,
    forMs,
    onDecision(decision) {
      start ??= decision.at - (decision.at % 1000)
      const minute = Math.floor((decision.at - start) / 60_000)
      const sum = minutes.get(minute) ?? { counted: 0, refused: 0 }
      minutes.set(minute, sum)
      sum[decision.refusedBy === undefined ? 'counted' : 'refused']++
      before.push(decision)
      if (before.length > 8) before.shift()
      if (decision.refusedBy === undefined || shown >= 5) return
      shown++
      console.log(`before refusal ${shown}:`)
      for (const each of before.splice(0)) show(each)
    },
  })
  for (const [minute, { counted, refused }] of minutes)
    console.log(`minute ${String(minute).padStart(2)}: ${counted} counted, ${refused} refused`)
  console.log(line({ scenario, results: [result] }))
  console.log(result)
}
