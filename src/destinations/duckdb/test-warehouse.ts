import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Load } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { observeRecords } from '../../records/observe.ts'
import { stateRows } from '../conformance/state-rows.ts'
import type { ConformanceHarness } from '../conformance.ts'
import { createDuckdbDestination, type DuckdbDestination, type DuckdbInput, duckdbOptions } from './duckdb.ts'
import { identifier, literal } from './quote.ts'

/** A directory of its own for each test's files, removed with `remove`. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-duckdb-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The destination for a file, with the defaults but for the file being kept while a session is open. */
export function destinationAt(
  path: string,
  options: Partial<DuckdbInput> = {},
  surroundings: Parameters<typeof createDuckdbDestination>[1] = {},
): DuckdbDestination {
  return createDuckdbDestination(
    duckdbOptions.parse({ type: 'duckdb', path, idleRelease: 'off', ...options }),
    surroundings,
  )
}

/** A load of records by `id` into the table `items`, after what is present there; what differs from it goes on top. */
export function itemsLoad(
  id: string,
  records: readonly JsonRecord[],
  present: TableSchema | null,
  fromVersion: number,
  options: Partial<Load> = {},
): Load {
  return {
    id,
    runId: 'run',
    at: 0,
    stream: 'items',
    table: 'items',
    mode: 'merge',
    key: ['id'],
    schema: observeRecords(present, records).schema,
    records,
    rejects: [],
    checkpoints: [{ slice: 'all', fromVersion, position: id, highWater: null }],
    ...options,
  }
}

/** Looks into a DuckDB file for the conformance suite. */
export function duckdbHarness(path: string): ConformanceHarness {
  const destination = destinationAt(path)
  const of = (table: string, pipeline: string) =>
    destination.query(`SELECT * FROM ${table} WHERE pipeline = ${literal(pipeline)}`)
  return {
    open: async () => destination,
    reopen: async () => destinationAt(path),
    async rows(table) {
      const [found] = await destination.query(
        `SELECT count(*) AS tables FROM duckdb_tables() WHERE table_name = ${literal(table)}`,
      )
      if (found?.['tables'] === 0) return []
      const columns = await destination.query(
        `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ${literal(table)}`,
      )
      const selected = columns.map(({ column_name: name, data_type: type }) =>
        readWhole(identifier(name as string), type as string),
      )
      return (await destination.query(
        `SELECT ${selected.join(', ')} FROM ${identifier(table)}`,
      )) as JsonRecord[]
    },
    ...stateRows(of),
  }
}

/** DuckDB's client for Node drops a byte order mark at the start of a text that it reads: it is given two, where there is one. */
function readWhole(column: string, type: string): string {
  if (type !== 'VARCHAR') return column
  return `CASE WHEN starts_with(${column}, chr(65279)) THEN chr(65279) || ${column} ELSE ${column} END AS ${column}`
}
