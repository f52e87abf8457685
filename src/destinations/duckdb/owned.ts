import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableCounts } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { fedColumn, markColumn } from './fed-column.ts'
import { insertRows, type MergePlan } from './merge.ts'
import { identifier } from './quote.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'
import type { SideTableLoad, TableLoad } from './table-load.ts'

// Rows that belong to records follow what became of them: those of the version that counts take the place of all that its
// key had. Which ones that are is known from the plan of the records; the table itself needs no key.

/** Loads the rows that belong to a load's records. Runs in its transaction, once the records are planned and the table is there. */
export async function loadOwned(
  connection: DuckDBConnection,
  feed: RowFeed,
  main: TableLoad,
  side: SideTableLoad,
  plan: MergePlan,
): Promise<TableCounts> {
  const { refused, matched } = plan.fate!
  const { owners = [] } = side.side
  const deleted = main.mode === 'append' ? 0 : await removeOfRecords(connection, feed, main, side, matched)
  const skipped = new Set<number>()
  if (refused.size > 0)
    for (let row = 0; row < owners.length; row++) if (refused.has(owners[row]!)) skipped.add(row)
  await insertRows(connection, feed, side, skipped)
  return { inserted: side.rows.length - skipped.size, updated: 0, unchanged: skipped.size, deleted }
}

/** Removes all rows of the keys of the given records. */
async function removeOfRecords(
  connection: DuckDBConnection,
  feed: RowFeed,
  main: TableLoad,
  side: SideTableLoad,
  ordinals: ReadonlySet<number>,
): Promise<number> {
  if (ordinals.size === 0) return 0
  const parts = main.key.map((field, index) =>
    fedColumn(
      main.schema,
      main.schema.columns.findIndex((column) => column.field === field),
      `k${index}`,
    ),
  )
  const marked = markColumn('marked', (ordinal) => ordinals.has(ordinal))
  const keys = parts.map(({ name, expression }) => `${expression} AS ${name}`).join(', ')
  return feed.use([...parts, marked], main.rows, () =>
    removeOwned(connection, side, side.schema, `(SELECT ${keys} FROM ${FED_ROWS} WHERE marked)`),
  )
}

/**
 * Removes the rows whose owner is among the keys; returns how many.
 * @param keys SQL that has the keys' fields as k0, k1, …
 */
export async function removeOwned(
  connection: DuckDBConnection,
  { name, side }: SideTableLoad,
  schema: TableSchema,
  keys: string,
): Promise<number> {
  const owner = (side.owner ?? []).map((field) => schema.columns.find((column) => column.field === field))
  // Without the column no row has been there yet.
  if (owner.length === 0 || owner.includes(undefined)) return 0
  const on = owner.map((column, at) => `s.${identifier(column!.name)} = k.k${at}`).join(' AND ')
  const table = identifier(name)
  const result = await connection.run(
    `DELETE FROM ${table} WHERE rowid IN (SELECT s.rowid FROM ${table} s JOIN ${keys} k ON ${on})`,
  )
  return result.rowsChanged
}
