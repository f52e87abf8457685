import type { Load, SideLoad } from '../../ports/destination.ts'
import type { Column, TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { refuseMixedHistory } from '../mixed-history.ts'
import { schemaChange } from '../schema-change.ts'
import type { BufferPool } from './buffer-pool.ts'
import { alterTable, createTable, dropTable } from './ddl.ts'
import { EncodedRows, encodeRows } from './encoded-rows.ts'
import { dropKeyIndexes, ensureKeyIndex } from './key-index.ts'
import { identifier } from './names.ts'
import {
  LOAD_ID_DEFAULT,
  type Place,
  readSoundTable,
  type StoredTable,
  tableName,
  writeTableSchema,
} from './table-schema.ts'
import { tableIn, type Workplace } from './workplace.ts'

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
  readonly mode: 'append' | 'merge' | 'delete' | 'history'
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

/** What is known of the table before the load's rows go in. */
export interface Prepared {
  readonly isEmpty: boolean
}

export function mainTable(load: Load, pool: BufferPool): TableLoad {
  const { mode } = load
  const place = load.replacement === undefined ? 'live' : mode === 'reconcile' ? 'keys' : 'new'
  return {
    ...tableLoad(load, load, place, pool),
    // The keys of a reconciliation are a set: whether one comes twice is all the same.
    mode: mode === 'reconcile' ? 'append' : mode,
    key: mode === 'reconcile' ? [] : load.key,
    ...(load.version !== undefined && { version: load.version }),
    ...(load.tombstones !== undefined && { tombstones: load.tombstones }),
  }
}

export function sideTables(load: Load, pool: BufferPool): SideTableLoad[] {
  const place = load.replacement === undefined || load.mode === 'reconcile' ? 'live' : 'new'
  return (load.sides ?? []).map((side) => ({
    ...tableLoad(load, side, place, pool),
    mode: side.write === 'merge' ? 'merge' : 'append',
    key: side.write === 'owned' ? [] : side.key,
    side,
  }))
}

function tableLoad(
  load: Load,
  part: Pick<SideLoad, 'table' | 'schema' | 'records' | 'rows'>,
  place: Place,
  pool: BufferPool,
) {
  return {
    loadId: load.id,
    at: load.at,
    table: part.table,
    place,
    name: tableName(part.table, place),
    schema: part.schema,
    // As they were encoded while they came, or encoded now.
    rows: part.rows instanceof EncodedRows ? part.rows : encodeRows(part.records, part.schema, pool),
  }
}

/**
 * Makes or changes the table that the rows go into, and the index of what they are found by.
 * @param found the fields by which rows are found
 * @param begin whether what is there is dropped first
 */
export async function prepareTable(
  workplace: Workplace,
  load: TableLoad,
  found: readonly string[],
  begin = false,
): Promise<Prepared> {
  const { loadId: id, at, table, place, name, mode, schema } = load
  if (begin) await dropTable(workplace, name)
  const present = begin ? null : await readSoundTable(workplace, table, place)
  if (present !== null) refuseMixedHistory(table, present.hasHistory, mode)
  const indexes = new Set(present?.indexes)
  const change = schemaChange(name, present?.schema ?? null, schema)
  if (present === null) await createTable(workplace, name, schema, mode === 'history')
  else {
    if (change.widened.length > 0)
      for (const dropped of await dropKeyIndexes(workplace, indexes)) indexes.delete(dropped)
    await alterTable(workplace, name, change)
    if (!present.hasDefault) await restoreDefault(workplace, name)
  }
  if (present === null || change.added.length > 0 || change.widened.length > 0)
    await writeTableSchema(workplace, table, place, schema, { id, at })
  const columns = columnsOf(schema, found)
  if (columns !== undefined) await ensureKeyIndex(workplace, name, columns, indexes)
  return { isEmpty: isEmpty(present) }
}

function isEmpty(present: StoredTable | null): boolean {
  return present === null || present.isEmpty
}

/** The fields' columns; `undefined` where one has none yet, or none are asked for. */
export function columnsOf(schema: TableSchema, fields: readonly string[]): readonly Column[] | undefined {
  const columns = fields.map((field) => schema.columns.find((column) => column.field === field))
  return columns.length === 0 || columns.includes(undefined) ? undefined : (columns as Column[])
}

/** As `columnsOf`, for a load whose rows are found by its key. */
export function keyColumns(load: TableLoad): readonly Column[] {
  const columns = columnsOf(load.schema, load.key)
  if (columns !== undefined) return columns
  const missing = load.key.find((field) => !load.schema.columns.some((column) => column.field === field))
  throw new DestinationSchemaError(
    load.name,
    `the load has no column for its key field ${JSON.stringify(missing)}`,
  )
}

async function restoreDefault(workplace: Workplace, table: string): Promise<void> {
  await workplace.connection.run(
    `ALTER TABLE ${tableIn(workplace, table)} ALTER ${identifier(LOAD_ID_COLUMN)} SET DEFAULT ${LOAD_ID_DEFAULT}`,
  )
}
