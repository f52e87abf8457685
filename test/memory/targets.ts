// Where a measured run loads to, and how its rows are counted afterwards.
import { join } from 'node:path'
import pg from 'pg'
import { destinationAt } from '../../src/destinations/duckdb/test-warehouse.ts'
import { filesAt, queryDuckdb } from '../../src/destinations/files/test-files.ts'

export interface Counted {
  readonly rows: number
  /** How many different ids the rows have. */
  readonly ids: number
}

export interface Target {
  readonly name: string
  /** How the rows are written. */
  readonly write: 'append' | 'merge'
  /** What a run may hold, whatever the number of records, in MiB. */
  readonly limitMiB: number
  /** The pipeline's destination, for an empty directory that is the run's own. */
  destination(directory: string): Readonly<Record<string, unknown>>
  /** Counts what was stored. What does not lie in the directory is gone afterwards. */
  count(directory: string): Promise<Counted>
}

const counts = 'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM'

function counted(row: Readonly<Record<string, unknown>> | undefined): Counted {
  return { rows: Number(row?.['rows']), ids: Number(row?.['ids']) }
}

export const duckdbTarget: Target = {
  name: 'duckdb',
  write: 'merge',
  limitMiB: 350,
  destination: () => ({ type: 'duckdb', path: 'warehouse.duckdb' }),
  async count(directory) {
    const [row] = await destinationAt(join(directory, 'warehouse.duckdb')).query(`${counts} bench_rows`)
    return counted(row)
  },
}

export const parquetTarget: Target = {
  name: 'parquet',
  write: 'append',
  limitMiB: 350,
  destination: () => ({ type: 'files', path: 'files', format: 'parquet' }),
  async count(directory) {
    const listed = await filesAt(join(directory, 'files')).list('memory')
    const table = listed.find((one) => one.table === 'bench_rows')
    const [row] = await queryDuckdb(`${counts} (${table?.sql})`)
    return counted(row)
  },
}

/** @param url a server whose schema `memory` is nobody else's */
export function postgresTarget(url: string): Target {
  return {
    name: 'postgres',
    write: 'merge',
    limitMiB: 250,
    destination: () => ({ type: 'postgres', url, schema: 'memory' }),
    async count() {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        const { rows } = await client.query(`${counts} memory.bench_rows`)
        await client.query('DROP SCHEMA memory CASCADE')
        return counted(rows[0])
      } finally {
        await client.end()
      }
    },
  }
}
