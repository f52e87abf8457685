import { type DuckDBConnection, DuckDBTypeId } from '@duckdb/node-api'
import type { Json } from '../../ports/json.ts'

/** A row as plain JSON. */
export type QueryRow = { readonly [column: string]: Json }

/**
 * Runs a query and returns its rows as plain JSON: whole numbers as numbers where a double holds them, else as text;
 * decimals as text, times as ISO 8601 in UTC, JSON columns as their text.
 */
export async function readRows(connection: DuckDBConnection, sql: string): Promise<QueryRow[]> {
  const reader = await connection.runAndReadAll(sql)
  const names = reader.deduplicatedColumnNames()
  const converters = reader.columnTypes().map(({ typeId }) => converterOf(typeId))
  return reader
    .getRowsJson()
    .map((row) =>
      Object.fromEntries(
        row.map((value, at) => [names[at]!, value === null ? null : converters[at]!(value as Json)]),
      ),
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
