import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { sqlType } from './columns.ts'
import { instant } from './instant.ts'

/**
 * Where a load's rows go: into the live table, into the one that a replacement stages beside it (R6), or among the keys that a
 * reconciliation stages.
 */
export type Place = 'live' | 'new' | 'keys'

/** The table's name in the file. */
export function tableName(table: string, place: Place): string {
  return place === 'live' ? table : `_sluice_${place}_${table}`
}

/** Under which name, and as what, the columns of a table are noted. */
function noted(table: string, place: Place): [name: string, staged: boolean] {
  return [place === 'keys' ? tableName(table, place) : table, place !== 'live']
}

interface StoredTable {
  /** As Sluice left it. */
  readonly schema: TableSchema
  /** SQL types by column, as they are now. */
  readonly types: ReadonlyMap<string, string>
}

/**
 * The columns of a table, or `null` where it is not there.
 * @throws DestinationSchemaError where the table is not Sluice's, or was changed by someone else
 */
export async function readTableSchema(
  connection: DuckDBConnection,
  table: string,
  place: Place,
): Promise<TableSchema | null> {
  const stored = await readTable(connection, table, place)
  if (stored === null) return null
  const { schema, types } = stored
  for (const column of [...schema.columns, { name: LOAD_ID_COLUMN, type: { kind: 'text' } as const }]) {
    const found = types.get(column.name)
    if (found === sqlType(column.type)) continue
    const problem = found === undefined ? 'is gone' : `has become ${found}, it was ${sqlType(column.type)}`
    throw new DestinationSchemaError(tableName(table, place), `its column ${column.name} ${problem}`)
  }
  return schema
}

/**
 * Whether a live table is there, in whatever state: a replacement takes its place.
 * @throws DestinationSchemaError where the table is not Sluice's
 */
export async function hasTable(connection: DuckDBConnection, table: string): Promise<boolean> {
  return (await readTable(connection, table, 'live')) !== null
}

/** Whether a table's rows have a validity. */
export async function keepsHistory(connection: DuckDBConnection, name: string): Promise<boolean> {
  const reader = await connection.runAndReadAll(
    `SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main'
       AND lower(table_name) = lower($1) AND column_name = '${VALID_FROM_COLUMN}'`,
    [name],
  )
  return reader.currentRowCount > 0
}

async function readTable(
  connection: DuckDBConnection,
  table: string,
  place: Place,
): Promise<StoredTable | null> {
  const name = tableName(table, place)
  const reader = await connection.runAndReadAll(
    `SELECT column_name, data_type,
       (SELECT columns FROM _sluice_schemas WHERE lower(table_name) = lower($2) AND staged = $3) AS known
     FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND lower(table_name) = lower($1)
     ORDER BY column_index`,
    [name, ...noted(table, place)],
  )
  const rows = reader.getRows() as [name: string, type: string, known: string | null][]
  const [first] = rows
  if (first === undefined) return null
  if (first[2] === null)
    throw new DestinationSchemaError(
      name,
      'it is in the file, but Sluice did not make it. Give the stream another table',
    )
  return {
    schema: JSON.parse(first[2]) as TableSchema,
    types: new Map(rows.map(([column, type]) => [column, type])),
  }
}

/** Notes the columns of a table. */
export async function writeTableSchema(
  connection: DuckDBConnection,
  table: string,
  place: Place,
  schema: TableSchema,
  load: { readonly id: string; readonly at: number },
): Promise<void> {
  await forgetTableSchema(connection, table, place)
  await connection.run(`INSERT INTO _sluice_schemas VALUES ($1, $2, $3, $4, $5)`, [
    ...noted(table, place),
    JSON.stringify(schema),
    load.id,
    instant(load.at),
  ])
}

export async function forgetTableSchema(
  connection: DuckDBConnection,
  table: string,
  place: Place,
): Promise<void> {
  await connection.run(
    'DELETE FROM _sluice_schemas WHERE lower(table_name) = lower($1) AND staged = $2',
    noted(table, place),
  )
}
