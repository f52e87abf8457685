import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../../records/column-name.ts'
import type { SchemaChange } from '../schema-change.ts'
import { sqlType } from './columns.ts'
import { callsFunction, convert } from './convert.ts'
import { identifier } from './quote.ts'

/** Makes the table with the load's columns, and with those of a version's validity. */
export async function createTable(
  connection: DuckDBConnection,
  table: string,
  schema: TableSchema,
  withHistory: boolean,
): Promise<void> {
  const columns = schema.columns.map(({ name, type }) => `${identifier(name)} ${sqlType(type)}`)
  if (withHistory) columns.push(`${VALID_FROM_COLUMN} TIMESTAMPTZ`, `${VALID_TO_COLUMN} TIMESTAMPTZ`)
  columns.push(`${identifier(LOAD_ID_COLUMN)} VARCHAR`)
  await connection.run(`CREATE TABLE ${identifier(table)} (${columns.join(', ')})`)
}

/** Widens and adds columns. What the table holds keeps every digit. */
export async function alterTable(
  connection: DuckDBConnection,
  table: string,
  change: SchemaChange,
): Promise<void> {
  const widened = change.widened.filter(({ from, to }) => sqlType(from.type) !== sqlType(to.type))
  if (widened.some(({ from, to }) => callsFunction(from.type, to.type)))
    await rebuildTable(connection, table, widened)
  else for (const column of widened) await widenColumn(connection, table, column)
  for (const { name, type } of change.added)
    await connection.run(`ALTER TABLE ${identifier(table)} ADD COLUMN ${identifier(name)} ${sqlType(type)}`)
}

type Widening = SchemaChange['widened'][number]

async function widenColumn(connection: DuckDBConnection, table: string, { from, to }: Widening) {
  const column = identifier(to.name)
  const value = convert(column, from.type, to.type)
  await connection.run(
    `ALTER TABLE ${identifier(table)} ALTER COLUMN ${column} SET DATA TYPE ${sqlType(to.type)} USING ${value}`,
  )
}

/** Writes the table anew with wider columns. Its columns keep their order, those that someone else added are kept too. */
async function rebuildTable(connection: DuckDBConnection, table: string, widened: readonly Widening[]) {
  const wide = `_sluice_wide_${table}`
  const values = widened.map(({ from, to }) => {
    const column = identifier(to.name)
    return `CAST(${convert(column, from.type, to.type)} AS ${sqlType(to.type)}) AS ${column}`
  })
  await connection.run(
    `CREATE TABLE ${identifier(wide)} AS SELECT * REPLACE (${values.join(', ')}) FROM ${identifier(table)}`,
  )
  await dropTable(connection, table)
  await renameTable(connection, wide, table)
}

export async function dropTable(connection: DuckDBConnection, table: string): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS ${identifier(table)}`)
}

export async function renameTable(connection: DuckDBConnection, from: string, to: string): Promise<void> {
  await connection.run(`ALTER TABLE ${identifier(from)} RENAME TO ${identifier(to)}`)
}

export async function countRows(connection: DuckDBConnection, table: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${identifier(table)}`)
  return Number(reader.getRows()[0]![0])
}
