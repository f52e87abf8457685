import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load } from '../../ports/destination.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { batchKeys, type KeyColumn, type KeyRange } from './batch-keys.ts'
import type { EncodedRows } from './encoded-rows.ts'
import { fedColumn, markColumn, ordinalColumn } from './fed-column.ts'
import type { KnownKeys, KnownTable } from './known-tables.ts'
import { identifier } from './quote.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'

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
  /** What the table's keys lie between after the load, where that is known. */
  readonly keys?: KnownKeys
}

/** What the planning of a load needs. */
interface Merge {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly load: Load
  readonly rows: EncodedRows
  /** The table, quoted. */
  readonly table: string
  readonly key: readonly KeyColumn[]
  readonly version: KeyColumn | undefined
}

/** The keys of a table without rows. */
export const emptyRange: KnownKeys = { least: Number.POSITIVE_INFINITY, greatest: Number.NEGATIVE_INFINITY }

/** The batch's keys: ordinal, k0, k1, …, version. */
const KEYS = 'temp._sluice_keys'
/** The rows that hold one of them: ordinal, target (a row id), older, comparable. */
const MATCHES = 'temp._sluice_matches'

const none: ReadonlySet<number> = new Set()

/** Decides what to write, and deletes the rows whose place is taken. Runs in the load's transaction, after its DDL. */
export async function planMerge(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: Load,
  rows: EncodedRows,
  table: string,
  known: KnownTable,
): Promise<MergePlan> {
  if (load.key.length === 0) return { skipped: none, updated: 0 }
  if (rows.length === 0) return { skipped: none, updated: 0, ...(known.keys && { keys: known.keys }) }
  const merge: Merge = {
    connection,
    feed,
    load,
    rows,
    table: identifier(table),
    key: load.key.map((field) => keyColumn(load, table, field)),
    version: load.mode === 'merge' ? findColumn(load, load.version) : undefined,
  }
  const { distinct, range } = batchKeys(rows, merge.key)
  const skipped = new Set(distinct ? [] : await dropSuperseded(merge))
  const column = merge.key[0]!.column.name
  const stored = range && (keysOf(known, column) ?? (await storedKeys(merge)))
  let updated = 0
  if (!apart(range, stored) && (await matchRows(merge, distinct))) {
    for (const ordinal of await dropUnchanged(merge)) skipped.add(ordinal)
    if (load.mode === 'merge') updated = await deleteReplaced(merge)
  }
  return { skipped, updated, ...(range && stored && { keys: { column, ...united(range, stored) } }) }
}

/** Another load may have been merged by another key. */
function keysOf({ keys }: KnownTable, column: string): KeyRange | undefined {
  return keys === undefined || (keys.column !== undefined && keys.column !== column) ? undefined : keys
}

/** True where no key of the batch can be in the table: what grows by its id, mostly, needs no join. */
function apart(range: KeyRange | undefined, stored: KeyRange | undefined): boolean {
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
  load: Load,
  rows: EncodedRows,
  table: string,
  skipped: ReadonlySet<number>,
): Promise<void> {
  if (rows.length === skipped.size) return
  const columns = load.schema.columns.map((_column, at) => fedColumn(load.schema, at, `c${at}`))
  const names = [...load.schema.columns.map(({ name }) => name), LOAD_ID_COLUMN].map(identifier)
  const values = [...columns.map(({ expression }) => expression), '$1']
  // Also gives a chunk its one column where the records are empty.
  const written = markColumn('written', (ordinal) => !skipped.has(ordinal))
  const all = skipped.size === 0 && columns.length > 0
  await feed.use(all ? columns : [...columns, written], rows, () =>
    connection.run(
      `INSERT INTO ${identifier(table)} (${names.join(', ')})
       SELECT ${values.join(', ')} FROM ${FED_ROWS} ${all ? '' : 'WHERE written'}`,
      [load.id],
    ),
  )
}

/** Runs a statement over the batch's keys as they come: `fed` selects them. */
async function withFedKeys<Result>(
  { feed, load, rows, key, version }: Merge,
  run: (fed: string) => Promise<Result>,
): Promise<Result> {
  const parts = key.map(({ at }, index) => fedColumn(load.schema, at, `k${index}`))
  if (version !== undefined) parts.push(fedColumn(load.schema, version.at, 'version'))
  const selected = ['ordinal', ...parts.map(({ name, expression }) => `${expression} AS ${name}`)]
  return feed.use([ordinalColumn('ordinal'), ...parts], rows, () =>
    run(`SELECT ${selected.join(', ')} FROM ${FED_ROWS}`),
  )
}

/**
 * Takes out the records whose key comes in the batch again, and better: where loads merge, the last one of the newest
 * version counts, where they append the first.
 */
async function dropSuperseded(merge: Merge): Promise<number[]> {
  const { connection, load, rows, key, version } = merge
  await withFedKeys(merge, (fed) => connection.run(`CREATE OR REPLACE TEMP TABLE _sluice_keys AS ${fed}`))
  const parts = key.map((_column, at) => `k${at}`).join(', ')
  const [distinct] = await numbers(connection, `SELECT count(*) FROM (SELECT DISTINCT ${parts} FROM ${KEYS})`)
  if (distinct === rows.length) return []
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

async function storeMatches({ connection, table, key, version }: Merge, keys: string): Promise<boolean> {
  const on = key.map(({ column }, at) => `t.${identifier(column.name)} = k.k${at}`).join(' AND ')
  const stored = version === undefined ? 'NULL' : `t.${identifier(version.column.name)}`
  const older =
    version === undefined ? 'false' : `${stored} IS NOT NULL AND (k.version IS NULL OR k.version < ${stored})`
  // Another version is another record: it need not be compared.
  const comparable = version === undefined ? 'true' : `k.version IS NOT DISTINCT FROM ${stored}`
  const created = await connection.run(
    `CREATE OR REPLACE TEMP TABLE _sluice_matches AS
     SELECT k.ordinal, t.rowid AS target, ${older} AS older, ${comparable} AS comparable
     FROM ${keys} k JOIN ${table} t ON ${on}`,
  )
  const [[count] = [0n]] = await created.getRows()
  return Number(count) > 0
}

/** Takes out the records that change nothing: known (append), older than what is stored, or the same. */
async function dropUnchanged(merge: Merge): Promise<number[]> {
  const { connection, load } = merge
  if (load.mode === 'append') return numbers(connection, `SELECT DISTINCT ordinal FROM ${MATCHES}`)
  const older = await numbers(connection, `DELETE FROM ${MATCHES} WHERE older RETURNING ordinal`)
  const same = await sameAsStored(merge)
  return [...older, ...same]
}

async function sameAsStored({ connection, feed, load, rows, table }: Merge): Promise<number[]> {
  const [candidates] = await numbers(connection, `SELECT count(*) FROM ${MATCHES} WHERE comparable`)
  if (candidates === 0) return []
  const columns = load.schema.columns.map((_column, at) => fedColumn(load.schema, at, `c${at}`))
  const differences = load.schema.columns.map(
    ({ name }, at) => `${columns[at]!.expression} IS DISTINCT FROM s.${identifier(name)}`,
  )
  // The rows are fetched by their ids, before anything else: a join on them would read the whole table. One condition with
  // OR, since several with AND would become the keys of a join, whole rows hashed.
  return feed.use([ordinalColumn('ordinal'), ...columns], rows, () =>
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

async function deleteReplaced({ connection, table }: Merge): Promise<number> {
  const [updated] = await numbers(connection, `SELECT count(DISTINCT ordinal) FROM ${MATCHES}`)
  if (updated! > 0)
    await connection.run(`DELETE FROM ${table} WHERE rowid IN (SELECT target FROM ${MATCHES})`)
  return updated!
}

function keyColumn(load: Load, table: string, field: string): KeyColumn {
  const column = findColumn(load, field)
  if (column === undefined)
    throw new DestinationSchemaError(
      table,
      `the load has no column for its key field ${JSON.stringify(field)}`,
    )
  return column
}

function findColumn(load: Load, field: string | undefined): KeyColumn | undefined {
  const at = load.schema.columns.findIndex((candidate) => candidate.field === field)
  return at < 0 ? undefined : { column: load.schema.columns[at]!, at }
}

/** The first column of a query's result, of whole numbers. */
async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const reader = await connection.runAndReadAll(sql)
  return (reader.getColumns()[0] ?? []).map(Number)
}
