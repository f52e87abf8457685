// `npm run bench`: rows per second, and the share of the ceiling, within one run, and beside them dlt, where it is installed. `-- --json` prints
// one object. A case whose rows are not all there, each once, after each round fails the bench.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { postgresServer } from '../test/servers/postgres.ts'
import { type BenchCase, benchCases, type Stored } from './cases.ts'
import { dltCases, dltVersion, runDlt } from './peers/dlt.ts'
import { pageSize, recordBytes } from './records.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    pages: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '5' },
  },
})
const pages = Number(values.pages)
const rounds = Number(values.rounds)
const ceiling = 'fetch-parse'

const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [String(pages)])
const [{ port }] = (await once(server, 'message')) as [{ port: number }]
const origin = `http://127.0.0.1:${port}`

await using database = await postgresServer({ durable: true })
const cases = benchCases(database.url)
const rows = pages * pageSize
const stored = new Map<string, Stored>()

function keep(name: string, found: Stored): void {
  if (found.rows !== rows || found.distinctIds !== rows)
    throw new Error(
      `${name} stored ${found.rows} rows with ${found.distinctIds} different ids instead of ${rows}`,
    )
  stored.set(name, { rows: found.rows, distinctIds: found.distinctIds })
}

/** Seconds that one reading of every page took. */
async function time({ name, run, stored: count }: BenchCase): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const start = performance.now()
    await run(origin, pages, folder)
    const took = (performance.now() - start) / 1000
    const found = await count?.(folder)
    if (found !== undefined) keep(name, found)
    return took
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const seconds = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
// One round to warm up; then the cases in turn, so that a machine that slows down slows them all.
for (let round = 0; round <= rounds; round++) {
  for (const each of cases) {
    const took = await time(each)
    if (round > 0) seconds.get(each.name)!.push(took)
  }
}
// It takes many times as long, so that once must do.
const dlt = await dltVersion()
const dltSeconds = new Map<string, number>()
for (const { name, kind } of dlt === undefined ? [] : dltCases) {
  const { seconds: took, ...found } = await runDlt(kind, origin, database.url)
  keep(name, found)
  dltSeconds.set(name, took)
}
server.disconnect()

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
const top = rows / median(seconds.get(ceiling)!)
const results = cases.map(({ name, what }) => {
  const times = seconds.get(name)!
  const rowsPerSecond = rows / median(times)
  return {
    name,
    what,
    rowsPerSecond,
    shareOfCeiling: rowsPerSecond / top,
    slowest: rows / Math.max(...times),
    fastest: rows / Math.min(...times),
  }
})

const peers = dltCases.flatMap(({ name, beside }) => {
  const took = dltSeconds.get(name)
  if (took === undefined) return []
  const rowsPerSecond = rows / took
  const sluice = results.find((result) => result.name === beside)!
  return [{ name, beside, rowsPerSecond, times: sluice.rowsPerSecond / rowsPerSecond }]
})

if (values.json) {
  const entries = results.map(({ name, rowsPerSecond, shareOfCeiling }) => [
    name,
    {
      rowsPerSecond: Math.round(rowsPerSecond),
      shareOfCeiling: Number(shareOfCeiling.toFixed(3)),
      ...stored.get(name),
    },
  ])
  const besides = peers.map(({ name, beside, rowsPerSecond, times }) => [
    name,
    {
      rowsPerSecond: Math.round(rowsPerSecond),
      beside,
      times: Number(times.toFixed(1)),
      ...stored.get(name),
    },
  ])
  console.log(JSON.stringify(Object.fromEntries([...entries, ...besides])))
} else {
  const count = (value: number) => Math.round(value).toLocaleString('en-US').padStart(9)
  console.log(
    `${rows.toLocaleString('en-US')} records of ${recordBytes} bytes in pages of ${pageSize}; the median of ${rounds} rounds\n`,
  )
  console.log(`${'case'.padEnd(15)}     rows/s   of ceiling   slowest – fastest`)
  for (const { name, what, rowsPerSecond, shareOfCeiling, slowest, fastest } of results) {
    console.log(
      `${name.padEnd(15)}${count(rowsPerSecond)}   ${shareOfCeiling.toFixed(2).padStart(10)}  ${count(slowest)} – ${count(fastest)}   ${what}`,
    )
  }
  console.log(
    dlt === undefined
      ? '\ndlt was not measured: it is not installed (pip install "dlt[duckdb,postgres]"; PYTHON names a Python that has it)'
      : `\nBeside dlt ${dlt}, once, over the same pages`,
  )
  for (const { name, beside, rowsPerSecond, times } of peers)
    console.log(
      `${name.padEnd(15)}${count(rowsPerSecond)}   ${beside} loads ${times.toFixed(1)} times as many`,
    )
}
