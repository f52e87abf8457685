import type { Load } from '../../ports/destination.ts'
import type { Clock } from '../../ports/runtime.ts'
import { StreamBusyError } from '../errors.ts'
import { isLockTimeout, lockTimeout } from './blockers.ts'
import { BufferPool } from './buffer-pool.ts'
import { claimStream } from './claims.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { explainFailure } from './failure.ts'
import { cameThrough } from './outcome.ts'
import { createStateTables, hasStateTables } from './state-tables.ts'
import type { Workplace } from './workplace.ts'

/** A session's way to its database: one connection for commits, which takes one at a time, and others for queries. */
export class Database {
  readonly #settings: ConnectionSettings
  readonly #clock: Clock
  readonly schema: string
  readonly #pipeline: string
  #connection: Connection
  /** Buffers of the rows that wait for their commit. */
  readonly pool = new BufferPool()
  readonly #withoutMatches = new Set<string>()
  /** False for a schema that holds nothing of Sluice's, where it is only read. */
  readonly hasState: boolean
  readonly #claimed = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(
    settings: ConnectionSettings,
    clock: Clock,
    schema: string,
    pipeline: string,
    connection: Connection,
    hasState: boolean,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.schema = schema
    this.#pipeline = pipeline
    this.#connection = connection
    this.hasState = hasState
  }

  static async open(
    settings: ConnectionSettings,
    clock: Clock,
    schema: string,
    pipeline: string,
  ): Promise<Database> {
    try {
      const connection = await Connection.open(settings)
      try {
        if (!settings.readOnly) await createStateTables(connection, schema)
        const hasState = !settings.readOnly || (await hasStateTables(connection, schema))
        return new Database(settings, clock, schema, pipeline, connection, hasState)
      } catch (error) {
        await connection.close()
        throw error
      }
    } catch (error) {
      throw explainFailure(error, settings.description)
    }
  }

  get description(): string {
    return this.#settings.description
  }

  get readOnly(): boolean {
    return this.#settings.readOnly
  }

  /** Runs `work` on the connection of commits when all that was asked for before has ended. Where it was lost, a new one is made. */
  exclusive<Result>(work: (workplace: Workplace) => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(() => this.#turn(work))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #turn<Result>(work: (workplace: Workplace) => Promise<Result>): Promise<Result> {
    try {
      return await work(await this.#workplace())
    } catch (error) {
      const timeout = isLockTimeout(error)
        ? await lockTimeout(this.#connection, this.schema, [], error)
        : error
      throw explainFailure(timeout, this.description)
    }
  }

  /** Runs `work` on a connection of its own, which sees what is committed. */
  async onOwnConnection<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    try {
      const connection = await Connection.open(this.#settings)
      try {
        return await work(connection)
      } finally {
        await connection.close()
      }
    } catch (error) {
      throw explainFailure(error, this.description)
    }
  }

  /** As `onOwnConnection`, for what comes bit by bit. */
  async *streamOnOwnConnection<Part>(
    read: (connection: Connection) => AsyncGenerator<Part>,
  ): AsyncGenerator<Part> {
    try {
      const connection = await Connection.open(this.#settings)
      try {
        // Who takes the rows slowly leaves more than the timeout's worth of them unconfirmed.
        await connection.script('SET tcp_user_timeout = 0')
        yield* read(connection)
      } finally {
        await connection.close()
      }
    } catch (error) {
      throw explainFailure(error, this.description)
    }
  }

  /**
   * Takes a stream for the connection of commits.
   * @throws StreamBusyError where another session holds it
   */
  async claim(stream: string): Promise<void> {
    if (this.#claimed.has(stream)) return
    await this.exclusive((workplace) => claimStream(workplace, stream))
    this.#claimed.add(stream)
  }

  /** Whether a load came through whose commit's connection broke. Part of an `exclusive` turn. */
  cameThrough({ id: loadId, stream }: Load, connection: Connection): Promise<boolean> {
    const workplace = this.#workplaceOf(connection)
    return cameThrough(
      { loadId, stream, pid: connection.pid, startedAt: connection.startedAt },
      this.#settings,
      workplace,
      this.#clock,
    )
  }

  async #workplace(): Promise<Workplace> {
    if (!this.#connection.isOpen) {
      await this.#connection.close()
      this.#connection = await Connection.open(this.#settings)
      await this.#claimAgain()
    }
    return this.#workplaceOf(this.#connection)
  }

  /** The claims went with the connection before this one. Where somebody else has taken one since, the next commit is told (C2). */
  async #claimAgain(): Promise<void> {
    for (const stream of this.#claimed) {
      try {
        await claimStream(this.#workplaceOf(this.#connection), stream)
      } catch (error) {
        if (!(error instanceof StreamBusyError)) throw error
        this.#claimed.delete(stream)
      }
    }
  }

  #workplaceOf(connection: Connection): Workplace {
    return {
      connection,
      schema: this.schema,
      pipeline: this.#pipeline,
      pool: this.pool,
      withoutMatches: this.#withoutMatches,
    }
  }

  async close(): Promise<void> {
    await this.#last
    await this.#connection.close()
  }
}
