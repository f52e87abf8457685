import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load, LoadReceipt, TableCounts } from '../../ports/destination.ts'
import { EmptyReplaceError } from '../errors.ts'
import { replayedReceipt } from '../load-undo.ts'
import { CheckpointsMoved, checkVersions, writeCheckpoints } from './checkpoints.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { countRows, dropTable, renameTable } from './ddl.ts'
import { loadHistory } from './history.ts'
import type { KnownTable, KnownTables } from './known-tables.ts'
import { findLoad, writeLoad } from './load-record.ts'
import { countsOf, insertRows, planMerge } from './merge.ts'
import { loadOwned } from './owned.ts'
import { reconcile } from './reconcile.ts'
import { writeRejects } from './rejects.ts'
import { undoOf } from './revert.ts'
import type { RowFeed } from './row-feed.ts'
import { mainTable, prepareTable, type SideTableLoad, sideTables, type TableLoad } from './table-load.ts'
import { forgetTableSchema, hasTable, readTableSchema, writeTableSchema } from './table-schema.ts'

/** What a commit works with. */
export interface Workplace {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly pool: ChunkPool
  readonly tables: KnownTables
}

/** A load on its way into its tables. */
interface Work {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly pipeline: string
  readonly load: Load
  readonly main: TableLoad
  readonly sides: readonly SideTableLoad[]
  /** What is known of each table once the transaction is through. */
  readonly left: Map<TableLoad, KnownTable>
}

/** What a load did to its tables. */
type Outcome = TableCounts & Pick<LoadReceipt, 'sides'>

/** Publishes a load in one transaction (C1), or nothing of it. */
export async function commitLoad(
  { connection, feed, pool, tables }: Workplace,
  pipeline: string,
  load: Load,
): Promise<LoadReceipt> {
  const main = mainTable(load, pool, tables)
  const sides = sideTables(load, pool, tables)
  const parts = [main, ...sides]
  if (parts.some(({ rows }) => rows.released)) return knownReceipt(connection, pipeline, load)
  for (const { name, table } of parts) {
    tables.forget(name)
    tables.forget(table)
  }
  const work: Work = { connection, feed, pipeline, load, main, sides, left: new Map() }
  const committing = transaction(connection, async () => {
    const undo = await undoOf(connection, pipeline, load)
    await writeCheckpoints(connection, feed, pipeline, load)
    const outcome = await loadTables(work)
    const receipt: LoadReceipt = { loadId: load.id, ...outcome, replayed: false }
    await writeRejects(connection, feed, pipeline, load)
    await writeLoad(connection, pipeline, load, receipt, undo)
    return receipt
  })
  // Whether it was committed before is asked only where something is wrong: a load that was meets its own checkpoints, or its own
  // record, whose key is unique (C3).
  const receipt = await committing
    .catch(async (error: unknown) => {
      const committed = await findLoad(connection, pipeline, load.id).catch(() => undefined)
      if (committed !== undefined) return replayedReceipt(committed)
      if (error instanceof CheckpointsMoved) await checkVersions(connection, feed, pipeline, load)
      throw error
    })
    .finally(() => {
      for (const { rows } of parts) rows.release()
    })
  if (!receipt.replayed)
    for (const [{ name, table }, known] of work.left)
      tables.set(load.replacement?.publish ? table : name, known)
  return receipt
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
      return loadRows(work)
  }
}

async function loadRows({ connection, feed, load, main, sides, left }: Work): Promise<Outcome> {
  const begin = load.replacement?.begin ?? false
  const hasOwned = sides.some(({ side }) => side.write === 'owned')
  const known = await prepareTable(connection, main, begin)
  const plan = await planMerge(connection, feed, main, known, hasOwned)
  await insertRows(connection, feed, main, plan.skipped)
  left.set(main, { schema: main.schema, ...(plan.keys && { keys: plan.keys }) })

  const counts: Record<string, TableCounts> = {}
  for (const part of sides) {
    const present = await prepareTable(connection, part, begin)
    left.set(part, { schema: part.schema })
    if (part.side.write === 'owned') counts[part.table] = await loadOwned(connection, feed, main, part, plan)
    else {
      const sidePlan = await planMerge(connection, feed, part, present)
      await insertRows(connection, feed, part, sidePlan.skipped)
      left.set(part, { schema: part.schema, ...(sidePlan.keys && { keys: sidePlan.keys }) })
      counts[part.table] = countsOf(part, sidePlan)
    }
  }
  if (load.replacement?.publish) {
    await refuseEmpty(connection, load, main)
    for (const part of [main, ...sides]) await publish(connection, part)
  }
  return { ...countsOf(main, plan), sides: counts }
}

/** Adds the versions that the records are. */
async function loadVersions({ connection, feed, main }: Work): Promise<Outcome> {
  await prepareTable(connection, main)
  return { ...(await loadHistory(connection, feed, main)), sides: {} }
}

/** Removes the rows that the records name, and what they own. */
async function deleteRows({ connection, feed, load, main, sides, left }: Work): Promise<Outcome> {
  const schema = main.known?.schema ?? (await readTableSchema(connection, load.table, 'live'))
  // Without a column there is no row.
  if (schema === null || schema.columns.length === 0)
    return { inserted: 0, updated: 0, unchanged: main.rows.length, deleted: 0, sides: {} }
  const known = await prepareTable(connection, main)
  const plan = await planMerge(connection, feed, main, known, sides.length > 0)
  left.set(main, { schema: main.schema, ...(plan.keys && { keys: plan.keys }) })
  const counts: Record<string, TableCounts> = {}
  for (const part of sides) {
    await prepareTable(connection, part)
    counts[part.table] = await loadOwned(connection, feed, main, part, plan)
    left.set(part, { schema: part.schema })
  }
  return { ...countsOf(main, plan), sides: counts }
}

/** Stages keys; the load that publishes removes the rows that none of them names. */
async function stageKeys({ connection, feed, pipeline, load, main, sides, left }: Work): Promise<Outcome> {
  await prepareTable(connection, main, load.replacement!.begin)
  await insertRows(connection, feed, main, new Set())
  const named = { inserted: 0, updated: 0, unchanged: main.rows.length }
  if (!load.replacement!.publish) {
    left.set(main, { schema: main.schema })
    return { ...named, deleted: 0, sides: {} }
  }
  return { ...named, ...(await reconcile(connection, pipeline, load, main, sides)) }
}

/** The receipt of a load that is committed again without its rows (C3). */
async function knownReceipt(
  connection: DuckDBConnection,
  pipeline: string,
  load: Load,
): Promise<LoadReceipt> {
  const committed = await findLoad(connection, pipeline, load.id)
  if (committed === undefined)
    throw new Error(`load ${load.id} failed before, and its rows are gone: they must be read again`)
  return replayedReceipt(committed)
}

/** Runs `work` in a transaction: all of it counts, or nothing. */
export async function transaction<Result>(
  connection: DuckDBConnection,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.run('BEGIN')
  try {
    const result = await work()
    await connection.run('COMMIT')
    return result
  } catch (error) {
    // Refused where the failure has ended the transaction already; the failure is what matters.
    await connection.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** @throws EmptyReplaceError where an empty replacement would take a full table's place (R6) */
async function refuseEmpty(connection: DuckDBConnection, load: Load, { name }: TableLoad): Promise<void> {
  if (load.replacement!.allowEmpty || (await countRows(connection, name)) > 0) return
  const rows = (await hasTable(connection, load.table)) ? await countRows(connection, load.table) : 0
  if (rows > 0) throw new EmptyReplaceError(load.stream, load.table, rows)
}

/** Swaps a new table in for the live one (R6). */
async function publish(connection: DuckDBConnection, part: TableLoad): Promise<void> {
  const { table, name, schema, loadId: id, at } = part
  // Also refuses to drop a table that is not Sluice's.
  await hasTable(connection, table)
  await dropTable(connection, table)
  await renameTable(connection, name, table)
  await forgetTableSchema(connection, table, 'new')
  await writeTableSchema(connection, table, 'live', schema, { id, at })
}
