import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { CanonicalRow } from './canonical.ts'
import { LineFile } from './line-file.ts'

/** Rows that differ. */
export interface Found {
  readonly rows: number
  /** Some of them: the key, and the contents that there are. */
  readonly examples: readonly {
    readonly key: string
    readonly api: string | null
    readonly stored: string | null
  }[]
}

export interface Differences<Difference> {
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

interface Side {
  readonly rows: DuckDBAppender
  readonly contents: LineFile
}

/** Two sets of rows, kept in files of their own, and compared there by keys and hashes: the memory does not grow with them. */
export class Comparison implements AsyncDisposable {
  readonly #folder: string
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #sides: { readonly api: Side; readonly stored: Side }

  private constructor(
    folder: string,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    sides: { readonly api: Side; readonly stored: Side },
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
      await connection.run(`CREATE TABLE ${side} (key VARCHAR, hash VARCHAR, content BIGINT)`)
    const side = async (name: string): Promise<Side> => ({
      rows: await connection.createAppender(name),
      contents: new LineFile(join(folder, name)),
    })
    const sides = { api: await side('api'), stored: await side('stored') }
    return new Comparison(folder, instance, connection, sides)
  }

  add(side: 'api' | 'stored', { key, content }: CanonicalRow): void {
    const { rows, contents } = this.#sides[side]
    rows.appendVarchar(key)
    rows.appendVarchar(createHash('sha256').update(content).digest('base64'))
    rows.appendBigInt(BigInt(contents.add(content)))
    rows.endRow()
  }

  /** @param keyed without a key, rows are compared by their content, as many as there are of each */
  async differences(keyed: boolean): Promise<Differences<Found>> {
    for (const { rows } of Object.values(this.#sides)) rows.closeSync()
    if (!keyed) {
      const counts = (side: string) =>
        `(SELECT hash, min(content) AS content, count(*) AS times FROM ${side} GROUP BY hash)`
      const lacking = (from: string, to: string) =>
        `SELECT '' AS key, a.times - coalesce(b.times, 0) AS times, a.content AS ${from}, NULL::BIGINT AS ${to}
         FROM ${counts(from)} a LEFT JOIN ${counts(to)} b USING (hash) WHERE a.times > coalesce(b.times, 0)`
      return {
        missing: await this.#find(lacking('api', 'stored')),
        extra: await this.#find(lacking('stored', 'api')),
        different: none,
        doubled: none,
      }
    }
    const lacking = (from: string, to: string) =>
      `SELECT key, 1 AS times, min(content) AS ${from}, NULL::BIGINT AS ${to} FROM ${from} a
       WHERE NOT EXISTS (SELECT 1 FROM ${to} b WHERE b.key = a.key) GROUP BY key`
    return {
      missing: await this.#find(lacking('api', 'stored')),
      extra: await this.#find(lacking('stored', 'api')),
      // A record may have changed while it was read: any version that was seen will do. The last one is shown.
      different: await this.#find(
        `SELECT key, 1 AS times, max(a.content) AS api, max(s.content) AS stored FROM stored s JOIN api a USING (key)
         WHERE NOT EXISTS (SELECT 1 FROM api b WHERE b.key = s.key AND b.hash = s.hash) GROUP BY key`,
      ),
      doubled: await this.#find(
        `SELECT key, count(*) - 1 AS times, NULL::BIGINT AS api, min(content) AS stored FROM stored
         GROUP BY key HAVING count(*) > 1`,
      ),
    }
  }

  /** @param sql rows of `key`, `times`, and where the contents are: `api` and `stored` */
  async #find(sql: string): Promise<Found> {
    // The shorter key first: 2 before 10.
    const reader = await this.#connection.runAndReadAll(
      `WITH found AS MATERIALIZED (${sql}) SELECT key, api, stored, (SELECT coalesce(sum(times), 0) FROM found)
       FROM found ORDER BY length(key), key, api, stored LIMIT ${EXAMPLES}`,
    )
    const rows = reader.getRows()
    const { api, stored } = this.#sides
    const contentAt = ({ contents }: Side, at: unknown) => (at === null ? null : contents.read(Number(at)))
    return {
      rows: Number(rows[0]?.[3] ?? 0),
      examples: rows.map(([key, record, row]) => ({
        key: String(key),
        api: contentAt(api, record),
        stored: contentAt(stored, row),
      })),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
    for (const { contents } of Object.values(this.#sides)) contents[Symbol.dispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const EXAMPLES = 10
const none: Found = { rows: 0, examples: [] }
