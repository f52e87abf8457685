import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { CanonicalRow } from './canonical.ts'

/** Rows that differ, with some of their keys. */
export interface Difference {
  readonly rows: number
  /** Keys as JSON; without a key the start of the row's content. */
  readonly examples: readonly string[]
}

export interface Differences {
  /** Records of the API that have no row. */
  readonly missing: Difference
  /** Rows that the API has no record of. */
  readonly extra: Difference
  /** Rows that say something else than their record. */
  readonly different: Difference
  /** Rows whose key another row has, too. */
  readonly doubled: Difference
}

/** Memory that the comparison takes, whatever its size: beyond it, it goes to the disk. */
const MEMORY = '96MiB'

/** Two sets of rows, kept as keys and hashes in a file of its own, and compared there: the memory does not grow with them. */
export class Comparison implements AsyncDisposable {
  readonly #folder: string
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #sides: { readonly api: DuckDBAppender; readonly stored: DuckDBAppender }

  private constructor(
    folder: string,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    sides: { readonly api: DuckDBAppender; readonly stored: DuckDBAppender },
  ) {
    this.#folder = folder
    this.#instance = instance
    this.#connection = connection
    this.#sides = sides
  }

  static async open(): Promise<Comparison> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-verify-'))
    const instance = await DuckDBInstance.create(join(folder, 'rows.duckdb'), {
      memory_limit: MEMORY,
      threads: '1',
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    for (const side of ['api', 'stored'])
      await connection.run(`CREATE TABLE ${side} (key VARCHAR, hash VARCHAR)`)
    const sides = {
      api: await connection.createAppender('api'),
      stored: await connection.createAppender('stored'),
    }
    return new Comparison(folder, instance, connection, sides)
  }

  add(side: 'api' | 'stored', { key, content }: CanonicalRow): void {
    const appender = this.#sides[side]
    const hash = createHash('sha256').update(content).digest('base64')
    appender.appendVarchar(key === '' ? content.slice(0, EXCERPT) : key)
    appender.appendVarchar(hash)
    appender.endRow()
  }

  /** @param keyed without a key, rows are compared by their content, as many as there are of each */
  async differences(keyed: boolean): Promise<Differences> {
    for (const appender of Object.values(this.#sides)) appender.closeSync()
    if (!keyed) {
      const counts = (side: string) =>
        `(SELECT hash, any_value(key) AS key, count(*) AS times FROM ${side} GROUP BY hash)`
      const lacking = (from: string, to: string) =>
        `SELECT a.key, a.times - coalesce(b.times, 0) AS times FROM ${counts(from)} a LEFT JOIN ${counts(to)} b USING (hash)
         WHERE a.times > coalesce(b.times, 0)`
      return {
        missing: await this.#count(lacking('api', 'stored')),
        extra: await this.#count(lacking('stored', 'api')),
        different: none,
        doubled: none,
      }
    }
    return {
      missing: await this.#count(
        'SELECT DISTINCT key, 1 AS times FROM api WHERE NOT EXISTS (SELECT 1 FROM stored s WHERE s.key = api.key)',
      ),
      extra: await this.#count(
        'SELECT DISTINCT key, 1 AS times FROM stored WHERE NOT EXISTS (SELECT 1 FROM api a WHERE a.key = stored.key)',
      ),
      // A record may have changed while it was read: any version that was seen will do.
      different: await this.#count(
        `SELECT DISTINCT key, 1 AS times FROM stored s WHERE EXISTS (SELECT 1 FROM api a WHERE a.key = s.key)
         AND NOT EXISTS (SELECT 1 FROM api a WHERE a.key = s.key AND a.hash = s.hash)`,
      ),
      doubled: await this.#count(
        'SELECT key, count(*) - 1 AS times FROM stored GROUP BY key HAVING count(*) > 1',
      ),
    }
  }

  async #count(sql: string): Promise<Difference> {
    const reader = await this.#connection.runAndReadAll(
      `WITH found AS MATERIALIZED (${sql}) SELECT (SELECT coalesce(sum(times), 0) FROM found), key FROM found ORDER BY key LIMIT ${EXAMPLES}`,
    )
    const rows = reader.getRows()
    return { rows: Number(rows[0]?.[0] ?? 0), examples: rows.map(([, key]) => String(key)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const EXAMPLES = 10
const EXCERPT = 200
const none: Difference = { rows: 0, examples: [] }
