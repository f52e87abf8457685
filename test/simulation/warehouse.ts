// Where the simulated runs load to: a store in memory, or a real DuckDB file.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duckdbDestination } from '../../src/destinations/duckdb/duckdb.ts'
import type { Checkpoint, Destination } from '../../src/ports/destination.ts'
import { memoryDestination } from '../../src/testing/memory-destination.ts'
import { memoryStore } from '../../src/testing/memory-store.ts'
import type { Row } from './compare.ts'

export interface SimulatedWarehouse extends AsyncDisposable {
  /** The destination as a new process opens it: what was committed is there. */
  destination(): Destination
  rows(table: string): Promise<readonly Row[]>
  checkpoints(): Promise<readonly Checkpoint[]>
  runs(): Promise<ReadonlyMap<string, string>>
  rejects(): Promise<number>
}

export function memoryWarehouse(pipeline: string): SimulatedWarehouse {
  const store = memoryStore()
  const look = memoryDestination({ store })
  return {
    destination: () => memoryDestination({ store }),
    rows: async (table) => look.rows(table) as Row[],
    checkpoints: async () => (await look.open(pipeline)).readCheckpoints(),
    runs: async () => new Map(look.runs(pipeline).map(({ id, outcome }) => [id, outcome])),
    rejects: async () => look.rejects(pipeline).length,
    async [Symbol.asyncDispose]() {},
  }
}

export async function duckdbWarehouse(pipeline: string): Promise<SimulatedWarehouse> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-simulation-'))
  const path = join(directory, 'warehouse.duckdb')
  const look = duckdbDestination({ path })
  return {
    destination: () => duckdbDestination({ path }),
    rows: async (table) => (await look.query(`SELECT * FROM ${table}`)) as Row[],
    async checkpoints() {
      await using session = await look.open(pipeline, { readOnly: true })
      return await session.readCheckpoints()
    },
    async runs() {
      const rows = await look.query('SELECT run_id, outcome FROM _sluice_runs')
      return new Map(rows.map((row) => [String(row['run_id']), String(row['outcome'])]))
    },
    async rejects() {
      const [row] = await look.query('SELECT count(*) AS rejects FROM _sluice_rejects')
      return Number(row!['rejects'])
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true })
    },
  }
}
