import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { sqlType } from './columns.ts'
import { instant } from './instant.ts'

/** The name of the table that a replacement is loaded into until it is published (R6). */
export function stagedName(table: string): string {
  return `_sluice_new_${table}`
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
  staged: boolean,
): Promise<TableSchema | null> {
  const stored = await readTable(connection, table, staged)
  if (stored === null) return null
  const { schema, types } = stored
  for (const column of [...schema.columns, { name: LOAD_ID_COLUMN, type: { kind: 'text' } as const }]) {
    const found = types.get(column.name)
    if (found === sqlType(column.type)) continue
    const problem = found === undefined ? 'is gone' : `has become ${found}, it was ${sqlType(column.type)}`
    throw new DestinationSchemaError(
      staged ? stagedName(table) : table,
      `its column ${column.name} ${problem}`,
    )
  }
  return schema
}

/**
 * Whether a live table is there, in whatever state: a replacement takes its place.
 * @throws DestinationSchemaError where the table is not Sluice's
 */
export async function hasTable(connection: DuckDBConnection, table: string): Promise<boolean> {
  return (await readTable(connection, table, false)) !== null
}

async function readTable(
  connection: DuckDBConnection,
  table: string,
  staged: boolean,
): Promise<StoredTable | null> {
  const name = staged ? stagedName(table) : table
  const reader = await connection.runAndReadAll(
    `SELECT column_name, data_type,
       (SELECT columns FROM _sluice_schemas WHERE lower(table_name) = lower($2) AND staged = $3) AS known
     FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND lower(table_name) = lower($1)
     ORDER BY column_index`,
    [name, table, staged],
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
  staged: boolean,
  schema: TableSchema,
  load: { readonly id: string; readonly at: number },
): Promise<void> {
  await forgetTableSchema(connection, table, staged)
  await connection.run(`INSERT INTO _sluice_schemas VALUES ($1, $2, $3, $4, $5)`, [
    table,
    staged,
    JSON.stringify(schema),
    load.id,
    instant(load.at),
  ])
}

export async function forgetTableSchema(
  connection: DuckDBConnection,
  table: string,
  staged: boolean,
): Promise<void> {
  await connection.run('DELETE FROM _sluice_schemas WHERE lower(table_name) = lower($1) AND staged = $2', [
    table,
    staged,
  ])
}
