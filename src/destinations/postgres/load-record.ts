import type { Load, LoadReceipt } from '../../ports/destination.ts'
import { instant, tableIn, type Workplace } from './workplace.ts'

/** What the load did when it was committed before (C3). */
export async function findReceipt(workplace: Workplace, loadId: string): Promise<LoadReceipt | undefined> {
  const [row] = await workplace.connection.rows<[number, number, number, number, string | null]>(
    `SELECT inserted, updated, unchanged, deleted, sides FROM ${tableIn(workplace, '_sluice_loads')}
     WHERE pipeline = $1 AND load_id = $2`,
    [workplace.pipeline, loadId],
  )
  if (row === undefined) return undefined
  const [inserted, updated, unchanged, deleted, sides] = row
  return {
    loadId,
    inserted,
    updated,
    unchanged,
    deleted,
    sides: sides === null ? {} : JSON.parse(sides),
    replayed: true,
  }
}

/** Notes what the load does. Runs in its transaction; its id is taken once. */
export async function writeLoad(
  workplace: Workplace,
  load: Load,
  { inserted, updated, unchanged, deleted, sides }: LoadReceipt,
): Promise<void> {
  await workplace.connection.run(
    `INSERT INTO ${tableIn(workplace, '_sluice_loads')} (pipeline, load_id, run_id, stream, table_name, mode, inserted, updated,
       unchanged, deleted, rejected, committed_at, sides) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
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
    ],
  )
}
