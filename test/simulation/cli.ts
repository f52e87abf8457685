// npm run simulate -- --seed 17            one seed, with everything that happens in it
// npm run simulate -- --seeds 20000        so many seeds; --from N: beginning with N (default 0)
import { parseArgs } from 'node:util'
import { type SimulationResult, simulate } from './simulate.ts'
import { tracer } from './trace.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
  },
})

if (values.seed !== undefined) await replay(Number(values.seed))
else await sweep(Number(values.from), Number(values.seeds))

async function replay(seed: number): Promise<void> {
  try {
    const { plan, ...result } = await simulate(
      seed,
      tracer((line) => console.log(line)),
    )
    console.log(JSON.stringify({ ...result, runs: plan.runs }, null, 2))
  } catch (error) {
    console.log(`seed ${seed} failed`)
    console.log(error)
    process.exitCode = 1
  }
}

async function sweep(from: number, count: number): Promise<void> {
  const started = performance.now()
  const total: Record<string, number> = {}
  const failed: number[] = []
  const add = (name: string, by: number) => {
    total[name] = (total[name] ?? 0) + by
  }
  for (let seed = from; seed < from + count; seed++) {
    try {
      addUp(add, await simulate(seed))
    } catch (error) {
      failed.push(seed)
      console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
    }
    if ((seed - from + 1) % 1000 === 0) console.log(`${seed - from + 1} seeds, ${failed.length} failed`)
  }
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify(total))
  console.log(
    `${count} seeds from ${from}: ${failed.length} failed, ${seconds.toFixed(1)} s, ${((seconds * 1000) / count).toFixed(1)} ms a seed`,
  )
  for (const seed of failed.slice(0, 20)) console.log(`npm run simulate -- --seed ${seed}`)
  if (failed.length > 0) process.exitCode = 1
}

function addUp(add: (name: string, by: number) => void, result: SimulationResult): void {
  add('processes', result.processes)
  add('requests', result.requests)
  add('rows', result.rows)
  add('faults', result.faults)
  add(result.plan.warehouse, 1)
  if (result.plan.quotasHold) add('quotas checked', 1)
  for (const [kind, count] of Object.entries(result.mishaps)) add(kind, count)
}
