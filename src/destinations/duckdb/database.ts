import { access } from 'node:fs/promises'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { ChunkPool } from './chunk-pool.ts'
import { RowFeed } from './row-feed.ts'
import { createStateTables, hasStateTables } from './state-tables.ts'

/** The size that the write-ahead log may reach before DuckDB moves it into the file. */
const CHECKPOINT_THRESHOLD = '32MiB'

export interface DatabaseSettings {
  /** The file, by its one spelling. */
  readonly path: string
  readonly readOnly: boolean
  /** Bytes. */
  readonly memoryLimit: number
  readonly threads: number
  readonly pool: ChunkPool
}

/** A DuckDB file that is open, with its lock. */
export class Database {
  readonly #instance: DuckDBInstance
  readonly #readOnly: boolean
  /** The connection of commits. */
  readonly connection: DuckDBConnection
  /** `undefined` where the file is read only. */
  readonly feed: RowFeed | undefined
  /** False for a file that holds nothing of Sluice's, where it can't be written. */
  readonly hasState: boolean

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    { readOnly, pool }: DatabaseSettings,
    hasState: boolean,
  ) {
    this.#instance = instance
    this.#readOnly = readOnly
    this.connection = connection
    this.feed = readOnly ? undefined : new RowFeed(connection, pool)
    this.hasState = hasState
  }

  /**
   * @param admit asked once the lock is held, before anything is written
   * @throws DuckDB's error where the file can't be opened; what `admit` throws
   */
  static async open(settings: DatabaseSettings, admit?: () => Promise<void>): Promise<Database> {
    const { path, readOnly, memoryLimit, threads } = settings
    // There is nothing to read yet: an empty database in memory answers so, and leaves no file behind.
    const missing = readOnly && !(await exists(path))
    const instance = await DuckDBInstance.create(missing ? ':memory:' : path, {
      access_mode: readOnly && !missing ? 'READ_ONLY' : 'AUTOMATIC',
      memory_limit: `${memoryLimit}B`,
      threads: String(threads),
      checkpoint_threshold: CHECKPOINT_THRESHOLD,
      preserve_insertion_order: 'false',
      // All that is used (json, icu) is linked in: nothing is ever fetched.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    let connection: DuckDBConnection | undefined
    try {
      await admit?.()
      connection = await instance.connect()
      await connection.run(`SET TimeZone = 'UTC'`)
      if (!readOnly) await createStateTables(connection)
      return new Database(instance, connection, settings, !readOnly || (await hasStateTables(connection)))
    } catch (error) {
      // An open connection would keep the lock.
      connection?.closeSync()
      instance.closeSync()
      throw error
    }
  }

  /** A connection of its own, which sees what is committed. The caller closes it. */
  async connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect()
    await connection.run(`SET TimeZone = 'UTC'`)
    return connection
  }

  /** Moves the log into the file, off this thread; closing would do the same on it. */
  async checkpoint(): Promise<void> {
    if (!this.#readOnly) await this.connection.run('CHECKPOINT')
  }

  /** Gives the file back, if every connection is closed. */
  close(): void {
    this.connection.closeSync()
    this.#instance.closeSync()
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
