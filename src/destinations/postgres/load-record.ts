import type { Load, LoadReceipt, LoadRecord } from '../../ports/destination.ts'
import type { CommittedLoad, Undo } from '../load-undo.ts'
import { instant, millisecondsOf, tableIn, type Workplace } from './workplace.ts'

/** A load that was committed before (C3). */
export async function findLoad(workplace: Workplace, loadId: string): Promise<CommittedLoad | undefined> {
  const [row] = await workplace.connection.rows<
    [number, number, number, number, string | null, number | null]
  >(
    `SELECT inserted, updated, unchanged, deleted, sides, ${millisecondsOf('reverted_at')}
     FROM ${tableIn(workplace, '_sluice_loads')} WHERE pipeline = $1 AND load_id = $2`,
    [workplace.pipeline, loadId],
  )
  if (row === undefined) return undefined
  const [inserted, updated, unchanged, deleted, sides, revertedAt] = row
  const counted = { inserted, updated, unchanged, deleted, sides: sides === null ? {} : JSON.parse(sides) }
  return { receipt: { loadId, ...counted, replayed: true }, revertedAt }
}

/** Notes what the load does, and how to take it out again. Runs in its transaction; its id is taken once. */
export async function writeLoad(
  workplace: Workplace,
  load: Load,
  { inserted, updated, unchanged, deleted, sides }: LoadReceipt,
  undo: Undo | null,
): Promise<void> {
  await workplace.connection.run(
    `INSERT INTO ${tableIn(workplace, '_sluice_loads')} (pipeline, load_id, run_id, stream, table_name, mode, inserted, updated,
       unchanged, deleted, rejected, committed_at, sides, undo) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      workplace.pipeline,
      load.id,
      load.runId,
      load.stream,
      load.table,
      load.mode,
      inserted,
      updated,
      unchanged,
      deleted,
      load.rejects.length,
      instant(load.at),
      load.sides === undefined ? null : JSON.stringify(sides),
      undo === null ? null : JSON.stringify(undo),
    ],
  )
}

type LoadRow = [
  id: string,
  runId: string,
  stream: string,
  table: string,
  mode: Load['mode'] | null,
  at: number,
  inserted: number,
  updated: number,
  unchanged: number,
  deleted: number,
  rejected: number,
  revertedAt: number | null,
]

/** The pipeline's loads, the last one first: their numbers tell their order, whatever the clock said. */
export async function readLoads(
  workplace: Workplace,
  stream: string | undefined,
  limit: number,
): Promise<LoadRecord[]> {
  const rows = await workplace.connection.rows<LoadRow>(
    `SELECT load_id, run_id, stream, table_name, mode, ${millisecondsOf('committed_at')}, inserted, updated, unchanged, deleted,
       rejected, ${millisecondsOf('reverted_at')}
     FROM ${tableIn(workplace, '_sluice_loads')}
     WHERE pipeline = $1 AND ($2::text IS NULL OR stream = $2) ORDER BY number DESC LIMIT $3`,
    [workplace.pipeline, stream ?? null, limit],
  )
  return rows.map(
    ([
      id,
      runId,
      ofStream,
      table,
      mode,
      at,
      inserted,
      updated,
      unchanged,
      deleted,
      rejected,
      revertedAt,
    ]) => ({
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
    }),
  )
}
