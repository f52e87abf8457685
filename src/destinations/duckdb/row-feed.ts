import { type DuckDBConnection, DuckDBTableFunction } from '@duckdb/node-api'
import bindings from '@duckdb/node-bindings'
import type { JsonRecord } from '../../ports/json.ts'
import type { FedColumn } from './columns.ts'
import { VECTOR_SIZE } from './vector.ts'

/** The table function through which SQL reads records. */
export const FED_ROWS = '_sluice_rows()'

interface Feed {
  readonly columns: readonly FedColumn[]
  readonly records: readonly JsonRecord[]
  /** What a writer threw: DuckDB hands on its message alone. */
  error?: unknown
}

/**
 * Hands records to SQL without a copy on the way: DuckDB asks for 2,048 rows at a time, from its own thread, and they
 * are written into its vectors on this one. All else (conversion, compression, the joins) happens on DuckDB's.
 */
export class RowFeed {
  #feed: Feed | undefined

  constructor(connection: DuckDBConnection) {
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: FED_ROWS.slice(0, -2),
        bindFunction: (info) => {
          const { columns, records } = this.#current()
          for (const { name, type } of columns) info.addResultColumn(name, type)
          info.setCardinality(records.length, true)
        },
        initFunction: (info) => {
          info.setInitData({ at: 0 })
          info.setMaxThreads(1)
        },
        mainFunction: (info, chunk) => {
          const progress = info.initData as { at: number }
          const { columns, records } = this.#current()
          const count = Math.min(VECTOR_SIZE, records.length - progress.at)
          chunk.rowCount = count
          if (count === 0) return
          try {
            for (let index = 0; index < columns.length; index++) {
              const vector = bindings.data_chunk_get_vector(chunk.chunk, index)
              columns[index]!.write(vector, records, progress.at, count)
            }
          } catch (error) {
            this.#current().error = error
            chunk.rowCount = 0
            throw error
          }
          progress.at += count
        },
      }),
    )
  }

  /**
   * Runs statements that read `records` from `_sluice_rows()`. One at a time.
   * @throws what a column's writer threw, or DuckDB's error
   */
  async use<Result>(
    columns: readonly FedColumn[],
    records: readonly JsonRecord[],
    run: () => Promise<Result>,
  ): Promise<Result> {
    const feed: Feed = { columns, records }
    this.#feed = feed
    try {
      return await run()
    } catch (error) {
      throw feed.error ?? error
    } finally {
      this.#feed = undefined
    }
  }

  #current(): Feed {
    if (this.#feed === undefined) throw new Error('_sluice_rows() is read outside of a load')
    return this.#feed
  }
}
