import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load, LoadReceipt } from '../../ports/destination.ts'
import { EmptyReplaceError } from '../errors.ts'
import { schemaChange } from '../schema-change.ts'
import type { KeyRange } from './batch-keys.ts'
import { CheckpointsMoved, checkVersions, writeCheckpoints } from './checkpoints.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { alterTable, createTable, dropTable, renameTable } from './ddl.ts'
import { EncodedRows, encodeRows } from './encoded-rows.ts'
import { instant } from './instant.ts'
import type { KnownTable, KnownTables } from './known-tables.ts'
import { emptyRange, insertRows, planMerge } from './merge.ts'
import { identifier } from './quote.ts'
import { writeRejects } from './rejects.ts'
import type { RowFeed } from './row-feed.ts'
import { forgetTableSchema, hasTable, readTableSchema, stagedName, writeTableSchema } from './table-schema.ts'

/** What a commit works with. */
export interface Workplace {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly pool: ChunkPool
  readonly tables: KnownTables
}

/** Publishes a load in one transaction (C1), or nothing of it. */
export async function commitLoad(
  { connection, feed, pool, tables }: Workplace,
  pipeline: string,
  load: Load,
): Promise<LoadReceipt> {
  const rows = encodedRows(load, pool)
  if (rows.released) return replayedReceipt(connection, pipeline, load)
  const table = load.replacement === undefined ? load.table : stagedName(load.table)
  const known = tables.get(table)
  tables.forget(table)
  tables.forget(load.table)
  let keys: KeyRange | undefined
  const work = transaction(connection, async () => {
    await writeCheckpoints(connection, feed, pipeline, load)
    const present = await prepareTable(connection, load, table, known)
    const plan = await planMerge(connection, feed, load, rows, table, present)
    keys = plan.keys
    await insertRows(connection, feed, load, rows, table, plan.skipped)
    if (load.replacement?.publish) await publish(connection, load)
    await writeRejects(connection, feed, pipeline, load)
    const written = rows.length - plan.skipped.size
    const receipt: LoadReceipt = {
      loadId: load.id,
      inserted: written - plan.updated,
      updated: plan.updated,
      unchanged: plan.skipped.size,
      replayed: false,
    }
    await writeLoad(connection, pipeline, load, receipt)
    return receipt
  })
  // Whether it was committed before is asked only where something is wrong: a load that was meets its own checkpoints, or its own
  // record, whose key is unique (C3).
  const receipt = await work
    .catch(async (error: unknown) => {
      const replayed = await findReceipt(connection, pipeline, load.id).catch(() => undefined)
      if (replayed !== undefined) return replayed
      if (error instanceof CheckpointsMoved) await checkVersions(connection, feed, pipeline, load)
      throw error
    })
    .finally(() => rows.release())
  if (!receipt.replayed)
    tables.set(load.replacement?.publish ? load.table : table, {
      schema: load.schema,
      ...(keys !== undefined && { keys }),
    })
  return receipt
}

/** The receipt of a load that is committed again without its rows (C3). */
async function replayedReceipt(
  connection: DuckDBConnection,
  pipeline: string,
  load: Load,
): Promise<LoadReceipt> {
  const receipt = await findReceipt(connection, pipeline, load.id)
  if (receipt === undefined)
    throw new Error(`load ${load.id} failed before, and its rows are gone: they must be read again`)
  return receipt
}

/** A load's rows as they were encoded while they came, or its records, encoded now. */
function encodedRows(load: Load, pool: ChunkPool): EncodedRows {
  return load.rows instanceof EncodedRows ? load.rows : encodeRows(load.records, load.schema, pool)
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

/** Makes or changes the table that the load's rows go into; returns what is known of it. */
async function prepareTable(
  connection: DuckDBConnection,
  load: Load,
  table: string,
  known: KnownTable | undefined,
): Promise<KnownTable> {
  const staged = load.replacement !== undefined
  if (load.replacement?.begin) await dropTable(connection, table)
  const present = load.replacement?.begin
    ? null
    : (known?.schema ?? (await readTableSchema(connection, load.table, staged)))
  const change = schemaChange(table, present, load.schema)
  if (present === null) await createTable(connection, table, load.schema)
  else if (change.added.length > 0 || change.widened.length > 0) await alterTable(connection, table, change)
  else return known ?? { schema: present }
  await writeTableSchema(connection, load.table, staged, load.schema, load)
  return { ...(present === null ? { keys: emptyRange } : known), schema: load.schema }
}

/** Swaps the new table in for the live one (R6). */
async function publish(connection: DuckDBConnection, load: Load): Promise<void> {
  const fresh = stagedName(load.table)
  // Also refuses to drop a table that is not Sluice's.
  const isLive = await hasTable(connection, load.table)
  if (isLive && !load.replacement!.allowEmpty && (await countRows(connection, fresh)) === 0) {
    const rows = await countRows(connection, load.table)
    if (rows > 0) throw new EmptyReplaceError(load.stream, load.table, rows)
  }
  await dropTable(connection, load.table)
  await renameTable(connection, fresh, load.table)
  await forgetTableSchema(connection, load.table, true)
  await writeTableSchema(connection, load.table, false, load.schema, load)
}

async function countRows(connection: DuckDBConnection, table: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${identifier(table)}`)
  return Number(reader.getRows()[0]![0])
}

/** What the load did when it was committed before (C3). */
async function findReceipt(
  connection: DuckDBConnection,
  pipeline: string,
  loadId: string,
): Promise<LoadReceipt | undefined> {
  const reader = await connection.runAndReadAll(
    'SELECT inserted, updated, unchanged FROM _sluice_loads WHERE pipeline = $1 AND load_id = $2',
    [pipeline, loadId],
  )
  const [row] = reader.getRows()
  if (row === undefined) return undefined
  const [inserted, updated, unchanged] = row.map(Number) as [number, number, number]
  return { loadId, inserted, updated, unchanged, replayed: true }
}

async function writeLoad(connection: DuckDBConnection, pipeline: string, load: Load, receipt: LoadReceipt) {
  await connection.run('INSERT INTO _sluice_loads VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    pipeline,
    load.id,
    load.runId,
    load.stream,
    load.table,
    receipt.inserted,
    receipt.updated,
    receipt.unchanged,
    load.rejects.length,
    instant(load.at),
  ])
}
