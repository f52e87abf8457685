import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { Column } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { fedColumn, ordinalColumn } from './columns.ts'
import { surelyDistinct } from './distinct-keys.ts'
import { identifier } from './quote.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'

// A load with a key goes through DuckDB twice. First its keys and versions alone, which are little: they tell which record
// of each key counts, and which row of the table it takes the place of. Then the rows that are to be written, straight
// into the table. Only records that could be what is stored already are compared whole. There is no index: DuckDB
// would keep it in memory, and the join reads nothing but the key's columns, of the row groups that can hold the keys.

/** Which records of a load are to be written. */
export interface MergePlan {
  readonly records: readonly JsonRecord[]
  /** How many of them take the place of a row. */
  readonly updated: number
}

/** What the planning of a load needs. */
interface Merge {
  readonly connection: DuckDBConnection
  readonly feed: RowFeed
  readonly load: Load
  /** The table, quoted. */
  readonly table: string
  readonly key: readonly Column[]
  readonly version: Column | undefined
}

/** The batch's keys: ordinal, k0, k1, …, version. */
const KEYS = 'temp._sluice_keys'
/** The rows that hold one of them: ordinal, target (a row id), older, comparable. */
const MATCHES = 'temp._sluice_matches'

/** Decides what to write, and deletes the rows whose place is taken. Runs in the load's transaction, after its DDL. */
export async function planMerge(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: Load,
  table: string,
): Promise<MergePlan> {
  const { records } = load
  if (load.key.length === 0 || records.length === 0) return { records, updated: 0 }
  const merge: Merge = {
    connection,
    feed,
    load,
    table: identifier(table),
    key: load.key.map((field) => keyColumn(load, table, field)),
    version:
      load.mode === 'merge' ? load.schema.columns.find(({ field }) => field === load.version) : undefined,
  }
  const distinct = surelyDistinct(records, merge.key)
  const passedOver = new Set(distinct ? [] : await dropSuperseded(merge))
  let updated = 0
  if (await matchRows(merge, distinct)) {
    for (const ordinal of await dropUnchanged(merge)) passedOver.add(ordinal)
    if (load.mode === 'merge') updated = await deleteReplaced(merge)
  }
  if (passedOver.size === 0) return { records, updated }
  return { records: records.filter((_record, ordinal) => !passedOver.has(ordinal)), updated }
}

/** Adds records to the table, as they are. */
export async function insertRecords(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: Load,
  table: string,
  records: readonly JsonRecord[],
): Promise<void> {
  if (records.length === 0) return
  const columns = load.schema.columns.map((column, at) => fedColumn(column, `c${at}`))
  const names = [...load.schema.columns.map(({ name }) => name), LOAD_ID_COLUMN].map(identifier)
  const values = [...columns.map(({ expression }) => expression), '$1']
  // A record can be empty, a chunk must have a column.
  const fed = columns.length > 0 ? columns : [ordinalColumn('ordinal')]
  await feed.use(fed, records, () =>
    connection.run(
      `INSERT INTO ${identifier(table)} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${FED_ROWS}`,
      [load.id],
    ),
  )
}

/** Runs `sql` over the batch's keys as they come: `rows` selects them. */
async function withFedKeys<Result>(
  { feed, load, key, version }: Merge,
  run: (rows: string) => Promise<Result>,
): Promise<Result> {
  const parts = key.map((column, at) => fedColumn(column, `k${at}`))
  if (version !== undefined) parts.push(fedColumn(version, 'version'))
  const selected = ['ordinal', ...parts.map(({ name, expression }) => `${expression} AS ${name}`)]
  return feed.use([ordinalColumn('ordinal'), ...parts], load.records, () =>
    run(`SELECT ${selected.join(', ')} FROM ${FED_ROWS}`),
  )
}

/**
 * Takes out the records whose key comes in the batch again, and better: where loads merge, the last one of the newest
 * version counts, where they append the first.
 */
async function dropSuperseded(merge: Merge): Promise<number[]> {
  const { connection, load, key, version } = merge
  await withFedKeys(merge, (rows) => connection.run(`CREATE OR REPLACE TEMP TABLE _sluice_keys AS ${rows}`))
  const parts = key.map((_column, at) => `k${at}`).join(', ')
  const [distinct] = await numbers(connection, `SELECT count(*) FROM (SELECT DISTINCT ${parts} FROM ${KEYS})`)
  if (distinct === load.records.length) return []
  const latest = version === undefined ? 'ordinal DESC' : 'version DESC NULLS LAST, ordinal DESC'
  const order = load.mode === 'append' ? 'ordinal' : latest
  const superseded = `SELECT ordinal FROM ${KEYS}
    QUALIFY row_number() OVER (PARTITION BY ${parts} ORDER BY ${order}) > 1`
  return numbers(connection, `DELETE FROM ${KEYS} WHERE ordinal IN (${superseded}) RETURNING ordinal`)
}

/** Finds the rows that hold the batch's keys: distinct ones straight from the records, others from KEYS. */
async function matchRows(merge: Merge, distinct: boolean): Promise<boolean> {
  return distinct ? withFedKeys(merge, (rows) => storeMatches(merge, `(${rows})`)) : storeMatches(merge, KEYS)
}

async function storeMatches({ connection, table, key, version }: Merge, keys: string): Promise<boolean> {
  const on = key.map(({ name }, at) => `t.${identifier(name)} = k.k${at}`).join(' AND ')
  const stored = version === undefined ? 'NULL' : `t.${identifier(version.name)}`
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

async function sameAsStored({ connection, feed, load, table }: Merge): Promise<number[]> {
  const candidates = await numbers(
    connection,
    `SELECT DISTINCT ordinal FROM ${MATCHES} WHERE comparable ORDER BY ordinal`,
  )
  if (candidates.length === 0) return []
  const columns = load.schema.columns.map((column, at) => fedColumn(column, `c${at}`))
  const differences = load.schema.columns.map(
    ({ name }, at) => `${columns[at]!.expression} IS DISTINCT FROM s.${identifier(name)}`,
  )
  const records = candidates.map((ordinal) => load.records[ordinal]!)
  // The rows are fetched by their ids, before anything else: a join on them would read the whole table. One condition with
  // OR, since several with AND would become the keys of a join, whole rows hashed.
  return feed.use([ordinalColumn('position', candidates), ...columns], records, () =>
    numbers(
      connection,
      `DELETE FROM ${MATCHES} WHERE ordinal IN (
         WITH stored AS MATERIALIZED (
           SELECT *, rowid AS _sluice_rowid FROM ${table}
           WHERE rowid IN (SELECT target FROM ${MATCHES} WHERE comparable)
         )
         SELECT m.ordinal FROM ${FED_ROWS} f
         JOIN ${MATCHES} m ON m.ordinal = f.position
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

function keyColumn(load: Load, table: string, field: string): Column {
  const column = load.schema.columns.find((candidate) => candidate.field === field)
  if (column === undefined)
    throw new DestinationSchemaError(
      table,
      `the load has no column for its key field ${JSON.stringify(field)}`,
    )
  return column
}

/** The first column of a query's result, of whole numbers. */
async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const reader = await connection.runAndReadAll(sql)
  return (reader.getColumns()[0] ?? []).map(Number)
}
