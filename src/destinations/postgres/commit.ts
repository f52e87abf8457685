import type { Load, LoadReceipt, TableCounts } from '../../ports/destination.ts'
import { EmptyReplaceError } from '../errors.ts'
import { replayedReceipt } from '../load-undo.ts'
import { CheckpointsMoved, checkVersions, writeCheckpoints } from './checkpoints.ts'
import { countRows, dropTable, renameTable } from './ddl.ts'
import { loadHistory } from './history.ts'
import { keyIndexName } from './key-index.ts'
import { findLoad, writeLoad } from './load-record.ts'
import { streamLock, tableLock } from './locks.ts'
import { clearStage, loadRows } from './merge.ts'
import { identifier } from './names.ts'
import { loadOwned } from './owned.ts'
import { reconcile } from './reconcile.ts'
import { writeRejects } from './rejects.ts'
import { undoOf } from './revert.ts'
import {
  columnsOf,
  mainTable,
  prepareTable,
  type SideTableLoad,
  sideTables,
  type TableLoad,
} from './table-load.ts'
import { forgetTableSchema, hasTable, readTableSchema, writeTableSchema } from './table-schema.ts'
import { transaction } from './transaction.ts'
import { setUpLoad, tableIn, type Workplace } from './workplace.ts'

/** A load on its way into its tables. */
interface Work {
  readonly workplace: Workplace
  readonly load: Load
  readonly main: TableLoad
  readonly sides: readonly SideTableLoad[]
}

/** What a load did to its tables. */
type Outcome = TableCounts & Pick<LoadReceipt, 'sides'>

/** Publishes a load in one transaction (C1), or nothing of it. */
export async function commitLoad(workplace: Workplace, load: Load): Promise<LoadReceipt> {
  const main = mainTable(load, workplace.pool)
  const sides = sideTables(load, workplace.pool)
  const parts = [main, ...sides]
  if (parts.some(({ rows }) => rows.released)) return knownReceipt(workplace, load)
  const work: Work = { workplace, load, main, sides }
  try {
    return await transaction(workplace, locksOf(workplace, load), async () => {
      const undo = await undoOf(workplace, load)
      await writeCheckpoints(workplace, load)
      await workplace.connection.script(setUpLoad(load.id))
      const outcome = await loadTables(work)
      const receipt: LoadReceipt = { loadId: load.id, ...outcome, replayed: false }
      await writeRejects(workplace, load)
      await writeLoad(workplace, load, receipt, undo)
      return receipt
    })
  } catch (error) {
    // Whether it was committed before is asked only where something is wrong: a load that was meets its own checkpoints, or its own
    // record, whose key is unique (C3).
    const committed =
      workplace.connection.isOpen && (await findLoad(workplace, load.id).catch(() => undefined))
    if (committed) return replayedReceipt(committed)
    if (error instanceof CheckpointsMoved) await checkVersions(workplace, load)
    throw error
  } finally {
    for (const { rows } of parts) rows.release()
  }
}

/** The stream, and every table that the load touches. */
function locksOf({ schema, pipeline }: Workplace, load: Load): bigint[] {
  const tables = [load.table, ...(load.sides ?? []).map(({ table }) => table)]
  return [streamLock(schema, pipeline, load.stream), ...tables.map((table) => tableLock(schema, table))]
}

function loadTables(work: Work): Promise<Outcome> {
  switch (work.load.mode) {
    case 'delete':
      return deleteRows(work)
    case 'reconcile':
      return stageKeys(work)
    case 'history':
      return loadVersions(work)
    default:
      return loadParts(work)
  }
}

async function loadParts({ workplace, load, main, sides }: Work): Promise<Outcome> {
  const begin = load.replacement?.begin ?? false
  const hasOwned = sides.some(({ side }) => side.write === 'owned')
  const prepared = await prepareTable(workplace, main, main.key, begin)
  const { counts: mainCounts, fate } = await loadRows(workplace, main, prepared, hasOwned)

  const counts: Record<string, TableCounts> = {}
  // Owned tables first: what became of the records is still staged.
  const owned = sides.filter(({ side }) => side.write === 'owned')
  for (const part of owned) {
    await prepareTable(workplace, part, part.side.owner ?? [], begin)
    counts[part.table] = await loadOwned(workplace, main, part, fate)
  }
  for (const part of sides) {
    if (part.side.write === 'owned') continue
    await clearStage(workplace)
    const present = await prepareTable(workplace, part, part.key, begin)
    counts[part.table] = (await loadRows(workplace, part, present)).counts
  }
  if (load.replacement?.publish) {
    await refuseEmpty(workplace, load, main)
    for (const part of [main, ...sides]) await publish(workplace, part)
  }
  return { ...mainCounts, sides: counts }
}

/** Adds the versions that the records are. */
async function loadVersions({ workplace, main }: Work): Promise<Outcome> {
  await prepareTable(workplace, main, main.key)
  return { ...(await loadHistory(workplace, main)), sides: {} }
}

/** Removes the rows that the records name, and what they own. */
async function deleteRows({ workplace, load, main, sides }: Work): Promise<Outcome> {
  const schema = await readTableSchema(workplace, load.table, 'live')
  // Without a column there is no row.
  if (schema === null || schema.columns.length === 0)
    return { inserted: 0, updated: 0, unchanged: main.rows.length, deleted: 0, sides: {} }
  const prepared = await prepareTable(workplace, main, main.key)
  const { counts: mainCounts, fate } = await loadRows(workplace, main, prepared, sides.length > 0)
  const counts: Record<string, TableCounts> = {}
  for (const part of sides) {
    await prepareTable(workplace, part, part.side.owner ?? [])
    counts[part.table] = await loadOwned(workplace, main, part, fate)
  }
  return { ...mainCounts, sides: counts }
}

/** Stages keys; the load that publishes removes the rows that none of them names. */
async function stageKeys({ workplace, load, main, sides }: Work): Promise<Outcome> {
  const prepared = await prepareTable(workplace, main, [], load.replacement!.begin)
  await loadRows(workplace, main, prepared)
  const named = { inserted: 0, updated: 0, unchanged: main.rows.length }
  if (!load.replacement!.publish) return { ...named, deleted: 0, sides: {} }
  return { ...named, ...(await reconcile(workplace, load, main, sides)) }
}

/** The receipt of a load that is committed again without its rows (C3). */
async function knownReceipt(workplace: Workplace, load: Load): Promise<LoadReceipt> {
  const committed = await findLoad(workplace, load.id)
  if (committed === undefined)
    throw new Error(`load ${load.id} failed before, and its rows are gone: they must be read again`)
  return replayedReceipt(committed)
}

/** @throws EmptyReplaceError where an empty replacement would take a full table's place (R6) */
async function refuseEmpty(workplace: Workplace, load: Load, { name }: TableLoad): Promise<void> {
  if (load.replacement!.allowEmpty || (await countRows(workplace, name)) > 0) return
  const rows = (await hasTable(workplace, load.table)) ? await countRows(workplace, load.table) : 0
  if (rows > 0) throw new EmptyReplaceError(load.stream, load.table, rows)
}

/** Swaps a new table in for the live one (R6). */
async function publish(workplace: Workplace, part: TableLoad | SideTableLoad): Promise<void> {
  const { table, name, schema, loadId: id, at } = part
  // Also refuses to drop a table that is not Sluice's.
  await hasTable(workplace, table)
  await dropTable(workplace, table)
  await renameTable(workplace, name, table)
  const columns = columnsOf(schema, 'side' in part && part.side.owner ? part.side.owner : part.key)
  if (columns !== undefined)
    await workplace.connection.run(
      `ALTER INDEX IF EXISTS ${tableIn(workplace, keyIndexName(name, columns))} RENAME TO ${identifier(keyIndexName(table, columns))}`,
    )
  await forgetTableSchema(workplace, table, 'new')
  await writeTableSchema(workplace, table, 'live', schema, { id, at })
}
