// What a warehouse file holds after its process has died: opened as the next process would open it, its log replayed.
import type { QueryRow } from '../../src/destinations/duckdb/duckdb.ts'
import { destinationAt } from '../../src/destinations/duckdb/test-warehouse.ts'
import type { Column } from './truth.ts'

export interface StoredCheckpoint {
  readonly slice: string
  /** True where the slice was read to its end. */
  readonly ended: boolean
  /** Where the paginator goes on; `null` where the slice was read to its end. */
  readonly next: string | null
  readonly staged: boolean
}

export interface Contents {
  /** The live table; no rows where there is none. */
  readonly rows: readonly QueryRow[]
  readonly columns: readonly Column[]
  /** The table of a list that is split off; no rows where there is none. */
  readonly items: readonly QueryRow[]
  readonly checkpoints: readonly StoredCheckpoint[]
  /** Records that the committed loads took in, known ones included. */
  readonly committedRecords: number
  /** Rows that the committed loads added. */
  readonly inserted: number
  /** Rows, live and staged. */
  readonly stored: number
  /** Load ids that rows, checkpoints or schemas name and the list of loads does not have. */
  readonly unknownLoads: readonly string[]
}

const nothing: Contents = {
  rows: [],
  columns: [],
  items: [],
  checkpoints: [],
  committedRecords: 0,
  inserted: 0,
  stored: 0,
  unknownLoads: [],
}

export async function look(file: string, table: string, list?: string): Promise<Contents> {
  const destination = destinationAt(file)
  await using session = await destination.open('killed', { readOnly: true })
  const tables = (await session.query('SELECT table_name FROM duckdb_tables()')).map(
    (row) => row['table_name'],
  )
  if (!tables.includes('_sluice_loads')) return nothing
  const staged = `_sluice_new_${table}`
  const present = [table, staged].filter((name) => tables.includes(name))
  const lists = list !== undefined && tables.includes(list) ? [list] : []
  const references = [
    'SELECT load_id FROM _sluice_checkpoints',
    'SELECT load_id FROM _sluice_schemas',
    ...[...present, ...lists].map((name) => `SELECT _sluice_load_id FROM ${name}`),
  ].join(' UNION ')
  const [loads] = await session.query(
    'SELECT sum(inserted + updated + unchanged + coalesce(deleted, 0))::BIGINT AS records, sum(inserted - coalesce(deleted, 0))::BIGINT AS inserted FROM _sluice_loads',
  )
  const counts = await Promise.all(
    present.map(async (name) => (await session.query(`SELECT count(*) AS count FROM ${name}`))[0]!['count']),
  )
  const [schema] = await session.query(
    `SELECT columns FROM _sluice_schemas WHERE table_name = '${table}' AND NOT staged`,
  )
  return {
    rows: tables.includes(table) ? await session.query(`SELECT * FROM ${table}`) : [],
    columns: schema === undefined ? [] : JSON.parse(schema['columns'] as string).columns,
    items: lists.length === 0 ? [] : await session.query(`SELECT * FROM ${list}`),
    checkpoints: (
      await session.query(
        "SELECT slice, position IS NULL OR position = 'null' AS ended, position ->> '$.at' AS next, staged FROM _sluice_checkpoints",
      )
    ).map(({ slice, ended, next, staged }) => ({ slice, ended, next, staged }) as StoredCheckpoint),
    committedRecords: Number(loads?.['records'] ?? 0),
    inserted: Number(loads?.['inserted'] ?? 0),
    stored: counts.reduce<number>((sum, count) => sum + Number(count), 0),
    unknownLoads: (
      await session.query(
        `SELECT id FROM (${references}) named(id) WHERE id NOT IN (SELECT load_id FROM _sluice_loads)`,
      )
    ).map(({ id }) => id as string),
  }
}
