import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load, SideLoad } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { refuseMixedHistory } from '../mixed-history.ts'
import { schemaChange } from '../schema-change.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { alterTable, createTable, dropTable } from './ddl.ts'
import { EncodedRows, encodeRows } from './encoded-rows.ts'
import type { KnownTable, KnownTables } from './known-tables.ts'
import { emptyRange } from './merge.ts'
import { keepsHistory, type Place, readTableSchema, tableName, writeTableSchema } from './table-schema.ts'

/** A load's part in one table. */
export interface TableLoad {
  readonly loadId: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The live table. */
  readonly table: string
  readonly place: Place
  /** The table that its rows go into. */
  readonly name: string
  /** What this process knew of it before the load. */
  readonly known: KnownTable | undefined
  readonly mode: 'append' | 'merge' | 'history' | 'delete'
  readonly key: readonly string[]
  readonly version?: string
  readonly schema: TableSchema
  readonly rows: EncodedRows
  /** Numbers of the rows that remove that of their key. */
  readonly tombstones?: ReadonlySet<number>
}

export interface SideTableLoad extends TableLoad {
  readonly side: SideLoad
}

export function mainTable(load: Load, pool: ChunkPool, tables: KnownTables): TableLoad {
  const { mode } = load
  // The keys of a reconciliation are a set: whether one comes twice is all the same.
  const place = load.replacement === undefined ? 'live' : mode === 'reconcile' ? 'keys' : 'new'
  return {
    ...tableLoad(load, load, place, pool, tables),
    mode: mode === 'reconcile' ? 'append' : mode,
    key: mode === 'reconcile' ? [] : load.key,
    ...(load.version !== undefined && { version: load.version }),
    ...(load.tombstones !== undefined && { tombstones: load.tombstones }),
  }
}

export function sideTables(load: Load, pool: ChunkPool, tables: KnownTables): SideTableLoad[] {
  const place = load.replacement === undefined || load.mode === 'reconcile' ? 'live' : 'new'
  return (load.sides ?? []).map((side) => ({
    ...tableLoad(load, side, place, pool, tables),
    mode: side.write === 'merge' ? 'merge' : 'append',
    key: side.write === 'owned' ? [] : side.key,
    side,
  }))
}

function tableLoad(
  load: Load,
  part: Pick<SideLoad, 'table' | 'schema' | 'records' | 'rows'>,
  place: Place,
  pool: ChunkPool,
  tables: KnownTables,
) {
  const name = tableName(part.table, place)
  return {
    loadId: load.id,
    at: load.at,
    table: part.table,
    place,
    name,
    known: tables.get(name),
    schema: part.schema,
    // As they were encoded while they came, or encoded now.
    rows: part.rows instanceof EncodedRows ? part.rows : encodeRows(part.records, part.schema, pool),
  }
}

/**
 * Makes or changes the table that the rows go into; returns what is known of it.
 * @param begin whether what is there is dropped first
 */
export async function prepareTable(
  connection: DuckDBConnection,
  { loadId: id, at, table, place, name, known, mode, schema }: TableLoad,
  begin = false,
): Promise<KnownTable> {
  if (begin) await dropTable(connection, name)
  const present = begin ? null : (known?.schema ?? (await readTableSchema(connection, table, place)))
  // What is known keeps none: a table with history is looked at each time.
  if (present !== null && (known === undefined || mode === 'history'))
    refuseMixedHistory(table, await keepsHistory(connection, name), mode)
  const change = schemaChange(name, present, schema)
  if (present === null) await createTable(connection, name, schema, mode === 'history')
  else if (change.added.length > 0 || change.widened.length > 0) await alterTable(connection, name, change)
  else return known ?? { schema: present }
  await writeTableSchema(connection, table, place, schema, { id, at })
  return { ...(present === null ? { keys: emptyRange } : known), schema }
}
