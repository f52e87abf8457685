import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import type { SchemaChange } from '../schema-change.ts'
import { sqlType } from './columns.ts'
import { convert } from './convert.ts'
import { identifier } from './quote.ts'

/** Makes the table with the load's columns. */
export async function createTable(
  connection: DuckDBConnection,
  table: string,
  schema: TableSchema,
): Promise<void> {
  const columns = schema.columns.map(({ name, type }) => `${identifier(name)} ${sqlType(type)}`)
  columns.push(`${identifier(LOAD_ID_COLUMN)} VARCHAR`)
  await connection.run(`CREATE TABLE ${identifier(table)} (${columns.join(', ')})`)
}

/** Widens and adds columns. What the table holds keeps every digit. */
export async function alterTable(
  connection: DuckDBConnection,
  table: string,
  change: SchemaChange,
): Promise<void> {
  const alter = `ALTER TABLE ${identifier(table)}`
  for (const { from, to } of change.widened) {
    if (sqlType(from.type) === sqlType(to.type)) continue
    const column = identifier(to.name)
    const value = convert(column, from.type, to.type)
    await connection.run(`${alter} ALTER COLUMN ${column} SET DATA TYPE ${sqlType(to.type)} USING ${value}`)
  }
  for (const { name, type } of change.added)
    await connection.run(`${alter} ADD COLUMN ${identifier(name)} ${sqlType(type)}`)
}

export async function dropTable(connection: DuckDBConnection, table: string): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS ${identifier(table)}`)
}

export async function renameTable(connection: DuckDBConnection, from: string, to: string): Promise<void> {
  await connection.run(`ALTER TABLE ${identifier(from)} RENAME TO ${identifier(to)}`)
}
