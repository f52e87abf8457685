// dlt on the same pages, where Python and it are installed (`pip install "dlt[duckdb,postgres]"`). `PYTHON` names another Python.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Stored } from '../cases.ts'

const python = process.env['PYTHON'] ?? 'python3'
// From dist/bench/peers, where the script is not copied to.
const script = fileURLToPath(new URL('../../../bench/peers/dlt_load.py', import.meta.url))
const start = promisify(execFile)

/** The case of Sluice's that each of them stands beside. */
export const dltCases = [
  { name: 'dlt-duckdb', kind: 'duckdb', beside: 'sluice-duckdb' },
  { name: 'dlt-postgres', kind: 'postgres', beside: 'sluice-postgres' },
] as const

/** `undefined` where it is not installed. */
export async function dltVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await start(python, ['-c', 'import importlib.metadata as m; print(m.version("dlt"))'])
    return stdout.trim()
  } catch {
    return undefined
  }
}

/** Reads every page once. The seconds are those between the first request and the last commit. */
export async function runDlt(
  kind: (typeof dltCases)[number]['kind'],
  origin: string,
  postgresUrl: string,
): Promise<Stored & { readonly seconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const target = kind === 'duckdb' ? join(folder, 'bench.duckdb') : postgresUrl
    const { stdout } = await start(python, [script, origin, kind, target, folder])
    return JSON.parse(stdout.trim().split('\n').at(-1)!)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
