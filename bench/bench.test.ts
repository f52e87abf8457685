// The bench in small: that it runs, prints what it says, and that every row of every round is there. How fast it is, no test asserts.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { pageSize } from './records.ts'

/** A database server is set up in each. */
const TIMEOUT_MS = 120_000

const bench = fileURLToPath(new URL('../dist/bench/run.js', import.meta.url))

/** As where Python is not there. */
function run(...args: string[]) {
  return promisify(execFile)(process.execPath, [bench, '--pages', '3', '--rounds', '1', ...args], {
    env: { ...process.env, PYTHON: 'no-such-python' },
  })
}

test(
  '--json prints one object: each case with its speed and its share of the ceiling, and all rows in each destination, each once',
  async () => {
    const { stdout } = await run('--json')
    const speed = { rowsPerSecond: expect.any(Number), shareOfCeiling: expect.any(Number) }
    const rows = 3 * pageSize
    const results = JSON.parse(stdout)
    expect(results).toEqual({
      fetch: speed,
      'fetch-parse': { ...speed, shareOfCeiling: 1 },
      copy: { ...speed, rows, distinctIds: rows },
      'sluice-jsonl': { ...speed, rows, distinctIds: rows },
      'sluice-duckdb': { ...speed, rows, distinctIds: rows },
      'sluice-postgres': { ...speed, rows, distinctIds: rows },
      'sluice-parquet': { ...speed, rows, distinctIds: rows },
    })
    for (const { rowsPerSecond, shareOfCeiling } of Object.values<{
      rowsPerSecond: number
      shareOfCeiling: number
    }>(results)) {
      expect(rowsPerSecond).toBeGreaterThan(0)
      expect(shareOfCeiling).toBeGreaterThan(0)
    }
  },
  TIMEOUT_MS,
)

test(
  'without --json it prints a table of the same cases, and says what was not measured',
  async () => {
    const { stdout } = await run()
    expect(stdout).toMatch(/^3,000 records of 620 bytes in pages of 1000; the median of 1 rounds\n/)
    expect(stdout).toContain(
      '\ndlt was not measured: it is not installed (pip install "dlt[duckdb,postgres]"; ',
    )
    expect(stdout.split('\n').flatMap((line) => /^[a-z]+-?[a-z]* /.exec(line)?.[0].trim() ?? [])).toEqual([
      'case',
      'fetch',
      'fetch-parse',
      'copy',
      'sluice-jsonl',
      'sluice-duckdb',
      'sluice-postgres',
      'sluice-parquet',
      'dlt',
    ])
  },
  TIMEOUT_MS,
)
