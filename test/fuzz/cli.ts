// npm run fuzz -- --cases 1000000              so many cases of a seed of its own, which it prints
// npm run fuzz -- --seed 17 --case 123         one case, with what it is made of
// npm run fuzz -- --kinds configs,wire         these kinds alone; --threads 2; --from N: beginning with case N
import { randomInt } from 'node:crypto'
import { inspect, parseArgs } from 'node:util'
import { kindOf, playCase } from './cases.ts'
import { type FuzzResult, fuzz } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    case: { type: 'string' },
    cases: { type: 'string', default: '20000' },
    from: { type: 'string', default: '0' },
    kinds: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
})

const seed = values.seed === undefined ? randomInt(1_000_000_000) : Number(values.seed)
if (values.case !== undefined) await replay(Number(values.case))
else await sweep(Number(values.from), Number(values.cases))

async function replay(caseNumber: number): Promise<void> {
  console.log(`seed ${seed}, case ${caseNumber}: ${kindOf(caseNumber).name}`)
  const show = (what: string, value: unknown) =>
    console.log(`${what}: ${inspect(value, { depth: 12, maxStringLength: 2000, breakLength: 120 })}`)
  try {
    console.log(await playCase(seed, caseNumber, show))
  } catch (error) {
    console.log(error)
    process.exitCode = 1
  }
  // The wire's server stays open for further cases.
  process.exit()
}

async function sweep(from: number, cases: number): Promise<void> {
  console.log(`seed ${seed}, ${cases} cases from ${from}`)
  const started = performance.now()
  let told = 0
  const tell = ({ played, findings }: FuzzResult) => {
    const seconds = (performance.now() - started) / 1000
    console.log(`${played} cases in ${seconds.toFixed(0)} s, ${findings.length} findings`)
    for (const { caseNumber, kind, problem } of findings.slice(told)) {
      if (told++ < 50)
        console.log(`\n${kind}: npm run fuzz -- --seed ${seed} --case ${caseNumber}\n${problem}\n`)
    }
  }
  const kinds = values.kinds?.split(',')
  const all = await fuzz({
    seed,
    from,
    cases,
    threads: Number(values.threads),
    onBatch: tell,
    ...(kinds && { kinds }),
  })
  for (const [kind, outcomes] of Object.entries(all.counts)) {
    const sum = Object.values(outcomes).reduce((total, count) => total + count, 0)
    const slow = all.slowest[kind]
    const parts = Object.entries(outcomes).sort(([, a], [, b]) => b - a)
    console.log(
      `${kind}: ${sum} cases, the slowest ${slow?.ms.toFixed(0)} ms (case ${slow?.caseNumber}): ${parts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    )
  }
  console.log(`${all.played} cases, ${all.findings.length} findings`)
  if (all.findings.length > 0) process.exitCode = 1
}
