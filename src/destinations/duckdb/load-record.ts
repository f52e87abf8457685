import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load, LoadReceipt } from '../../ports/destination.ts'
import { instant } from './instant.ts'

/** What the load did when it was committed before (C3). */
export async function findReceipt(
  connection: DuckDBConnection,
  pipeline: string,
  loadId: string,
): Promise<LoadReceipt | undefined> {
  const reader = await connection.runAndReadAll(
    'SELECT inserted, updated, unchanged, coalesce(deleted, 0), sides FROM _sluice_loads WHERE pipeline = $1 AND load_id = $2',
    [pipeline, loadId],
  )
  const [row] = reader.getRows()
  if (row === undefined) return undefined
  const [inserted, updated, unchanged, deleted] = row.slice(0, 4).map(Number) as [
    number,
    number,
    number,
    number,
  ]
  const sides = row[4] === null ? {} : JSON.parse(row[4] as string)
  return { loadId, inserted, updated, unchanged, deleted, sides, replayed: true }
}

/** Notes what the load does. Runs in its transaction; its id is taken once. */
export async function writeLoad(
  connection: DuckDBConnection,
  pipeline: string,
  load: Load,
  { inserted, updated, unchanged, deleted, sides }: LoadReceipt,
): Promise<void> {
  await connection.run(
    `INSERT INTO _sluice_loads (pipeline, load_id, run_id, stream, table_name, inserted, updated, unchanged, rejected,
       committed_at, deleted, sides) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      pipeline,
      load.id,
      load.runId,
      load.stream,
      load.table,
      inserted,
      updated,
      unchanged,
      load.rejects.length,
      instant(load.at),
      deleted,
      load.sides === undefined ? null : JSON.stringify(sides),
    ],
  )
}
