// `npm run bench:side-by-side`: what an API's latency costs, with pages and slices one after the other and side by side, within one run. `-- --json`
// prints one object. A case that does not store each record once fails the bench.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pagesADay, smallPage } from './latency.ts'
import { type LatencyCase, latencyCases, load } from './side-by-side-cases.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    // A multiple of the pages of a day.
    pages: { type: 'string', default: '200' },
    latency: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
})
const pages = Math.ceil(Number(values.pages) / pagesADay) * pagesADay

const server = fork(fileURLToPath(new URL('./latency-server.js', import.meta.url)), [
  String(pages),
  values.latency,
])
const [{ port }] = (await once(server, 'message')) as [{ port: number }]
const origin = `http://127.0.0.1:${port}`

async function time(one: LatencyCase): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const start = performance.now()
    const inserted = await load(one, origin, pages, join(folder, 'bench.duckdb'))
    const took = (performance.now() - start) / 1000
    if (inserted !== pages * smallPage)
      throw new Error(`${one.name} stored ${inserted} records instead of ${pages * smallPage}`)
    return took
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const seconds = new Map<LatencyCase, number[]>(latencyCases.map((one) => [one, []]))
// The cases in turn, so that a machine that slows down slows them all.
for (let round = 0; round < Number(values.rounds); round++) {
  for (const one of latencyCases) seconds.get(one)!.push(await time(one))
}
server.disconnect()

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!
const results = latencyCases.map((one) => {
  const first = latencyCases.find(({ group }) => group === one.group)!
  const took = median(seconds.get(one)!)
  return { ...one, took, ratio: median(seconds.get(first)!) / took }
})
if (values.json) {
  console.log(
    JSON.stringify(
      Object.fromEntries(
        results.map(({ name, took, ratio }) => [
          name,
          { seconds: Number(took.toFixed(3)), ratio: Number(ratio.toFixed(2)) },
        ]),
      ),
    ),
  )
} else {
  console.log(
    `${pages} pages of ${smallPage} records into DuckDB, ${values.latency} ms to each answer; the median of ${values.rounds} rounds\n`,
  )
  console.log('case         seconds   times as fast')
  for (const { name, what, took, ratio } of results)
    console.log(
      `${name.padEnd(10)} ${took.toFixed(2).padStart(9)} ${ratio.toFixed(2).padStart(15)}   ${what}`,
    )
}
