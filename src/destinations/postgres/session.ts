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
import type { Value } from '../../ports/json.ts'
import type { ColumnType, TableSchema } from '../../ports/schema.ts'
import { DestinationError } from '../errors.ts'
import {
  abandonStagedCheckpoints,
  CheckpointsMoved,
  checkVersions,
  deleteCheckpoints,
  moveCheckpoints,
  readCheckpoints,
} from './checkpoints.ts'
import { commitLoad } from './commit.ts'
import type { Database } from './database.ts'
import { dropTable } from './ddl.ts'
import { EncodedRows } from './encoded-rows.ts'
import { asStored } from './json-text.ts'
import { readLoads } from './load-record.ts'
import { streamLock, tableLock } from './locks.ts'
import { qualified } from './names.ts'
import { type QueryRow, readQuery } from './query.ts'
import { streamTable } from './read-rows.ts'
import { revertLoad } from './revert.ts'
import { readLastRun, writeRun } from './run-record.ts'
import { forgetTableSchema, type Place, readSoundTable, readTableSchema, tableName } from './table-schema.ts'
import { transaction } from './transaction.ts'
import { CommitUnknown } from './transaction-errors.ts'
import type { Workplace } from './workplace.ts'

/** One pipeline's access to a PostgreSQL database. */
export class PostgresSession implements DestinationSession {
  readonly #database: Database
  readonly #queries = new Set<Promise<unknown>>()
  #closed = false

  constructor(database: Database) {
    this.#database = database
  }

  readCheckpoints(stream?: string): Promise<Checkpoint[]> {
    return this.#read([], (workplace) => readCheckpoints(workplace, stream))
  }

  readSchema(
    table: string,
    { staged = false }: { readonly staged?: boolean | 'keys' } = {},
  ): Promise<TableSchema | null> {
    const place = staged === 'keys' ? 'keys' : staged ? 'new' : 'live'
    return this.#read(null, (workplace) => readTableSchema(workplace, table, place))
  }

  rows(): RowBuffer {
    return new EncodedRows(this.#database.pool)
  }

  commit(load: Load): Promise<LoadReceipt> {
    return this.#write(async (workplace) => {
      try {
        return await commitLoad(workplace, load)
      } catch (error) {
        if (!(error instanceof CommitUnknown)) throw error
        if (await this.#database.cameThrough(load, workplace.connection)) return error.result as LoadReceipt
        throw error.cause
      }
    })
  }

  moveCheckpoints(move: CheckpointMove): Promise<void> {
    return this.#write((workplace) =>
      this.#onStream(workplace, move.stream, [], () => moveCheckpoints(workplace, move)).catch(
        async (error: unknown) => {
          if (error instanceof CheckpointsMoved) await checkVersions(workplace, move)
          throw error
        },
      ),
    )
  }

  recordRun(run: RunRecord): Promise<void> {
    return this.#write((workplace) => writeRun(workplace, run))
  }

  lastRun(): Promise<RunRecord | null> {
    return this.#read(null, readLastRun)
  }

  claim(stream: string): Promise<void> {
    return this.#database.claim(stream)
  }

  loads({
    stream,
    limit = Number.MAX_SAFE_INTEGER,
  }: {
    readonly stream?: string
    readonly limit?: number
  } = {}): Promise<LoadRecord[]> {
    return this.#read([], (workplace) => readLoads(workplace, stream, limit))
  }

  revert(
    loadId: string,
    options: { readonly at: number; readonly withLater?: boolean },
  ): Promise<RevertReceipt> {
    return this.#write((workplace) => revertLoad(workplace, loadId, options))
  }

  /** The rows of a live table, as they were when reading began. */
  async *readRows(table: string, columns: readonly string[]): AsyncGenerator<QueryRow[]> {
    const stored = await this.#read(null, (workplace) => readSoundTable(workplace, table, 'live'))
    if (stored === null) return
    yield* this.#database.streamOnOwnConnection((connection) =>
      streamTable(connection, this.#database.schema, table, columns, stored.hasHistory),
    )
  }

  async countRows(table: string): Promise<number> {
    if ((await this.readSchema(table)) === null) return 0
    const [row] = await this.query(`SELECT count(*) AS n FROM ${qualified(this.#database.schema, table)}`)
    return Number(row!['n'])
  }

  asStored(value: Value, type: ColumnType): Value {
    return asStored(value, type)
  }

  abandonReplacement(stream: string, table: string, staged?: StagedTables): Promise<void> {
    return this.#write((workplace) =>
      this.#onStream(workplace, stream, tablesOf(table, staged), async () => {
        await dropStaged(workplace, table, staged)
        await abandonStagedCheckpoints(workplace, stream)
      }),
    )
  }

  resetStream(stream: string, table: string, staged?: StagedTables): Promise<number> {
    return this.#write((workplace) =>
      this.#onStream(workplace, stream, tablesOf(table, staged), async () => {
        await dropStaged(workplace, table, staged)
        return deleteCheckpoints(workplace, stream)
      }),
    )
  }

  #onStream<Result>(
    workplace: Workplace,
    stream: string,
    tables: readonly string[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { schema, pipeline } = workplace
    const locks = [streamLock(schema, pipeline, stream), ...tables.map((table) => tableLock(schema, table))]
    return transaction(workplace, locks, work)
  }

  /**
   * Runs a query beside the session's commits, on a connection of its own; it sees what is committed. For looking at what was loaded.
   * @throws DestinationError where PostgreSQL refuses it
   */
  async query(sql: string): Promise<QueryRow[]> {
    this.#use()
    const query = this.#database.onOwnConnection((connection) => readQuery(connection, sql))
    this.#queries.add(query)
    try {
      return await query
    } finally {
      this.#queries.delete(query)
    }
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#queries)
    await this.#database.close()
  }

  async #read<Result>(none: Result, work: (workplace: Workplace) => Promise<Result>): Promise<Result> {
    this.#use()
    return this.#database.hasState ? this.#database.exclusive(work) : none
  }

  async #write<Result>(work: (workplace: Workplace) => Promise<Result>): Promise<Result> {
    this.#use()
    if (this.#database.readOnly)
      throw new DestinationError(
        this.#database.description,
        'the session was opened read-only. Open one that can write',
      )
    return this.#database.exclusive(work)
  }

  #use(): void {
    if (this.#closed) throw new DestinationError(this.#database.description, 'the session is closed')
  }
}

function tablesOf(table: string, { sides = [] }: StagedTables = {}): string[] {
  return [table, ...sides.map((side) => side.table)]
}

async function dropStaged(workplace: Workplace, table: string, staged: StagedTables = {}): Promise<void> {
  // What a stream that deletes rows could find staged is another's.
  if (staged.write === 'delete') return
  const place: Place = staged.write === 'reconcile' ? 'keys' : 'new'
  for (const name of tablesOf(table, staged)) {
    await dropTable(workplace, tableName(name, place))
    await forgetTableSchema(workplace, name, place)
  }
}
