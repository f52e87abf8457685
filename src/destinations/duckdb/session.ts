import type { DuckDBConnection } from '@duckdb/node-api'
import type {
  Checkpoint,
  CheckpointMove,
  DestinationSession,
  Load,
  LoadReceipt,
  LoadRecord,
  RevertReceipt,
  RowBuffer,
  RunRecord,
  StagedTables,
} from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { DestinationError } from '../errors.ts'
import {
  abandonStagedCheckpoints,
  deleteCheckpoints,
  moveCheckpoints,
  readCheckpoints,
} from './checkpoints.ts'
import { commitLoad, transaction } from './commit.ts'
import { dropTable } from './ddl.ts'
import { EncodedRows } from './encoded-rows.ts'
import { explainFailure } from './failure.ts'
import { readLoads } from './load-record.ts'
import { type QueryRow, readRows, streamTable } from './query.ts'
import { identifier } from './quote.ts'
import { revertLoad } from './revert.ts'
import type { RowFeed } from './row-feed.ts'
import { readLastRun, writeRun } from './run-record.ts'
import { forgetTableSchema, type Place, readTableSchema, tableName } from './table-schema.ts'
import type { Warehouse } from './warehouse.ts'

/** Records in a load after which memory is worth giving back. */
const TRIM_AFTER = 1000

/** One pipeline's access to a DuckDB file. */
export class DuckdbSession implements DestinationSession {
  readonly #warehouse: Warehouse
  readonly #pipeline: string
  readonly #readOnly: boolean
  readonly #queries = new Set<Promise<unknown>>()
  #closed = false

  constructor(warehouse: Warehouse, pipeline: string, readOnly: boolean) {
    this.#warehouse = warehouse
    this.#pipeline = pipeline
    this.#readOnly = readOnly
  }

  readCheckpoints(stream?: string): Promise<Checkpoint[]> {
    return this.#read([], (connection) => readCheckpoints(connection, this.#pipeline, stream))
  }

  readSchema(
    table: string,
    { staged = false }: { readonly staged?: boolean | 'keys' } = {},
  ): Promise<TableSchema | null> {
    const place = staged === 'keys' ? 'keys' : staged ? 'new' : 'live'
    return this.#read(null, (connection) => readTableSchema(connection, table, place))
  }

  rows(): RowBuffer {
    return new EncodedRows(this.#warehouse.pool)
  }

  commit(load: Load): Promise<LoadReceipt> {
    return this.#write(async (connection, feed) => {
      const columns = [load, ...(load.sides ?? [])].map(({ schema }) => schema.columns.length)
      await this.#warehouse.reserveMemory(Math.max(...columns))
      const { pool, tables } = this.#warehouse
      const records = load.rows?.length ?? load.records.length
      const receipt = await commitLoad({ connection, feed, pool, tables }, this.#pipeline, load)
      if (records >= TRIM_AFTER) await this.#warehouse.trimMemory()
      return receipt
    })
  }

  moveCheckpoints(move: CheckpointMove): Promise<void> {
    return this.#write((connection, feed) =>
      transaction(connection, () => moveCheckpoints(connection, feed, this.#pipeline, move)),
    )
  }

  recordRun(run: RunRecord): Promise<void> {
    return this.#write((connection) =>
      transaction(connection, () => writeRun(connection, this.#pipeline, run)),
    )
  }

  lastRun(): Promise<RunRecord | null> {
    return this.#read(null, (connection) => readLastRun(connection, this.#pipeline))
  }

  loads({
    stream,
    limit = Number.MAX_SAFE_INTEGER,
  }: {
    readonly stream?: string
    readonly limit?: number
  } = {}): Promise<LoadRecord[]> {
    return this.#read([], (connection) => readLoads(connection, this.#pipeline, stream, limit))
  }

  revert(
    loadId: string,
    options: { readonly at: number; readonly withLater?: boolean },
  ): Promise<RevertReceipt> {
    return this.#write((connection) =>
      transaction(connection, () => revertLoad(connection, this.#pipeline, loadId, options)),
    )
  }

  /** The rows of a live table, as they were when reading began. */
  async *readRows(table: string, columns: readonly string[]): AsyncGenerator<QueryRow[]> {
    this.#use()
    if ((await this.readSchema(table)) === null) return
    const visit = await this.#warehouse.connect()
    try {
      yield* streamTable(visit.connection, table, columns)
    } catch (error) {
      throw explainFailure(error, this.#warehouse.description, this.#warehouse.file)
    } finally {
      visit.end()
    }
  }

  async countRows(table: string): Promise<number> {
    if ((await this.readSchema(table)) === null) return 0
    const [row] = await this.query(`SELECT count(*) AS n FROM ${identifier(table)}`)
    return Number(row!['n'])
  }

  abandonReplacement(stream: string, table: string, staged?: StagedTables): Promise<void> {
    return this.#write((connection) =>
      transaction(connection, async () => {
        await this.#dropStaged(connection, table, staged)
        await abandonStagedCheckpoints(connection, this.#pipeline, stream)
      }),
    )
  }

  resetStream(stream: string, table: string, staged?: StagedTables): Promise<number> {
    return this.#write((connection) =>
      transaction(connection, async () => {
        await this.#dropStaged(connection, table, staged)
        return deleteCheckpoints(connection, this.#pipeline, stream)
      }),
    )
  }

  async #dropStaged(
    connection: DuckDBConnection,
    table: string,
    { write, sides = [] }: StagedTables = {},
  ): Promise<void> {
    // What a stream that deletes rows could find staged is another's.
    if (write === 'delete') return
    const place: Place = write === 'reconcile' ? 'keys' : 'new'
    for (const name of [table, ...sides.map((side) => side.table)]) {
      this.#warehouse.tables.forget(tableName(name, place))
      await dropTable(connection, tableName(name, place))
      await forgetTableSchema(connection, name, place)
    }
  }

  /**
   * Runs a query beside the session's commits; it sees what is committed. For looking at what was loaded, not for writing.
   * @throws DestinationError where DuckDB refuses it
   */
  async query(sql: string): Promise<QueryRow[]> {
    this.#use()
    const query = this.#query(sql)
    this.#queries.add(query)
    try {
      return await query
    } catch (error) {
      throw explainFailure(error, this.#warehouse.description, this.#warehouse.file)
    } finally {
      // It is not for writing, but nothing keeps it from doing so.
      this.#warehouse.tables.forgetAll()
      this.#queries.delete(query)
    }
  }

  async #query(sql: string): Promise<QueryRow[]> {
    const { connection, end } = await this.#warehouse.connect()
    try {
      return await readRows(connection, sql)
    } finally {
      end()
    }
  }

  /** Waits for what is under way. The file is closed with its last session. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#queries)
    await this.#warehouse.release()
  }

  async #read<Result>(
    none: Result,
    work: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    this.#use()
    return this.#warehouse.exclusive(async ({ hasState, connection }) => (hasState ? work(connection) : none))
  }

  async #write<Result>(
    work: (connection: DuckDBConnection, feed: RowFeed) => Promise<Result>,
  ): Promise<Result> {
    this.#use()
    const { description, readOnly } = this.#warehouse
    if (this.#readOnly || readOnly)
      throw new DestinationError(description, 'the session was opened read-only. Open one that can write')
    return this.#warehouse.exclusive(({ connection, feed }) => work(connection, feed!))
  }

  #use(): void {
    if (this.#closed) throw new DestinationError(this.#warehouse.description, 'the session is closed')
  }
}
