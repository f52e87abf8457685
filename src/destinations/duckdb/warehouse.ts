import { access, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { DestinationError } from '../errors.ts'
import { ChunkPool } from './chunk-pool.ts'
import { explainFailure } from './failure.ts'
import { KnownTables } from './known-tables.ts'
import type { DuckdbOptions } from './options.ts'
import { RowFeed } from './row-feed.ts'
import { createStateTables, hasStateTables } from './state-tables.ts'

/** The size that the write-ahead log may reach before DuckDB moves it into the file. */
const CHECKPOINT_THRESHOLD = '32MiB'

// Measured: 100 columns load with 128 MiB, 200 need more and load with 256 MiB.
const PLAIN_COLUMNS = 50
const BYTES_PER_FURTHER_COLUMN = 1.5 * 1024 * 1024

// DuckDB's lock keeps other processes out, not this one: a file that one process opens twice is written by two that know
// nothing of each other. So there is one instance for a file, however many sessions and destinations ask for it.
const opened = new Map<string, Promise<Warehouse>>()

/** One DuckDB file, open in this process, shared by every session on it. */
export class Warehouse {
  readonly #key: string
  readonly #instance: DuckDBInstance
  /** The file as it stands in messages. */
  readonly file: string
  readonly description: string
  readonly readOnly: boolean
  /** The connection of commits. What uses it takes its turn with `exclusive`. */
  readonly connection: DuckDBConnection
  /** `undefined` where the warehouse is read only. */
  readonly feed: RowFeed | undefined
  readonly tables = new KnownTables()
  /** Buffers of the rows that wait for their commit. */
  readonly pool = new ChunkPool()
  /** False for a file that holds nothing of Sluice's, where it can't be written. */
  readonly hasState: boolean
  readonly #configuredMemory: number
  /** Bytes. It only grows: the file is closed with as much as its widest table needs. */
  #memoryLimit: number
  #holders = 1
  /** Set when the last holder has let go; ends when the file is closed. */
  #closing: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  private constructor(
    key: string,
    options: DuckdbOptions,
    readOnly: boolean,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    hasState: boolean,
  ) {
    this.#key = key
    this.#instance = instance
    this.#configuredMemory = options.memoryLimit
    this.#memoryLimit = options.memoryLimit
    this.file = options.path
    this.description = `duckdb ${options.path}`
    this.readOnly = readOnly
    this.connection = connection
    this.hasState = hasState
    this.feed = readOnly ? undefined : new RowFeed(connection, this.pool)
  }

  /**
   * Opens the file, or joins those in this process who have it open.
   * @throws DestinationBusyError where another process holds it
   * @throws DestinationError where it can't be opened
   */
  static async open(options: DuckdbOptions, readOnly: boolean): Promise<Warehouse> {
    const key = await canonicalPath(options.path)
    for (let present = opened.get(key); present !== undefined; present = opened.get(key)) {
      const warehouse = await present
      if (warehouse.#closing !== undefined) {
        await warehouse.#closing
        continue
      }
      if (warehouse.readOnly && !readOnly)
        throw new DestinationError(
          warehouse.description,
          "this process reads the file at the moment, so it can't be opened for writing. Close what reads it first",
        )
      warehouse.#holders++
      return warehouse
    }
    const opening = Warehouse.#start(key, options, readOnly).catch((error: unknown) => {
      opened.delete(key)
      throw explainFailure(error, `duckdb ${options.path}`, options.path)
    })
    opened.set(key, opening)
    return opening
  }

  static async #start(key: string, options: DuckdbOptions, readOnly: boolean): Promise<Warehouse> {
    // There is nothing to read yet: an empty database in memory answers so, and leaves no file behind.
    const missing = readOnly && !(await exists(key))
    const instance = await DuckDBInstance.create(missing ? ':memory:' : key, {
      access_mode: readOnly && !missing ? 'READ_ONLY' : 'AUTOMATIC',
      memory_limit: `${options.memoryLimit}B`,
      threads: String(options.threads),
      checkpoint_threshold: CHECKPOINT_THRESHOLD,
      preserve_insertion_order: 'false',
      // All that is used (json, icu) is linked in: nothing is ever fetched.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    try {
      const connection = await instance.connect()
      await connection.run(`SET TimeZone = 'UTC'`)
      if (!readOnly) await createStateTables(connection)
      return new Warehouse(
        key,
        options,
        readOnly,
        instance,
        connection,
        !readOnly || (await hasStateTables(connection)),
      )
    } catch (error) {
      instance.closeSync()
      throw error
    }
  }

  /** Runs `work` when all that was asked for before has ended. */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work).catch((error: unknown) => {
      throw explainFailure(error, this.description, this.file)
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /**
   * Raises the memory limit to what a load into a table of so many columns needs. DuckDB holds some blocks of each column in
   * memory while it moves the log into the file, spills none of them, and ends the database when they don't fit.
   */
  async reserveMemory(columns: number): Promise<void> {
    const needed = this.#configuredMemory + Math.max(0, columns - PLAIN_COLUMNS) * BYTES_PER_FURTHER_COLUMN
    if (needed <= this.#memoryLimit) return
    this.#memoryLimit = needed
    await this.#setMemoryLimit()
  }

  /**
   * Gives memory that DuckDB has freed back to the system: setting the limit, even to what it is, makes it do so. Without
   * it the process keeps growing for a while, since commits run on whichever of Node's threads is free, and each keeps its own.
   */
  async trimMemory(): Promise<void> {
    // What was committed is committed, whether or not memory is given back.
    await this.#setMemoryLimit().catch(() => undefined)
  }

  async #setMemoryLimit(): Promise<void> {
    await this.connection.run(`SET GLOBAL memory_limit = '${this.#memoryLimit}B'`)
  }

  /** A connection of its own, which sees what is committed. The caller closes it. */
  async connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect()
    await connection.run(`SET TimeZone = 'UTC'`)
    return connection
  }

  /**
   * Gives the warehouse back. The last one to do so closes the file.
   * @throws DestinationError where the log could not be moved into the file; it is closed all the same, and nothing is lost
   */
  async release(): Promise<void> {
    if (--this.#holders > 0) return
    const closing = this.#close()
    // Whoever waits to open the file anew has nothing to do with how it was closed.
    this.#closing = closing.catch(() => undefined)
    await closing
  }

  async #close(): Promise<void> {
    await this.#last
    try {
      // Off this thread; closing would do the same on it.
      if (!this.readOnly) await this.connection.run('CHECKPOINT')
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // A failure that was told already has closed the database: there is nothing to move.
      if (!/has been invalidated/i.test(message)) throw this.#unmoved(message, error)
    } finally {
      this.connection.closeSync()
      this.#instance.closeSync()
      opened.delete(this.#key)
    }
  }

  #unmoved(message: string, cause: unknown): DestinationError {
    return new DestinationError(
      this.description,
      `what was committed could not be moved from ${this.file}.wal into the file. Nothing is lost: keep both, and the next run that ` +
        `opens them moves it. Until then the log grows; most often the disk is full (DuckDB: ${message.split('\n', 1)[0]})`,
      { cause },
    )
  }
}

/** The one spelling of a file's path: two that lead to one file must find one instance. */
async function canonicalPath(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch {
    const directory = await realpath(dirname(absolute)).catch(() => dirname(absolute))
    return join(directory, basename(absolute))
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
