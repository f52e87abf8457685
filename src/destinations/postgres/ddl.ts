import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../../records/column-name.ts'
import type { SchemaChange } from '../schema-change.ts'
import { sqlType } from './columns.ts'
import { convert } from './convert.ts'
import { identifier } from './names.ts'
import { LOAD_ID_DEFAULT } from './table-schema.ts'
import { tableIn, type Workplace } from './workplace.ts'

/** Makes the table with the load's columns, and with those of a version's validity. */
export async function createTable(
  workplace: Workplace,
  table: string,
  schema: TableSchema,
  withHistory: boolean,
): Promise<void> {
  const columns = schema.columns.map(({ name, type }) => `${identifier(name)} ${sqlType(type)}`)
  if (withHistory) columns.push(`${VALID_FROM_COLUMN} timestamptz`, `${VALID_TO_COLUMN} timestamptz`)
  columns.push(`${identifier(LOAD_ID_COLUMN)} text DEFAULT ${LOAD_ID_DEFAULT}`)
  await workplace.connection.run(`CREATE TABLE ${tableIn(workplace, table)} (${columns.join(', ')})`)
}

/** Widens and adds columns, in one statement: the table is written anew once. What it holds keeps every digit. */
export async function alterTable(workplace: Workplace, table: string, change: SchemaChange): Promise<void> {
  const widened = change.widened
    .filter(({ from, to }) => sqlType(from.type) !== sqlType(to.type))
    .map(({ from, to }) => {
      const column = identifier(to.name)
      return `ALTER ${column} TYPE ${sqlType(to.type)} USING ${convert(column, from.type, to.type)}`
    })
  const added = change.added.map(({ name, type }) => `ADD ${identifier(name)} ${sqlType(type)}`)
  const changes = [...widened, ...added]
  if (changes.length === 0) return
  await workplace.connection.run(`ALTER TABLE ${tableIn(workplace, table)} ${changes.join(', ')}`)
}

export async function dropTable(workplace: Workplace, table: string): Promise<void> {
  await workplace.connection.run(`DROP TABLE IF EXISTS ${tableIn(workplace, table)}`)
}

export async function renameTable(workplace: Workplace, from: string, to: string): Promise<void> {
  await workplace.connection.run(`ALTER TABLE ${tableIn(workplace, from)} RENAME TO ${identifier(to)}`)
}

export async function countRows(workplace: Workplace, table: string): Promise<number> {
  const [[count] = [0]] = await workplace.connection.rows<[number]>(
    `SELECT count(*) FROM ${tableIn(workplace, table)}`,
  )
  return count
}
