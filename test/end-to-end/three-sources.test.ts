// The example as `npm start` runs it: in full size, with faults, through real processes, three starts after each other. What each of them
// loaded is compared with the sandbox's truth, record by record, and the rest is what it was.
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSandbox } from '../../sandbox/sandbox.ts'
import { type SandboxServer, startSandbox } from '../../sandbox/server.ts'
import type { Table, Truth } from '../../sandbox/world.ts'
import { systemClock } from '../../src/http/system-runtime.ts'
import type { RunReport } from '../../src/observe/report.ts'
import { compareTable, type Row } from '../simulation/compare.ts'
import { sandboxVariables, Workspace } from './command-line.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLE = 'examples/three-sources'
/** As in `start.mjs`, which must find the same world. */
const WORLD = { records: 60_000, faults: 'some' } as const

const STREAMS: readonly { readonly stream: string; readonly table: Table; readonly key: string }[] = [
  { stream: 'desk.users', table: 'users', key: 'id' },
  { stream: 'desk.tickets', table: 'tickets', key: 'id' },
  { stream: 'pay.transactions', table: 'transactions', key: 'id' },
  { stream: 'pay.charges', table: 'charges', key: 'id' },
  { stream: 'track.events', table: 'events', key: '$insert_id' },
  { stream: 'track.export', table: 'exportEvents', key: '$insert_id' },
]

/** The records of each stream by their keys, as JSON. */
type Snapshot = ReadonlyMap<string, ReadonlyMap<string, string>>

let work: Workspace
let known: Snapshot = new Map()
beforeAll(() => {
  work = new Workspace()
  mkdirSync(work.path('examples'))
  cpSync(`${root}${EXAMPLE}/pipeline.ts`, work.path(`${EXAMPLE}/pipeline.ts`))
  cpSync(`${root}${EXAMPLE}/start.mjs`, work.path(`${EXAMPLE}/start.mjs`))
  symlinkSync(`${root}dist`, work.path('dist'))
})
afterAll(() => work.remove())

const stateFile = () => work.path(`${EXAMPLE}/.data/sandbox.json`)

/** Starts the sandbox as `start.mjs` does: from the second time on, with a round of changes. */
async function started(use: (sandbox: SandboxServer) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ ...WORLD, stateFile: stateFile() })
  try {
    work.env = sandboxVariables(sandbox.url)
    await use(sandbox)
  } finally {
    await sandbox.close()
  }
}

function snapshot(truth: Truth): Snapshot {
  return new Map(
    STREAMS.map(({ stream, table }) => [
      stream,
      new Map(Array.from(truth[table](), ({ key, json }) => [key, json])),
    ]),
  )
}

/** What a run must load, stream by stream: the records that the runs before could not have seen as they are now. */
function expected(now: Snapshot): { stream: string; inserted: number; updated: number }[] {
  return STREAMS.map(({ stream }) => {
    const before = known.get(stream) ?? new Map<string, string>()
    const records = [...now.get(stream)!]
    return {
      stream,
      inserted: records.filter(([key]) => !before.has(key)).length,
      updated: records.filter(([key, json]) => before.has(key) && before.get(key) !== json).length,
    }
  })
}

const total = (loaded: readonly { inserted: number; updated: number }[]) => ({
  inserted: loaded.reduce((sum, { inserted }) => sum + inserted, 0),
  updated: loaded.reduce((sum, { updated }) => sum + updated, 0),
})

/** The rows that the newest run wrote are the records that it had to load, each once; beside them is what was compared after the runs before. */
async function checkTables(now: Snapshot): Promise<void> {
  const query = (sql: string) => work.query(`${EXAMPLE}/warehouse.duckdb`, sql)
  const [run] = await query('SELECT run_id FROM _sluice_runs ORDER BY started_at DESC LIMIT 1')
  for (const { stream, key } of STREAMS) {
    const table = stream.replace('.', '_')
    const truth = now.get(stream)!
    const fresh = [...truth].filter(([id, json]) => known.get(stream)?.get(id) !== json)
    const rows = await query(`SELECT * FROM ${table} WHERE _sluice_load_id LIKE '${run!['run_id']}.%'`)
    compareTable(
      stream,
      key,
      fresh.map(([id, json]) => ({ key: id, json })),
      rows as Row[],
    )
    const [counts] = await query(
      `SELECT count(*)::INTEGER AS rows, count(DISTINCT "${key}")::INTEGER AS keys FROM ${table}`,
    )
    expect([stream, counts]).toEqual([stream, { rows: truth.size, keys: truth.size }])
  }
}

/** The line of a stream in the summary, its numbers as words. */
function lineOf(summary: string, stream: string): string[] {
  return summary
    .split('\n')
    .find((line) => line.startsWith(`✓ ${stream} `))!
    .replaceAll(',', '')
    .split(/\s+/)
}

function checkSummary(stdout: string, loaded: ReturnType<typeof expected>): void {
  for (const { stream, inserted, updated } of loaded) {
    const [, , records, fresh, changed] = lineOf(stdout, stream)
    expect([stream, fresh, changed]).toEqual([stream, `${inserted}`, `${updated}`])
    expect(Number(records)).toBeGreaterThanOrEqual(inserted + updated)
  }
  const { inserted, updated } = total(loaded)
  const count = (value: number) => value.toLocaleString('en-US')
  expect(stdout).toMatch(
    new RegExp(
      `three_sources: [\\d,]+ records read in [\\d.]+ s, ${count(inserted)} new, ${count(updated)} changed\\n`,
    ),
  )
}

test('the first start loads three sources whole, refused by no quota, and the summary counts what is there', async () => {
  await started(async ({ sandbox }) => {
    const { code, stdout, stderr } = await work.sluice('run', `${EXAMPLE}/pipeline.ts`)
    expect({ code, problem: code === 0 ? '' : stderr }).toEqual({ code: 0, problem: '' })
    const now = snapshot(sandbox.truth)
    expect([...now.values()].reduce((sum, { size }) => sum + size, 0)).toBe(60_000)
    checkSummary(stdout, expected(now))
    await checkTables(now)
    expect(sandbox.stats.breaches).toEqual({})
    expect(Object.values(sandbox.stats.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3)
    // The payments that are read by windows come oldest first, the others newest first; and each is asked for once.
    const asked = (endpoint: string) => sandbox.stats.log.filter((entry) => entry.endpoint === endpoint)
    const windows = asked('pay.charges').map(({ position }) =>
      Number(/created\[gte\]=(\d+)/.exec(position)![1]),
    )
    expect(windows).toEqual(windows.toSorted((a, b) => a - b))
    expect(new Set(windows).size).toBeGreaterThan(30)
    expect(asked('pay.transactions')[1]!.position).toMatch(
      /created\[gte\]=1735689600&limit=100&starting_after=txn_/,
    )
    known = now
  })
}, 60_000)

test('the second start loads what is new or changed, and nothing else: none lost, none doubled', async () => {
  await started(async ({ sandbox }) => {
    const now = snapshot(sandbox.truth)
    const loaded = expected(now)
    expect(total(loaded)).toMatchObject({ inserted: 6 * 40 })
    expect(total(loaded).updated).toBeGreaterThan(100)
    const { code, stdout } = await work.sluice('run', `${EXAMPLE}/pipeline.ts`, '--json')
    expect(code).toBe(0)
    const { streams } = JSON.parse(stdout) as RunReport
    expect(streams.map(({ stream, inserted, updated }) => ({ stream, inserted, updated }))).toEqual(loaded)
    // What has a filter on the server is not read again: a boundary second of transactions, an hour of charges.
    const { records, inserted } = streams.find(({ stream }) => stream === 'pay.transactions')!
    expect(records - inserted).toBeLessThanOrEqual(4)
    expect(sandbox.stats.requests['pay.charges']).toBeLessThanOrEqual(4)
    await checkTables(now)
    expect(sandbox.stats.breaches).toEqual({})
    known = now
  })
}, 60_000)

test('the program behind `npm start` does the same, shows a query on what it loaded, and says what to try next', async () => {
  const { code, stdout, stderr } = await work.node(work.path(`${EXAMPLE}/start.mjs`))
  expect({ code, problem: code === 0 ? '' : stderr }).toEqual({ code: 0, problem: '' })
  // Its sandbox is gone, and what it left is enough to make the same world again.
  const { startTime, rounds } = JSON.parse(readFileSync(stateFile(), 'utf8'))
  expect(rounds).toHaveLength(2)
  const { truth } = createSandbox({ ...WORLD, startTime, history: rounds, clock: systemClock })
  const now = snapshot(truth)
  checkSummary(stdout, expected(now))
  await checkTables(now)
  expect(stdout).toMatch(/Tickets by status[\s\S]+solved[\s\S]+Next:\n/)
}, 60_000)
