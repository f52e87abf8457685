import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type QueryRow, streamTable } from '../duckdb/query.ts'
import { liveSql } from './live-sql.ts'
import type { PipelineState } from './manifest/state.ts'
import type { ObjectStore } from './store/object-store.ts'

/** Most memory that DuckDB takes while it reads; beyond it, it spills. */
const MEMORY = '256MiB'

/**
 * The live rows of a table, some at a time, by the very statement that `sluice files --sql` prints. Files of a bucket are brought to this
 * machine's disk for as long as they are read.
 */
export async function* readLiveRows(
  { store, base }: { readonly store: ObjectStore; readonly base: string },
  { tables }: PipelineState,
  table: string,
  columns: readonly string[],
): AsyncGenerator<QueryRow[]> {
  const state = tables.get(table)
  if (state === undefined) return
  const folder = await mkdtemp(join(tmpdir(), 'sluice-read-'))
  try {
    const owner = state.rule !== undefined && 'owner' in state.rule ? tables.get(state.rule.owner) : undefined
    const local = new Map<string, string>()
    for (const { path } of [...state.files, ...(owner?.files ?? [])])
      local.set(path, await store.localCopy(`${base}${path}`, join(folder, String(local.size))))
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY,
      threads: '1',
      temp_directory: join(folder, 'spilled'),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    try {
      const connection = await instance.connect()
      await connection.run(`SET TimeZone = 'UTC'`)
      await connection.run(`CREATE VIEW live AS ${liveSql(table, tables, (path) => local.get(path)!)}`)
      yield* streamTable(connection, 'live', columns)
      connection.closeSync()
    } finally {
      instance.closeSync()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
