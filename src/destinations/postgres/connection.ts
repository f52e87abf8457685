import { hostname } from 'node:os'
import type { Client, ClientConfig } from 'pg'
import { DestinationError } from '../errors.ts'
import type { RowSegment } from './encoded-rows.ts'
import { isConnectionLost } from './failure.ts'
import { parseValue } from './values.ts'

/** Longest wait for a server that does not answer at all. */
const CONNECT_TIMEOUT_MS = 15_000
/** A transaction that nothing is heard of for so long is ended by the server, and its locks with it: its process is gone. */
const IDLE_TRANSACTION_TIMEOUT_MS = 600_000
// A machine that vanishes says nothing: its connection, and the claims and locks of that, would stay for as long as the system's own
// settings let them, two hours by default. Either side asks after a minute of silence, and takes the other for gone half a minute later.
const KEEPALIVE_IDLE_S = 60
const KEEPALIVE_INTERVAL_S = 10
const KEEPALIVE_COUNT = 3
/** What was sent and is not confirmed for so long ends the connection, too: as long as silence may take to be noticed. */
const UNCONFIRMED_TIMEOUT_MS = (KEEPALIVE_IDLE_S + KEEPALIVE_INTERVAL_S * KEEPALIVE_COUNT) * 1000
/** PostgreSQL 13 has `trim_scale`, and is the oldest that was looked at. */
const LEAST_VERSION = 130_000

export interface ConnectionSettings {
  readonly url: string
  /** For messages. */
  readonly description: string
  /** Names the connection in `pg_stat_activity`. */
  readonly applicationName: string
  readonly lockTimeoutMs: number
  readonly statementTimeoutMs: number
  readonly readOnly: boolean
}

/** A value of a result: int8 is a number where one holds it, else its digits; json its text; times ISO 8601 in UTC. */
export type Cell = null | boolean | number | string

/** One connection, used by one at a time. */
export class Connection {
  readonly #client: Client
  readonly #copyFrom: typeof import('pg-copy-streams').from
  #lost: Error | undefined
  /** The server's process. */
  readonly pid: number
  /** When that began, as the server says it. */
  readonly startedAt: string

  private constructor(
    client: Client,
    copyFrom: typeof import('pg-copy-streams').from,
    process: { readonly pid: number; readonly startedAt: string },
  ) {
    this.#client = client
    this.#copyFrom = copyFrom
    this.pid = process.pid
    this.startedAt = process.startedAt
    // What is under way fails by itself.
    client.on('error', (error) => {
      this.#lost ??= error
    })
    client.on('end', () => {
      this.#lost ??= new Error('Connection terminated')
    })
  }

  static async open(settings: ConnectionSettings): Promise<Connection> {
    const { Client, copyFrom } = await loadPackages(settings.description)
    const client = new Client(clientConfig(settings))
    let broken: Error | undefined
    const note = (error: Error) => {
      broken = error
    }
    client.on('error', note)
    try {
      await client.connect()
      await client.query(sessionScript(settings))
      const { rows } = await client.query({
        text: `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), pid, backend_start
          FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
        rowMode: 'array',
      })
      const [version, encoding, pid, startedAt] = rows[0] as [number, string, number, string]
      requireServer(settings.description, version, encoding)
      client.off('error', note)
      return new Connection(client, copyFrom, { pid, startedAt })
    } catch (error) {
      await client.end().catch(() => undefined)
      throw broken ?? error
    }
  }

  /** False once the connection is gone. */
  get isOpen(): boolean {
    return this.#lost === undefined
  }

  async rows<Row extends readonly Cell[]>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#run(() =>
      this.#client.query({ text, values: [...values], rowMode: 'array' }),
    )
    return rows as unknown as Row[]
  }

  /** The result of a query with the names of its columns, which need not differ. */
  async table(
    text: string,
  ): Promise<{ readonly names: readonly string[]; readonly rows: readonly Cell[][] }> {
    const result = await this.#run(() => this.#client.query({ text, rowMode: 'array' }))
    // Of several statements the last one counts.
    const last = Array.isArray(result) ? result.at(-1)! : result
    return {
      names: (last.fields as { name: string }[]).map(({ name }) => name),
      rows: last.rows as Cell[][],
    }
  }

  /** Runs a statement; returns how many rows it changed. */
  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    const { rowCount } = await this.#run(() => this.#client.query({ text, values: [...values] }))
    return rowCount ?? 0
  }

  /** Runs several statements without parameters, in one round trip. */
  async script(text: string): Promise<void> {
    await this.#run(() => this.#client.query(text))
  }

  /** Sends rows by COPY. A buffer is handed on when the one before it is on its way. */
  async copy(text: string, { buffers }: RowSegment): Promise<number> {
    return this.#run(async () => {
      const stream = this.#client.query(this.#copyFrom(text))
      const failed = new Promise<never>((_, reject) => stream.once('error', reject))
      failed.catch(() => undefined)
      for (const buffer of buffers)
        await Promise.race([
          failed,
          new Promise<void>((resolve, reject) =>
            stream.write(buffer, (error) => (error ? reject(error) : resolve())),
          ),
        ])
      await Promise.race([failed, new Promise<void>((resolve) => stream.end(() => resolve()))])
      return stream.rowCount
    })
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#lost !== undefined) throw this.#lost
    try {
      return await work()
    } catch (error) {
      if (isConnectionLost(error)) this.#lost ??= error as Error
      throw error
    }
  }
}

async function loadPackages(description: string) {
  try {
    const [{ default: pg }, { from: copyFrom }] = await Promise.all([
      import('pg'),
      import('pg-copy-streams').then(
        (module) => (module as unknown as { default: typeof module }).default ?? module,
      ),
    ])
    return { Client: pg.Client, copyFrom }
  } catch (error) {
    throw new DestinationError(
      description,
      'it needs the packages pg and pg-copy-streams: npm install pg pg-copy-streams',
      { cause: error },
    )
  }
}

function clientConfig({ url, applicationName }: ConnectionSettings): ClientConfig {
  return {
    connectionString: withLibpqModes(url),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_IDLE_S * 1000,
    types: { getTypeParser: (type: number) => (text: string) => parseValue(type, text) } as NonNullable<
      ClientConfig['types']
    >,
  }
}

/** Makes `sslmode` mean what it means to PostgreSQL's own programs: pg takes each mode for `verify-full`. */
function withLibpqModes(url: string): string {
  if (!/[?&]sslmode=(prefer|require|verify-ca)/.test(url) || /[?&]uselibpqcompat=/.test(url)) return url
  return `${url}&uselibpqcompat=true`
}

function sessionScript({ lockTimeoutMs, statementTimeoutMs, readOnly }: ConnectionSettings): string {
  return [
    `SET TimeZone = 'UTC'`,
    `SET DateStyle = 'ISO, YMD'`,
    'SET extra_float_digits = 1',
    'SET standard_conforming_strings = on',
    `SET client_min_messages = 'warning'`,
    // Statements over one batch of rows are short: compiling them would take longer.
    'SET jit = off',
    `SET default_transaction_isolation = 'read committed'`,
    `SET lock_timeout = ${Math.ceil(lockTimeoutMs)}`,
    `SET statement_timeout = ${Math.ceil(statementTimeoutMs)}`,
    `SET idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_TIMEOUT_MS}`,
    `SET tcp_keepalives_idle = ${KEEPALIVE_IDLE_S}`,
    `SET tcp_keepalives_interval = ${KEEPALIVE_INTERVAL_S}`,
    `SET tcp_keepalives_count = ${KEEPALIVE_COUNT}`,
    `SET tcp_user_timeout = ${UNCONFIRMED_TIMEOUT_MS}`,
    ...(readOnly ? ['SET default_transaction_read_only = on'] : []),
  ].join('; ')
}

function requireServer(description: string, version: number, encoding: string): void {
  if (version < LEAST_VERSION)
    throw new DestinationError(
      description,
      `the server is PostgreSQL ${Math.floor(version / 10_000)}. Sluice needs 13 or newer`,
    )
  if (encoding !== 'UTF8')
    throw new DestinationError(
      description,
      `the database's encoding is ${encoding}, which can't hold every text. Create one with ENCODING 'UTF8'`,
    )
}

/** How a session of a pipeline is called in `pg_stat_activity`, in 63 bytes at most: the server cuts it. */
export function applicationName(pipeline: string): string {
  return `sluice ${pipeline} ${process.pid}@${hostname()}`
}
