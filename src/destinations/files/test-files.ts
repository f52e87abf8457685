import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { JsonRecord } from '../../ports/json.ts'
import type { ConformanceHarness } from '../conformance.ts'
import { type QueryRow, readRows } from '../duckdb/query.ts'
import { identifier } from '../duckdb/quote.ts'
import { type FilesDestination, type FilesInput, filesDestination } from './files.ts'

/** A directory of its own for each test's files, removed with `remove`. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-files-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Runs a statement in a DuckDB of its own, as a user does: nothing may be fetched. */
export async function queryDuckdb(sql: string): Promise<QueryRow[]> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    const described = await readRows(connection, `DESCRIBE ${sql}`)
    const columns = described.map(({ column_name: name, column_type: type }) => {
      const column = identifier(name as string)
      if (type !== 'VARCHAR') return column
      // DuckDB's client for Node drops a byte order mark at the start of a text that it reads: it is given two, where there is one.
      return `CASE WHEN starts_with(${column}, chr(65279)) THEN chr(65279) || ${column} ELSE ${column} END AS ${column}`
    })
    return await readRows(connection, `SELECT ${columns.join(', ')} FROM (${sql})`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The rows that a table's statement reads; none where there is no such table in either pipeline. */
export async function liveRows(
  destination: FilesDestination,
  table: string,
  pipelines: readonly string[] = ['conformance', 'other'],
  localise: (sql: string) => Promise<string> = async (sql) => sql,
): Promise<JsonRecord[]> {
  const rows: QueryRow[] = []
  for (const pipeline of pipelines)
    for (const listed of await destination.list(pipeline))
      if (listed.table === table) rows.push(...(await queryDuckdb(await localise(listed.sql))))
  return rows as JsonRecord[]
}

/** Looks into a folder or bucket for the conformance suite. */
export function filesHarness(
  open: () => FilesDestination,
  localise?: (sql: string) => Promise<string>,
): ConformanceHarness {
  const destination = open()
  return {
    open: async () => destination,
    reopen: async () => open(),
    rows: (table) => liveRows(destination, table, undefined, localise),
    rejects: (pipeline) => destination.rejects(pipeline),
    loads: async (pipeline) => {
      await using session = await destination.open(pipeline, { readOnly: true })
      return (await session.loads()).map(({ id }) => id)
    },
    runs: (pipeline) => destination.runs(pipeline),
  }
}

export function filesAt(
  path: string,
  options: Partial<Omit<FilesInput, 'type' | 'path'>> = {},
): FilesDestination {
  return filesDestination({ path, ...options })
}
