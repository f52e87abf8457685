import type { Json } from '../../ports/json.ts'
import type { Connection } from './connection.ts'

/** A row as plain JSON. */
export type QueryRow = { readonly [column: string]: Json }

/**
 * Runs a query and returns its rows as plain JSON: whole numbers as numbers where a double holds them, else as text;
 * decimals as text, times as ISO 8601 in UTC, JSON columns as their text.
 */
export async function readQuery(connection: Connection, sql: string): Promise<QueryRow[]> {
  const { names, rows } = await connection.table(sql)
  const distinct = deduplicated(names)
  return rows.map((row) => Object.fromEntries(row.map((value, at) => [distinct[at]!, value])))
}

/** Of columns with one name the second is called `name:1`, and so on. */
function deduplicated(names: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return names.map((name) => {
    const times = seen.get(name) ?? 0
    seen.set(name, times + 1)
    return times === 0 ? name : `${name}:${times}`
  })
}
