import { type DuckDBConnection, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api'
import type { Json } from '../../ports/json.ts'
import { VALID_TO_COLUMN } from '../../records/column-name.ts'
import { identifier } from './quote.ts'

/** A row as plain JSON. */
export type QueryRow = { readonly [column: string]: Json }

/**
 * Runs a query and returns its rows as plain JSON: whole numbers as numbers where a double holds them, else as text;
 * decimals as text, times as ISO 8601 in UTC, JSON columns as their text.
 */
export async function readRows(connection: DuckDBConnection, sql: string): Promise<QueryRow[]> {
  const reader = await connection.runAndReadAll(sql)
  const toRow = rowMaker(reader.deduplicatedColumnNames(), reader.columnTypes())
  return reader.getRowsJson().map(toRow)
}

/** Reads columns of a table, some rows at a time, in the same form. */
export async function* streamTable(
  connection: DuckDBConnection,
  table: string,
  columns: readonly string[],
): AsyncGenerator<QueryRow[]> {
  const types = await columnTypesOf(connection, table)
  const selected = columns.map((name) => (types.get(name) === 'VARCHAR' ? wholeText(name) : identifier(name)))
  const present = types.has(VALID_TO_COLUMN) ? `WHERE ${VALID_TO_COLUMN} IS NULL` : ''
  const result = await connection.stream(`SELECT ${selected.join(', ')} FROM ${identifier(table)} ${present}`)
  const toRow = rowMaker(result.deduplicatedColumnNames(), result.columnTypes())
  let isRead = false
  try {
    for await (const rows of result.yieldRowsJson()) yield rows.map(toRow)
    isRead = true
  } finally {
    if (!isRead) {
      // A result that is not read to its end keeps the file open, whatever else is closed.
      connection.interrupt()
      await result.fetchChunk().catch(() => undefined)
    }
  }
}

async function columnTypesOf(
  connection: DuckDBConnection,
  table: string,
): Promise<ReadonlyMap<string, string>> {
  const reader = await connection.runAndReadAll(
    `SELECT column_name, data_type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND lower(table_name) = lower($1)`,
    [table],
  )
  return new Map(reader.getRows() as [name: string, type: string][])
}

/** DuckDB's client for Node drops a byte order mark at the start of a text that it reads: it is given two, where there is one. */
function wholeText(name: string): string {
  const column = identifier(name)
  return `CASE WHEN starts_with(${column}, chr(65279)) THEN chr(65279) || ${column} ELSE ${column} END AS ${column}`
}

function rowMaker(
  names: readonly string[],
  types: readonly DuckDBType[],
): (row: readonly unknown[]) => QueryRow {
  const converters = types.map(({ typeId }) => converterOf(typeId))
  return (row) =>
    Object.fromEntries(
      row.map((value, at) => [names[at]!, value === null ? null : converters[at]!(value as Json)]),
    )
}

function converterOf(type: DuckDBTypeId): (value: Json) => Json {
  switch (type) {
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)
    case DuckDBTypeId.DECIMAL:
      // DuckDB writes `.5` where the type has no digit before the point.
      return (value) => (value as string).replace(/^(-?)\./, '$10.')
    case DuckDBTypeId.TIMESTAMP_TZ:
      // DuckDB writes `2024-01-31 08:00:00.25+00`.
      return (value) => `${(value as string).slice(0, 10)}T${(value as string).slice(11, -3)}Z`
    default:
      return (value) => value
  }
}
