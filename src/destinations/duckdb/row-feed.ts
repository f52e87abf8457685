import { type DuckDBConnection, DuckDBTableFunction } from '@duckdb/node-api'
import bindings from '@duckdb/node-bindings'
import type { JsonRecord } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { type EncodedRows, encodeRows } from './encoded-rows.ts'
import { type FedColumn, fedColumn } from './fed-column.ts'

/** The table function through which SQL reads encoded rows. */
export const FED_ROWS = '_sluice_rows()'

interface Feed {
  readonly columns: readonly FedColumn[]
  readonly rows: EncodedRows
  /** What a writer threw: DuckDB hands on its message alone. */
  error?: unknown
}

/**
 * Hands rows to SQL: DuckDB asks for a chunk at a time, from its own thread, and they are copied into its vectors on this
 * one. All else (conversion, compression, the joins) happens on DuckDB's.
 */
export class RowFeed {
  readonly #pool: ChunkPool
  #feed: Feed | undefined

  constructor(connection: DuckDBConnection, pool: ChunkPool) {
    this.#pool = pool
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: FED_ROWS.slice(0, -2),
        bindFunction: (info) => {
          const { columns, rows } = this.#current()
          for (const { name, type } of columns) info.addResultColumn(name, type)
          info.setCardinality(rows.length, true)
        },
        initFunction: (info) => {
          info.setInitData({ at: 0 })
          info.setMaxThreads(1)
        },
        mainFunction: (info, chunk) => {
          const progress = info.initData as { at: number }
          const { columns, rows } = this.#current()
          const next = rows.chunks[progress.at++]
          chunk.rowCount = next?.count ?? 0
          if (next === undefined) return
          try {
            for (let index = 0; index < columns.length; index++)
              columns[index]!.write(bindings.data_chunk_get_vector(chunk.chunk, index), next)
          } catch (error) {
            this.#current().error = error
            chunk.rowCount = 0
            throw error
          }
        },
      }),
    )
  }

  /**
   * Runs statements that read `rows` from `_sluice_rows()`. One at a time.
   * @throws what a column's writer threw, or DuckDB's error
   */
  async use<Result>(
    columns: readonly FedColumn[],
    rows: EncodedRows,
    run: () => Promise<Result>,
  ): Promise<Result> {
    const feed: Feed = { columns, rows }
    this.#feed = feed
    try {
      return await run()
    } catch (error) {
      throw feed.error ?? error
    } finally {
      this.#feed = undefined
    }
  }

  /** The same for records, each column under its own name. */
  async useRecords<Result>(
    schema: TableSchema,
    records: readonly JsonRecord[],
    run: () => Promise<Result>,
  ): Promise<Result> {
    const rows = encodeRows(records, schema, this.#pool)
    try {
      return await this.use(
        schema.columns.map(({ name }, at) => fedColumn(schema, at, name)),
        rows,
        run,
      )
    } finally {
      rows.release()
    }
  }

  #current(): Feed {
    if (this.#feed === undefined) throw new Error('_sluice_rows() is read outside of a load')
    return this.#feed
  }
}
