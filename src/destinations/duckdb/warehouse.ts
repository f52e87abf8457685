import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { formatDuration } from '../../options/duration.ts'
import type { Clock } from '../../ports/runtime.ts'
import { DestinationBusyError, DestinationError } from '../errors.ts'
import { ChunkPool } from './chunk-pool.ts'
import { Database, exists } from './database.ts'
import { explainFailure } from './failure.ts'
import { type FileHolder, type FileWait, fileHolder, heldBy, whenFree } from './file-holder.ts'
import { KnownTables } from './known-tables.ts'
import type { DuckdbOptions } from './options.ts'
import { RunLock } from './run-lock.ts'

/** How long one who only reads waits for the file, in milliseconds: a run may hold it for hours. */
const READER_PATIENCE_MS = 5000

// Measured: 100 columns load with 128 MiB, 200 need more and load with 256 MiB.
const PLAIN_COLUMNS = 50
const BYTES_PER_FURTHER_COLUMN = 1.5 * 1024 * 1024

// DuckDB's lock keeps other processes out, not this one: a file that one process opens twice is written by two that know
// nothing of each other. So there is one instance for a file, however many sessions and destinations ask for it.
const opened = new Map<string, Promise<Warehouse>>()

/** What sessions on a file live with. */
export interface WarehouseSurroundings {
  readonly clock: Clock
  /** Told when the file is waited for. */
  readonly onWait?: (wait: FileWait) => void
}

/** A connection beside that of commits. */
export interface Visit {
  readonly connection: DuckDBConnection
  /** Closes it. */
  readonly end: () => void
}

/**
 * One DuckDB file, shared by every session of this process on it. It is open while there is something to do, and for a while after
 * that; then others may read it, and all that was known of it is forgotten. Those that would write are told that the run goes on.
 */
export class Warehouse {
  readonly #key: string
  readonly #options: DuckdbOptions
  readonly #clock: Clock
  readonly #listeners = new Set<(wait: FileWait) => void>()
  /** The file as it stands in messages. */
  readonly file: string
  readonly description: string
  readonly readOnly: boolean
  readonly tables = new KnownTables()
  /** Buffers of the rows that wait for their commit. */
  readonly pool = new ChunkPool()
  #database: Database | undefined
  #opening: Promise<Database> | undefined
  /** Held from when the file is given back for the first time. */
  #runLock: RunLock | undefined
  /** The file was waited for in vain: whoever asks next does not wait again. */
  #waitedInVain = false
  /** How much is under way in the file, or waits for its turn. */
  #uses = 0
  /** Ends the wait after which the file is given back. */
  #idle: AbortController | undefined
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
    { clock, onWait }: WarehouseSurroundings,
  ) {
    this.#key = key
    this.#options = options
    this.#clock = clock
    if (onWait !== undefined) this.#listeners.add(onWait)
    this.#memoryLimit = options.memoryLimit
    this.file = options.path
    this.description = `duckdb ${options.path}`
    this.readOnly = readOnly
  }

  /**
   * Opens the file, or joins those in this process who have it.
   * @throws DestinationBusyError where another process holds it
   * @throws DestinationError where it can't be opened
   */
  static async open(
    options: DuckdbOptions,
    readOnly: boolean,
    surroundings: WarehouseSurroundings,
  ): Promise<Warehouse> {
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
      if (surroundings.onWait !== undefined) warehouse.#listeners.add(surroundings.onWait)
      return warehouse
    }
    const warehouse = new Warehouse(key, options, readOnly, surroundings)
    const opening = warehouse.#openFirst().then(
      () => warehouse,
      (error: unknown) => {
        opened.delete(key)
        throw explainFailure(error, warehouse.description, warehouse.file)
      },
    )
    opened.set(key, opening)
    return opening
  }

  async #openFirst(): Promise<void> {
    const { readOnly } = this
    const atMostMs = readOnly
      ? Math.min(READER_PATIENCE_MS, this.#options.lockTimeout)
      : this.#options.lockTimeout
    this.#begin()
    try {
      this.#database = await this.#openWhenFree(
        atMostMs,
        readOnly ? () => true : ({ reads }) => reads,
        async () => {
          const holder = readOnly ? undefined : await RunLock.holderOf(this.#key)
          if (holder !== undefined) throw this.#busyWithRun(holder)
        },
      )
    } finally {
      this.#end()
    }
  }

  /** The file, opened again where it was given back. Whoever asks has called `#begin`. */
  #present(): Promise<Database> | Database {
    if (this.#database !== undefined) return this.#database
    this.#opening ??= this.#openAgain().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openAgain(): Promise<Database> {
    const { lockTimeout } = this.#options
    if (!this.readOnly && !(await exists(this.#key)))
      throw new DestinationError(
        this.description,
        `${this.file} is gone: somebody moved or deleted it while the run did not hold it. Put it back, or run again to load anew`,
      )
    const longest = this.readOnly ? Math.min(READER_PATIENCE_MS, lockTimeout) : lockTimeout
    try {
      this.#database = await this.#openWhenFree(this.#waitedInVain ? 0 : longest, () => true)
    } catch (error) {
      this.#waitedInVain ||= fileHolder(error) !== undefined || error instanceof DestinationBusyError
      throw error
    }
    this.#waitedInVain = false
    return this.#database
  }

  #openWhenFree(
    atMostMs: number,
    mayWait: (holder: FileHolder) => boolean,
    admit?: () => Promise<void>,
  ): Promise<Database> {
    const settings = {
      path: this.#key,
      readOnly: this.readOnly,
      memoryLimit: this.#memoryLimit,
      threads: this.#options.threads,
      pool: this.pool,
    }
    return whenFree(() => Database.open(settings, admit), {
      clock: this.#clock,
      atMostMs,
      mayWait,
      onWait: (holder) => {
        const wait = { reason: heldBy(this.file, holder), atMostMs }
        for (const listener of this.#listeners) listener(wait)
      },
      gaveUp: (holder, cause) =>
        new DestinationBusyError(
          this.description,
          `${heldBy(this.file, holder)}, and still was after ${formatDuration(atMostMs)}`,
          { cause },
        ),
    })
  }

  #busyWithRun({ name = 'another process' }: FileHolder): DestinationBusyError {
    return new DestinationBusyError(
      this.description,
      `${this.file} is being loaded by ${name}, which only lets others read it until it goes on`,
    )
  }

  /** From now on the file is not given back. */
  #begin(): void {
    this.#uses++
    this.#idle?.abort()
    this.#idle = undefined
  }

  readonly #end = (): void => {
    const { idleRelease } = this.#options
    if (--this.#uses > 0 || idleRelease === 'off' || this.#closing !== undefined) return
    const idle = new AbortController()
    this.#idle = idle
    this.#clock.sleep(idleRelease, idle.signal).then(
      () => {
        if (this.#idle !== idle) return
        this.#idle = undefined
        // What comes next waits until it is decided.
        this.#last = this.#last.then(() => this.#giveBack())
      },
      () => undefined,
    )
  }

  /** Gives the file back until it is needed again. Where something stands in the way it is kept, as it would be without this. */
  async #giveBack(): Promise<void> {
    const database = this.#database
    const isBusy = () => this.#uses > 0 || this.#closing !== undefined
    if (database === undefined || isBusy()) return
    try {
      if (!this.readOnly) this.#runLock ??= await RunLock.take(this.#key)
      await database.checkpoint()
    } catch {
      return
    }
    if (isBusy()) return
    this.tables.forgetAll()
    this.#database = undefined
    database.close()
  }

  /** Runs `work` when all that was asked for before has ended. */
  exclusive<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    this.#begin()
    const turn = this.#last
      .then(async () => work(await this.#present()))
      .catch((error: unknown) => {
        throw explainFailure(error, this.description, this.file)
      })
      .finally(this.#end)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /**
   * Raises the memory limit to what a load into a table of so many columns needs. DuckDB holds some blocks of each column in
   * memory while it moves the log into the file, spills none of them, and ends the database when they don't fit.
   */
  async reserveMemory(columns: number): Promise<void> {
    const needed = this.#options.memoryLimit + Math.max(0, columns - PLAIN_COLUMNS) * BYTES_PER_FURTHER_COLUMN
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
    await this.#database?.connection.run(`SET GLOBAL memory_limit = '${this.#memoryLimit}B'`)
  }

  /** A connection of its own, which sees what is committed. The file is kept until it ends. */
  async connect(): Promise<Visit> {
    this.#begin()
    try {
      const connection = await (await this.#present()).connect()
      const end = () => {
        connection.closeSync()
        this.#end()
      }
      return { connection, end }
    } catch (error) {
      this.#end()
      throw explainFailure(error, this.description, this.file)
    }
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
    this.#idle?.abort()
    await this.#last
    const database = this.#database
    try {
      await database?.checkpoint()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // A failure that was told already has closed the database: there is nothing to move.
      if (!/has been invalidated/i.test(message)) throw this.#unmoved(message, error)
    } finally {
      await this.#runLock?.release()
      database?.close()
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
