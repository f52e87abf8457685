// What a warehouse holds after its process has died: opened as the next process would open it, a log replayed.
import type { Json } from '../../src/ports/json.ts'
import type { Column } from './truth.ts'

/** A row as plain JSON. */
export type QueryRow = { readonly [column: string]: Json }

export interface StoredCheckpoint {
  readonly slice: string
  /** True where the slice was read to its end. */
  readonly ended: boolean
  /** Where the paginator goes on; `null` where the slice was read to its end. */
  readonly next: string | null
  readonly staged: boolean
}

/** The names to look for: a stream's table, and that of a list that is split off. */
export interface Tables {
  readonly table: string
  readonly list?: string | undefined
}

export interface Contents {
  /** The live table, of one with history the present versions; no rows where there is none. */
  readonly rows: readonly QueryRow[]
  /** Versions that have ended. */
  readonly ended: readonly QueryRow[]
  /** The columns that the destination says the table has. */
  readonly columns: readonly Column[]
  /** The names of the columns that it really has, but for Sluice's own. */
  readonly present: readonly string[]
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

export const nothing: Contents = {
  rows: [],
  ended: [],
  columns: [],
  present: [],
  items: [],
  checkpoints: [],
  committedRecords: 0,
  inserted: 0,
  stored: 0,
  unknownLoads: [],
}

type Query = (sql: string) => Promise<QueryRow[]>

/** The state tables of DuckDB and PostgreSQL have the same names and columns. */
export async function lookBySql(query: Query, schema: string, { table, list }: Tables): Promise<Contents> {
  const found = await query(
    `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '${schema}' ORDER BY ordinal_position`,
  )
  const columnsOf = (name: string) =>
    found.filter((row) => row['table_name'] === name).map((row) => row['column_name'] as string)
  const has = (name: string) => columnsOf(name).length > 0
  if (!has('_sluice_loads')) return nothing
  const loaded = [table, `_sluice_new_${table}`].filter(has)
  const lists = list !== undefined && has(list) ? [list] : []
  const references = [
    'SELECT load_id FROM _sluice_checkpoints',
    'SELECT load_id FROM _sluice_schemas',
    ...[...loaded, ...lists].map((name) => `SELECT _sluice_load_id FROM ${name}`),
  ].join(' UNION ')
  const [loads] = await query(
    `SELECT CAST(sum(inserted + updated + unchanged + coalesce(deleted, 0)) AS BIGINT) AS records,
       CAST(sum(inserted - coalesce(deleted, 0)) AS BIGINT) AS inserted FROM _sluice_loads`,
  )
  const counts: number[] = []
  for (const name of loaded)
    counts.push(Number((await query(`SELECT count(*) AS count FROM ${name}`))[0]!['count']))
  const [columns] = await query(
    `SELECT columns FROM _sluice_schemas WHERE table_name = '${table}' AND NOT staged`,
  )
  const rows = has(table) ? await query(`SELECT * FROM ${table}`) : []
  const checkpoints = await query('SELECT slice, position, staged FROM _sluice_checkpoints')
  const unknown = await query(
    `SELECT id FROM (${references}) named(id) WHERE id NOT IN (SELECT load_id FROM _sluice_loads)`,
  )
  return {
    rows: rows.filter(isPresent),
    ended: rows.filter((row) => !isPresent(row)),
    columns: columns === undefined ? [] : JSON.parse(columns['columns'] as string).columns,
    present: columnsOf(table).filter((name) => !name.startsWith('_sluice_')),
    items: lists.length === 0 ? [] : await query(`SELECT * FROM ${list}`),
    checkpoints: checkpoints.map(({ slice, position, staged }) =>
      storedCheckpoint(slice as string, JSON.parse(position as string), staged as boolean),
    ),
    committedRecords: Number(loads?.['records'] ?? 0),
    inserted: Number(loads?.['inserted'] ?? 0),
    stored: counts.reduce((sum, count) => sum + count, 0),
    unknownLoads: unknown.map(({ id }) => id as string),
  }
}

export function storedCheckpoint(
  slice: string,
  position: Json | undefined,
  staged: boolean,
): StoredCheckpoint {
  const ended = position === undefined || position === null
  const at = ended ? null : ((position as { readonly at?: Json }).at ?? null)
  return { slice, ended, next: at === null ? null : String(at), staged }
}

function isPresent(row: QueryRow): boolean {
  return (row['_sluice_valid_to'] ?? null) === null
}
