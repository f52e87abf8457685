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
import { streamLock, tableLock } from './locks.ts'
import { hasTable } from './table-schema.ts'
import { transaction } from './transaction.ts'
import { instant, millisecondsOf, tableIn, type Workplace } from './workplace.ts'

/** What taking the load out again needs; `null` where it does more than add rows. Runs in its transaction, before its checkpoints move. */
export async function undoOf(workplace: Workplace, load: Load): Promise<Undo | null> {
  if (!onlyAdds(load)) return null
  const slices = load.checkpoints.map(({ slice }) => slice)
  const present = await checkpointsOf(workplace, load.stream, slices)
  return {
    checkpoints: slices.map((slice) => ({ slice, before: present.get(slice) ?? null })),
    sides: (load.sides ?? []).map(({ table }) => table),
  }
}

/**
 * Takes a load out again, in a transaction.
 * @throws LoadRevertError where it can't be
 */
export async function revertLoad(
  workplace: Workplace,
  loadId: string,
  options: { readonly at: number; readonly withLater?: boolean },
): Promise<RevertReceipt> {
  const { schema, pipeline } = workplace
  // Which locks it takes is known from the load; what counts is looked at once they are held.
  const { stream, tables } = await loadsFrom(workplace, loadId)
  const locks = [streamLock(schema, pipeline, stream), ...tables.map((table) => tableLock(schema, table))]
  return transaction(workplace, locks, () => takeOut(workplace, loadId, options))
}

async function takeOut(
  workplace: Workplace,
  loadId: string,
  { at, withLater = false }: { readonly at: number; readonly withLater?: boolean },
): Promise<RevertReceipt> {
  const { connection, pipeline } = workplace
  const { stream, table, loads: fromIt } = await loadsFrom(workplace, loadId)
  const loads = revertibleLoads(loadId, fromIt, withLater)
  const ids = loads.map(({ id }) => id)
  const tables = new Set([table, ...loads.flatMap(({ undo }) => undo.sides)])
  refuseRelied(loadId, tables, await laterLoads(workplace, loadId, stream))
  const removed: Record<string, number> = {}
  for (const name of tables) {
    if (!(await hasTable(workplace, name))) continue
    removed[name] = await connection.run(
      `DELETE FROM ${tableIn(workplace, name)} WHERE ${LOAD_ID_COLUMN} = ANY($1)`,
      [ids],
    )
  }
  const checkpoints = await restoreCheckpoints(workplace, stream, checkpointsBefore(loads), {
    id: loadId,
    at,
  })
  await connection.run(
    `DELETE FROM ${tableIn(workplace, '_sluice_rejects')}
     WHERE pipeline = $1 AND first_load_id = ANY($2) AND last_load_id = ANY($2)`,
    [pipeline, ids],
  )
  await connection.run(
    `UPDATE ${tableIn(workplace, '_sluice_loads')} SET reverted_at = $2 WHERE pipeline = $1 AND load_id = ANY($3)`,
    [pipeline, instant(at), ids],
  )
  return { stream, loadIds: ids, removed, checkpoints }
}

type LoadRow = [
  stream: string,
  table: string,
  id: string,
  mode: Load['mode'] | null,
  revertedAt: number | null,
  undo: string | null,
]

/** The load, and those of its stream that came after it, the last one first. */
async function loadsFrom(workplace: Workplace, loadId: string) {
  const loads = tableIn(workplace, '_sluice_loads')
  const rows = await workplace.connection.rows<LoadRow>(
    `SELECT l.stream, l.table_name, l.load_id, l.mode, ${millisecondsOf('l.reverted_at')}, l.undo
     FROM ${loads} l JOIN ${loads} asked ON l.pipeline = asked.pipeline AND l.stream = asked.stream AND l.number >= asked.number
     WHERE asked.pipeline = $1 AND asked.load_id = $2 ORDER BY l.number DESC`,
    [workplace.pipeline, loadId],
  )
  const found = rows.map(
    ([, , id, mode, revertedAt, undo]): RevertCandidate => ({
      id,
      mode,
      revertedAt,
      undo: undo === null ? null : (JSON.parse(undo) as Undo),
    }),
  )
  const asked = rows.at(-1)
  const table = asked?.[1] ?? ''
  const tables = [table, ...found.flatMap(({ undo }) => undo?.sides ?? [])]
  return { stream: asked?.[0] ?? '', table, tables, loads: found }
}

/** The loads of other streams that came after it and found records that were there, the last one first. */
async function laterLoads(workplace: Workplace, loadId: string, stream: string): Promise<LaterLoad[]> {
  const loads = tableIn(workplace, '_sluice_loads')
  const rows = await workplace.connection.rows<[string, string, string, string, number, string | null]>(
    `SELECT load_id, pipeline, stream, table_name, unchanged, sides FROM ${loads}
     WHERE number > (SELECT number FROM ${loads} WHERE pipeline = $1 AND load_id = $2)
       AND (pipeline, stream) <> ($1, $3) AND reverted_at IS NULL AND (unchanged > 0 OR sides IS NOT NULL)
     ORDER BY number DESC`,
    [workplace.pipeline, loadId, stream],
  )
  return rows.map(([id, pipeline, ofStream, table, unchanged, sides]) => ({
    id,
    pipeline,
    stream: ofStream,
    table,
    unchanged,
    sides: sides === null ? {} : JSON.parse(sides),
  }))
}
