import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load, RevertReceipt } from '../../ports/destination.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import {
  checkpointsBefore,
  type LaterLoad,
  onlyAdds,
  type RevertCandidate,
  refuseRelied,
  revertibleLoads,
  type Undo,
} from '../load-undo.ts'
import { checkpointsOf, restoreCheckpoints } from './checkpoints.ts'
import { instant } from './instant.ts'
import { identifier, literal } from './quote.ts'
import { hasTable } from './table-schema.ts'

/** What taking the load out again needs; `null` where it does more than add rows. Runs in its transaction, before its checkpoints move. */
export async function undoOf(
  connection: DuckDBConnection,
  pipeline: string,
  load: Load,
): Promise<Undo | null> {
  if (!onlyAdds(load)) return null
  const slices = load.checkpoints.map(({ slice }) => slice)
  const present = await checkpointsOf(connection, pipeline, load.stream, slices)
  return {
    checkpoints: slices.map((slice) => ({ slice, before: present.get(slice) ?? null })),
    sides: (load.sides ?? []).map(({ table }) => table),
  }
}

/**
 * Takes a load out again. Runs in a transaction.
 * @throws LoadRevertError where it can't be
 */
export async function revertLoad(
  connection: DuckDBConnection,
  pipeline: string,
  loadId: string,
  { at, withLater = false }: { readonly at: number; readonly withLater?: boolean },
): Promise<RevertReceipt> {
  const { stream, table, loads: fromIt } = await loadsFrom(connection, pipeline, loadId)
  const loads = revertibleLoads(loadId, fromIt, withLater)
  const ids = loads.map(({ id }) => id)
  const amongThem = `IN (${ids.map(literal).join(', ')})`
  const tables = new Set([table, ...loads.flatMap(({ undo }) => undo.sides)])
  refuseRelied(loadId, tables, await laterLoads(connection, pipeline, loadId, stream))
  const removed: Record<string, number> = {}
  for (const name of tables) {
    if (!(await hasTable(connection, name))) continue
    const result = await connection.run(
      `DELETE FROM ${identifier(name)} WHERE ${LOAD_ID_COLUMN} ${amongThem}`,
    )
    removed[name] = result.rowsChanged
  }
  const checkpoints = await restoreCheckpoints(connection, pipeline, stream, checkpointsBefore(loads), {
    id: loadId,
    at,
  })
  await connection.run(
    `DELETE FROM _sluice_rejects WHERE pipeline = $1 AND first_load_id ${amongThem} AND last_load_id ${amongThem}`,
    [pipeline],
  )
  await connection.run(
    `UPDATE _sluice_loads SET reverted_at = $2 WHERE pipeline = $1 AND load_id ${amongThem}`,
    [pipeline, instant(at)],
  )
  return { stream, loadIds: ids, removed, checkpoints }
}

type LoadRow = [
  stream: string,
  table: string,
  id: string,
  mode: Load['mode'] | null,
  revertedAt: bigint | null,
  undo: string | null,
]

/** The load, and those of its stream that came after it, the last one first. */
async function loadsFrom(connection: DuckDBConnection, pipeline: string, loadId: string) {
  const reader = await connection.runAndReadAll(
    `SELECT l.stream, l.table_name, l.load_id, l.mode, epoch_ms(l.reverted_at), l.undo
     FROM _sluice_loads l JOIN (SELECT stream, rowid AS place FROM _sluice_loads WHERE pipeline = $1 AND load_id = $2) asked
       ON l.stream = asked.stream AND l.rowid >= asked.place
     WHERE l.pipeline = $1 ORDER BY l.rowid DESC`,
    [pipeline, loadId],
  )
  const rows = reader.getRows() as LoadRow[]
  const loads = rows.map(
    ([, , id, mode, revertedAt, undo]): RevertCandidate => ({
      id,
      mode,
      revertedAt: revertedAt === null ? null : Number(revertedAt),
      undo: undo === null ? null : (JSON.parse(undo) as Undo),
    }),
  )
  const asked = rows.at(-1)
  return { stream: asked?.[0] ?? '', table: asked?.[1] ?? '', loads }
}

/** The loads of other streams that came after it and found records that were there, the last one first. */
async function laterLoads(
  connection: DuckDBConnection,
  pipeline: string,
  loadId: string,
  stream: string,
): Promise<LaterLoad[]> {
  const reader = await connection.runAndReadAll(
    `SELECT load_id, pipeline, stream, table_name, unchanged, sides FROM _sluice_loads
     WHERE rowid > (SELECT rowid FROM _sluice_loads WHERE pipeline = $1 AND load_id = $2)
       AND (pipeline <> $1 OR stream <> $3) AND reverted_at IS NULL AND (unchanged > 0 OR sides IS NOT NULL)
     ORDER BY rowid DESC`,
    [pipeline, loadId, stream],
  )
  const rows = reader.getRows() as [string, string, string, string, bigint, string | null][]
  return rows.map(([id, ofPipeline, ofStream, table, unchanged, sides]) => ({
    id,
    pipeline: ofPipeline,
    stream: ofStream,
    table,
    unchanged: Number(unchanged),
    sides: sides === null ? {} : JSON.parse(sides),
  }))
}
