// Parquet, written by a DuckDB in memory: the columns have the types that the DuckDB destination gives them, nested values are JSON.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { LOAD_ID_COLUMN, ROW_COLUMN } from '../../../records/column-name.ts'
import { ChunkPool } from '../../duckdb/chunk-pool.ts'
import { EncodedRows } from '../../duckdb/encoded-rows.ts'
import { fedColumn, ordinalColumn } from '../../duckdb/fed-column.ts'
import { identifier, literal } from '../../duckdb/quote.ts'
import { FED_ROWS, RowFeed } from '../../duckdb/row-feed.ts'
import type { RowFile, RowWriter, WritableRows } from './row-writer.ts'

/** Most memory that DuckDB takes while it writes. */
const MEMORY = '128MiB'

/** Rows of a group: a reader skips whole groups by their statistics. DuckDB's own default. */
const ROW_GROUP = 122_880

export function parquetWriter(): RowWriter {
  const pool = new ChunkPool()
  let opening: Promise<Engine> | undefined
  let last: Promise<unknown> = Promise.resolve()
  return {
    format: 'parquet',
    compression: 'none',
    extension: '.parquet',
    rows: () => new EncodedRows(pool),
    write(rows, file) {
      // The feed gives one load's rows at a time.
      const turn = last.then(async () => {
        opening ??= openEngine(pool)
        await writeRows(await opening, rows, file)
        return {}
      })
      last = turn.catch(() => undefined)
      return turn
    },
    async [Symbol.asyncDispose]() {
      await last
      const engine = await opening?.catch(() => undefined)
      opening = undefined
      engine?.connection.closeSync()
      engine?.instance.closeSync()
    },
  }
}

interface Engine {
  readonly instance: DuckDBInstance
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
}

async function openEngine(pool: ChunkPool): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY,
    threads: '1',
    temp_directory: '',
    // The writer of Parquet is linked in: nothing is ever fetched.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return { instance, connection, feed: new RowFeed(connection, pool) }
}

async function writeRows(
  { connection, feed }: Engine,
  rows: WritableRows,
  { path, loadId, schema, numbers }: RowFile,
): Promise<void> {
  const columns = schema.columns.map((_column, at) => fedColumn(schema, at, `c${at}`))
  // A chunk has a column at least, also where the records are empty.
  const isNumbered = numbers !== undefined && numbers !== 'own'
  const number = ordinalColumn('number', isNumbered ? numbers : undefined)
  const fed = isNumbered ? [...columns, number] : columns.length > 0 ? columns : [number]
  const selected = [
    ...columns.map(({ expression }, at) => {
      const { name, type } = schema.columns[at]!
      const cast = type.kind === 'json' ? `CAST(${expression} AS JSON)` : expression
      return `${cast} AS ${identifier(name)}`
    }),
    `${literal(loadId)} AS ${identifier(LOAD_ID_COLUMN)}`,
    // A reader of Parquet counts a file's rows itself.
    ...(isNumbered ? [`number AS ${identifier(ROW_COLUMN)}`] : []),
  ]
  await feed.use(fed, rows as EncodedRows, async () => {
    await connection.run(
      `COPY (SELECT ${selected.join(', ')} FROM ${FED_ROWS}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`,
    )
  })
}
