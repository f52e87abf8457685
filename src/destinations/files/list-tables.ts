import { liveSql } from './live-sql.ts'
import { rowsOf } from './manifest/state.ts'
import type { SessionParts } from './session.ts'

/** A data file that is live. */
export interface ListedFile {
  /** Where it is, as a reader writes it: an absolute path, or `s3://bucket/key`. */
  readonly location: string
  readonly rows: number
  readonly bytes: number
  readonly loadId: string
  readonly stream: string
  /** When its load was made, in milliseconds since 1970. */
  readonly at: number
}

/** What is live of a table. */
export interface ListedTable {
  readonly table: string
  readonly rows: number
  readonly files: readonly ListedFile[]
  /** One DuckDB statement that reads exactly the live rows, with the types that the columns have now. */
  readonly sql: string
}

/** What is live of a pipeline, as of the last entry that was read. */
export function listTables({
  store,
  base,
  log,
}: Pick<SessionParts, 'store' | 'base' | 'log'>): ListedTable[] {
  const { tables } = log.state
  const location = (path: string) => store.location(`${base}${path}`)
  return [...tables].map(([table, state]) => ({
    table,
    rows: rowsOf(state),
    files: state.files.map((file) => ({
      location: location(file.path),
      rows: file.rows,
      bytes: file.bytes,
      loadId: file.loadId,
      stream: file.stream,
      at: file.at,
    })),
    sql: liveSql(table, tables, location),
  }))
}
