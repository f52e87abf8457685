import { BIGINT, type DuckDBConnection, VARCHAR } from '@duckdb/node-api'
import type { Load, LoadReceipt, LoadRecord } from '../../ports/destination.ts'
import type { CommittedLoad, Undo } from '../load-undo.ts'
import { instant } from './instant.ts'

/** A load that was committed before (C3). */
export async function findLoad(
  connection: DuckDBConnection,
  pipeline: string,
  loadId: string,
): Promise<CommittedLoad | undefined> {
  const reader = await connection.runAndReadAll(
    `SELECT inserted, updated, unchanged, coalesce(deleted, 0), sides, epoch_ms(reverted_at)
     FROM _sluice_loads WHERE pipeline = $1 AND load_id = $2`,
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
  return {
    receipt: { loadId, inserted, updated, unchanged, deleted, sides, replayed: true },
    revertedAt: row[5] === null ? null : Number(row[5]),
  }
}

/** Notes what the load does, and how to take it out again. Runs in its transaction; its id is taken once. */
export async function writeLoad(
  connection: DuckDBConnection,
  pipeline: string,
  load: Load,
  { inserted, updated, unchanged, deleted, sides }: LoadReceipt,
  undo: Undo | null,
): Promise<void> {
  await connection.run(
    `INSERT INTO _sluice_loads (pipeline, load_id, run_id, stream, table_name, inserted, updated, unchanged, rejected,
       committed_at, deleted, sides, mode, undo) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
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
      load.mode,
      undo === null ? null : JSON.stringify(undo),
    ],
  )
}

/** The pipeline's loads, the last one first. */
export async function readLoads(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string | undefined,
  limit: number,
): Promise<LoadRecord[]> {
  const reader = await connection.runAndReadAll(
    // Rows of this table are never deleted: the ids of its rows tell their order, whatever the clock said.
    `SELECT load_id, run_id, stream, table_name, mode, epoch_ms(committed_at), inserted, updated, unchanged, coalesce(deleted, 0),
       rejected, epoch_ms(reverted_at)
     FROM _sluice_loads WHERE pipeline = $1 AND ($2 IS NULL OR stream = $2) ORDER BY rowid DESC LIMIT $3`,
    [pipeline, stream ?? null, limit],
    [VARCHAR, VARCHAR, BIGINT],
  )
  return reader.getRows().map((row) => {
    const [id, runId, ofStream, table, mode] = row as [string, string, string, string, Load['mode'] | null]
    const [at, inserted, updated, unchanged, deleted, rejected] = row.slice(5, 11).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const revertedAt = row[11] === null ? null : Number(row[11])
    return {
      id,
      runId,
      stream: ofStream,
      table,
      mode,
      at,
      inserted,
      updated,
      unchanged,
      deleted,
      rejected,
      revertedAt,
    }
  })
}
