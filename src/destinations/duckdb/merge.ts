import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableCounts } from '../../ports/destination.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { batchKeys, type KeyColumn, type KeyRange } from './batch-keys.ts'
import { fedColumn, markColumn, ordinalColumn } from './fed-column.ts'
import type { KnownKeys, KnownTable } from './known-tables.ts'
import { identifier } from './quote.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'
import type { TableLoad } from './table-load.ts'

// A load with a key goes through DuckDB twice. First its keys and versions alone, which are little: they tell which record
// of each key counts, and which row of the table it takes the place of. Then the rows that are to be written, straight
// into the table. Only records that could be what is stored already are compared whole. There is no index: DuckDB
// would keep it in memory, and the join reads nothing but the key's columns, of the row groups that can hold the keys.

/** What becomes of a load's rows. */
export interface MergePlan {
  /** The ordinals of those that are not to be written. */
  readonly skipped: ReadonlySet<number>
  /** How many of those that are written take the place of a row. */
  readonly updated: number
  /** How many of the others removed rows, and how many rows those were. */
  readonly removing: number
  readonly deleted: number
  /**
   * Where asked for, the ordinals of those that were not taken (another one of their key counts, what is stored is newer, or, where loads
   * append, is there), and of the others those whose key had a row.
   */
  readonly fate?: { readonly refused: ReadonlySet<number>; readonly matched: ReadonlySet<number> }
  /** What the table's keys lie between after the load, where that is known. */
  readonly keys?: KnownKeys
}

/** What the planning of a load needs. */
interface Merge {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly load: TableLoad
  /** The table, quoted. */
  readonly table: string
  readonly key: readonly KeyColumn[]
  readonly version: KeyColumn | undefined
  /** Whether a row removes that of its key; undefined where none does. */
  readonly removes: ((ordinal: number) => boolean) | undefined
}

/** The keys of a table without rows. */
export const emptyRange: KnownKeys = { least: Number.POSITIVE_INFINITY, greatest: Number.NEGATIVE_INFINITY }

/** The batch's keys: ordinal, k0, k1, …, version. */
const KEYS = 'temp._sluice_keys'
/** The rows that hold one of them: ordinal, target (a row id), older, comparable, removes. */
const MATCHES = 'temp._sluice_matches'

const none: ReadonlySet<number> = new Set()

type Replaced = Pick<MergePlan, 'updated' | 'removing' | 'deleted'>

const nothingReplaced: Replaced = { updated: 0, removing: 0, deleted: 0 }

const nothingPlanned: MergePlan = {
  skipped: none,
  ...nothingReplaced,
  fate: { refused: none, matched: none },
}

/** What a plan does, in numbers. */
export function countsOf(load: TableLoad, { skipped, updated, removing, deleted }: MergePlan): TableCounts {
  const written = load.rows.length - skipped.size
  return { inserted: written - updated, updated, unchanged: skipped.size - removing, deleted }
}

/**
 * Decides what to write, and deletes the rows whose place is taken, or whose key is gone. Runs in the load's transaction, after its DDL.
 * @param tellFate whether `fate` is asked for
 */
export async function planMerge(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: TableLoad,
  known: KnownTable,
  tellFate = false,
): Promise<MergePlan> {
  const { rows, mode, tombstones } = load
  if (load.key.length === 0) return nothingPlanned
  if (rows.length === 0) return { ...nothingPlanned, ...(known.keys && { keys: known.keys }) }
  const gone = goneRows(load)
  // Before the first record there is no column to find a key in.
  if (gone.size === rows.length && !hasKey(load)) return { ...nothingPlanned, skipped: gone }
  const merge: Merge = {
    connection,
    feed,
    load,
    table: identifier(load.name),
    key: load.key.map((field) => keyColumn(load, field)),
    version: mode === 'append' ? undefined : findColumn(load, load.version),
    removes: removesOf(mode, tombstones),
  }
  const { distinct, range } = batchKeys(rows, merge.key)
  const skipped = new Set(distinct ? [] : await dropSuperseded(merge))
  const refused = new Set(tellFate ? skipped : none)
  let matched = none
  const column = merge.key[0]!.column.name
  const stored = range && (keysOf(known, column) ?? (await storedKeys(merge)))
  let replaced = nothingReplaced
  if (!areDisjoint(range, stored) && (await matchRows(merge, distinct))) {
    const older = await dropOlder(merge)
    if (tellFate) matched = new Set(await numbers(connection, `SELECT DISTINCT ordinal FROM ${MATCHES}`))
    const unchanged = mode === 'append' ? older : [...older, ...(await sameAsStored(merge))]
    for (const ordinal of unchanged) skipped.add(ordinal)
    if (tellFate) for (const ordinal of older) refused.add(ordinal)
    if (mode !== 'append') replaced = await deleteReplaced(merge)
  }
  for (const ordinal of gone) skipped.add(ordinal)
  return {
    skipped,
    ...replaced,
    ...(tellFate && { fate: { refused, matched } }),
    ...(range && stored && { keys: { column, ...united(range, stored) } }),
  }
}

function removesOf(mode: TableLoad['mode'], tombstones: TableLoad['tombstones']): Merge['removes'] {
  if (mode === 'delete') return () => true
  return tombstones && ((ordinal) => tombstones.has(ordinal))
}

/** The rows that are written in no case. */
function goneRows({ mode, rows, tombstones = none }: TableLoad): ReadonlySet<number> {
  return mode === 'delete' ? new Set(Array.from({ length: rows.length }, (_, at) => at)) : tombstones
}

function hasKey(load: TableLoad): boolean {
  return load.key.every((field) => findColumn(load, field) !== undefined)
}

/** Another load may have been merged by another key. */
function keysOf({ keys }: KnownTable, column: string): KeyRange | undefined {
  return keys === undefined || (keys.column !== undefined && keys.column !== column) ? undefined : keys
}

/** True where no key of the batch can be in the table: what grows by its id, mostly, needs no join. */
function areDisjoint(range: KeyRange | undefined, stored: KeyRange | undefined): boolean {
  if (range === undefined || stored === undefined) return false
  return range.least > stored.greatest || range.greatest < stored.least
}

function united(a: KeyRange, b: KeyRange): KeyRange {
  return { least: Math.min(a.least, b.least), greatest: Math.max(a.greatest, b.greatest) }
}

async function storedKeys({ connection, table, key }: Merge): Promise<KeyRange> {
  const column = identifier(key[0]!.column.name)
  const reader = await connection.runAndReadAll(
    `SELECT CAST(min(${column}) AS DOUBLE), CAST(max(${column}) AS DOUBLE) FROM ${table}`,
  )
  const [least, greatest] = reader.getRows()[0] as [number | null, number | null]
  return least === null || greatest === null ? emptyRange : { least, greatest }
}

/** Adds rows to the table, but for those that are `skipped`. */
export async function insertRows(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: TableLoad,
  skipped: ReadonlySet<number>,
): Promise<void> {
  const { rows } = load
  if (rows.length === skipped.size) return
  const columns = load.schema.columns.map((_column, at) => fedColumn(load.schema, at, `c${at}`))
  const names = [...load.schema.columns.map(({ name }) => name), LOAD_ID_COLUMN].map(identifier)
  const values = [...columns.map(({ expression }) => expression), '$1']
  // Also gives a chunk its one column where the records are empty.
  const written = markColumn('written', (ordinal) => !skipped.has(ordinal))
  const all = skipped.size === 0 && columns.length > 0
  await feed.use(all ? columns : [...columns, written], rows, () =>
    connection.run(
      `INSERT INTO ${identifier(load.name)} (${names.join(', ')})
       SELECT ${values.join(', ')} FROM ${FED_ROWS} ${all ? '' : 'WHERE written'}`,
      [load.loadId],
    ),
  )
}

/** Runs a statement over the batch's keys as they come: `fed` selects them. */
async function withFedKeys<Result>(
  { feed, load, key, version, removes }: Merge,
  run: (fed: string) => Promise<Result>,
): Promise<Result> {
  const parts = key.map(({ at }, index) => fedColumn(load.schema, at, `k${index}`))
  if (version !== undefined) parts.push(fedColumn(load.schema, version.at, 'version'))
  if (removes !== undefined) parts.push(markColumn('removes', removes))
  const selected = ['ordinal', ...parts.map(({ name, expression }) => `${expression} AS ${name}`)]
  return feed.use([ordinalColumn('ordinal'), ...parts], load.rows, () =>
    run(`SELECT ${selected.join(', ')} FROM ${FED_ROWS}`),
  )
}

/**
 * Takes out the records whose key comes in the batch again, and better: where loads merge, the last one of the newest
 * version counts, where they append the first.
 */
async function dropSuperseded(merge: Merge): Promise<number[]> {
  const { connection, load, key, version } = merge
  await withFedKeys(merge, (fed) => connection.run(`CREATE OR REPLACE TEMP TABLE _sluice_keys AS ${fed}`))
  const parts = key.map((_column, at) => `k${at}`).join(', ')
  const [distinct] = await numbers(connection, `SELECT count(*) FROM (SELECT DISTINCT ${parts} FROM ${KEYS})`)
  if (distinct === load.rows.length) return []
  const latest = version === undefined ? 'ordinal DESC' : 'version DESC NULLS LAST, ordinal DESC'
  const order = load.mode === 'append' ? 'ordinal' : latest
  const superseded = `SELECT ordinal FROM ${KEYS}
    QUALIFY row_number() OVER (PARTITION BY ${parts} ORDER BY ${order}) > 1`
  return numbers(connection, `DELETE FROM ${KEYS} WHERE ordinal IN (${superseded}) RETURNING ordinal`)
}

/** Finds the rows that hold the batch's keys: distinct ones straight from the records, others from KEYS. */
async function matchRows(merge: Merge, distinct: boolean): Promise<boolean> {
  return distinct ? withFedKeys(merge, (fed) => storeMatches(merge, `(${fed})`)) : storeMatches(merge, KEYS)
}

async function storeMatches(
  { connection, table, key, version, removes }: Merge,
  keys: string,
): Promise<boolean> {
  const on = key.map(({ column }, at) => `t.${identifier(column.name)} = k.k${at}`).join(' AND ')
  const stored = version === undefined ? 'NULL' : `t.${identifier(version.column.name)}`
  const older =
    version === undefined ? 'false' : `${stored} IS NOT NULL AND (k.version IS NULL OR k.version < ${stored})`
  // Another version is another record: it need not be compared.
  const sameVersion = version === undefined ? 'true' : `k.version IS NOT DISTINCT FROM ${stored}`
  const comparable = removes === undefined ? sameVersion : `${sameVersion} AND NOT k.removes`
  const created = await connection.run(
    `CREATE OR REPLACE TEMP TABLE _sluice_matches AS
     SELECT k.ordinal, t.rowid AS target, ${older} AS older, ${comparable} AS comparable,
       ${removes === undefined ? 'false' : 'k.removes'} AS removes
     FROM ${keys} k JOIN ${table} t ON ${on}`,
  )
  const [[count] = [0n]] = await created.getRows()
  return Number(count) > 0
}

/** Takes out the records that are not taken: known (append), or older than what is stored. */
async function dropOlder({ connection, load, version }: Merge): Promise<number[]> {
  if (load.mode === 'append') return numbers(connection, `SELECT DISTINCT ordinal FROM ${MATCHES}`)
  return version === undefined
    ? []
    : numbers(connection, `DELETE FROM ${MATCHES} WHERE older RETURNING ordinal`)
}

/** Takes out the records that are stored already, as they are. */
async function sameAsStored({ connection, feed, load, table }: Merge): Promise<number[]> {
  const [candidates] = await numbers(connection, `SELECT count(*) FROM ${MATCHES} WHERE comparable`)
  if (candidates === 0) return []
  const columns = load.schema.columns.map((_column, at) => fedColumn(load.schema, at, `c${at}`))
  const differences = load.schema.columns.map(
    ({ name }, at) => `${columns[at]!.expression} IS DISTINCT FROM s.${identifier(name)}`,
  )
  // The rows are fetched by their ids, before anything else: a join on them would read the whole table. One condition with
  // OR, since several with AND would become the keys of a join, whole rows hashed.
  return feed.use([ordinalColumn('ordinal'), ...columns], load.rows, () =>
    numbers(
      connection,
      `DELETE FROM ${MATCHES} WHERE ordinal IN (
         WITH stored AS MATERIALIZED (
           SELECT *, rowid AS _sluice_rowid FROM ${table}
           WHERE rowid IN (SELECT target FROM ${MATCHES} WHERE comparable)
         )
         SELECT m.ordinal FROM ${FED_ROWS} f
         JOIN ${MATCHES} m ON m.ordinal = f.ordinal
         JOIN stored s ON s._sluice_rowid = m.target
         WHERE NOT (${differences.join(' OR ')})
       ) RETURNING ordinal`,
    ),
  )
}

async function deleteReplaced({ connection, table, removes }: Merge): Promise<Replaced> {
  const [matched] = await numbers(connection, `SELECT count(DISTINCT ordinal) FROM ${MATCHES}`)
  if (matched === 0) return nothingReplaced
  await connection.run(`DELETE FROM ${table} WHERE rowid IN (SELECT target FROM ${MATCHES})`)
  if (removes === undefined) return { ...nothingReplaced, updated: matched! }
  const reader = await connection.runAndReadAll(
    `SELECT count(DISTINCT ordinal), count(DISTINCT target) FROM ${MATCHES} WHERE removes`,
  )
  const [removing, deleted] = reader.getRows()[0]!.map(Number) as [number, number]
  return { updated: matched! - removing, removing, deleted }
}

function keyColumn(load: TableLoad, field: string): KeyColumn {
  const column = findColumn(load, field)
  if (column === undefined)
    throw new DestinationSchemaError(
      load.name,
      `the load has no column for its key field ${JSON.stringify(field)}`,
    )
  return column
}

function findColumn(load: TableLoad, field: string | undefined): KeyColumn | undefined {
  const at = load.schema.columns.findIndex((candidate) => candidate.field === field)
  return at < 0 ? undefined : { column: load.schema.columns[at]!, at }
}

/** The first column of a query's result, of whole numbers. */
async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const reader = await connection.runAndReadAll(sql)
  return (reader.getColumns()[0] ?? []).map(Number)
}
