import type { DuckDBConnection } from '@duckdb/node-api'
import type { TableCounts } from '../../ports/destination.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../../records/column-name.ts'
import { fedColumn, markColumn, ordinalColumn } from './fed-column.ts'
import { instant } from './instant.ts'
import { identifier } from './quote.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'
import type { TableLoad } from './table-load.ts'

// What becomes of a load's versions is told in ports/destination.ts, under History. Each key that the load names has a line of events
// in time: where a version begins, and where one ends that none follows. A version holds until the next event of its key. An end that no
// version stands before is kept as a row of its own, whose validity is empty: a version that comes later may begin before it. All is
// decided over the load's records and the rows of their keys alone.

/** The load's records: ordinal, removes, k0, k1, …, c0, c1, …, start, dated (whether the record itself says when). */
const FRESH = 'temp._sluice_fresh'
/** The stored versions of their keys: target (a row id), k0, …, content, start, until. */
const STORED = 'temp._sluice_stored'
/** Where a stored version ends and none follows: k0, …, start, target (of a row whose validity is empty). */
const ENDS = 'temp._sluice_ends'
/** The events of their keys: k0, …, start, ends, target or ordinal, until, and whether it says nothing new, its place is taken, or a row must mark it. */
const LINE = 'temp._sluice_line'

interface History {
  readonly connection: DuckDBConnection
  /** The table, quoted. */
  readonly table: string
  readonly columns: readonly string[]
  /** Where the key's fields stand among the columns. */
  readonly key: readonly number[]
  readonly keys: string
  /** SQL that makes one value of a record's columns, to compare them by. */
  readonly content: string
}

/** Adds a load's versions to its table. Runs in the load's transaction, after its DDL. */
export async function loadHistory(
  connection: DuckDBConnection,
  feed: RowFeed,
  load: TableLoad,
): Promise<TableCounts> {
  const records = load.rows.length
  const { columns } = load.schema
  const key = load.key.map((field) => columns.findIndex((column) => column.field === field))
  if (records === 0 || key.includes(-1)) return { inserted: 0, updated: 0, unchanged: records, deleted: 0 }
  const history: History = {
    connection,
    table: identifier(load.name),
    columns: columns.map(({ name }) => identifier(name)),
    key,
    keys: key.map((_at, index) => `k${index}`).join(', '),
    content: `struct_pack(${columns.map((_column, at) => `c${at} := c${at}`).join(', ')})`,
  }
  await takeRecords(history, feed, load)
  await takeStored(history)
  await findEnds(history)
  await placeInTime(history, load)
  await drawLine(history)
  return write(history, load)
}

async function takeRecords(
  { connection, key }: History,
  feed: RowFeed,
  { schema, rows, tombstones }: TableLoad,
): Promise<void> {
  const columns = schema.columns.map((_column, at) => fedColumn(schema, at, `c${at}`))
  const removes = markColumn('removes', (ordinal) => tombstones?.has(ordinal) ?? false)
  const values = columns.map(({ name, expression }) => `${expression} AS ${name}`)
  await feed.use([ordinalColumn('ordinal'), removes, ...columns], rows, () =>
    connection.run(
      `CREATE OR REPLACE TEMP TABLE _sluice_fresh AS
       SELECT ${key.map((at, index) => `c${at} AS k${index}`).join(', ')}, * FROM (
         SELECT ordinal, removes, ${values.join(', ')}, CAST(NULL AS TIMESTAMPTZ) AS start, false AS dated FROM ${FED_ROWS})`,
    ),
  )
}

async function takeStored({ connection, table, columns, key, keys, content }: History): Promise<void> {
  const named = columns.map((name, at) => `${name} AS c${at}`).join(', ')
  const on = key.map((at, index) => `t.${columns[at]!} = f.k${index}`).join(' AND ')
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE _sluice_stored AS
     SELECT target, ${key.map((at, index) => `c${at} AS k${index}`).join(', ')}, ${content} AS content, start, until
     FROM (
       SELECT t.rowid AS target, ${named}, ${VALID_FROM_COLUMN} AS start, ${VALID_TO_COLUMN} AS until
       FROM ${table} t WHERE EXISTS (SELECT 1 FROM (SELECT DISTINCT ${keys} FROM ${FRESH}) f WHERE ${on}))`,
  )
}

async function findEnds({ connection, keys }: History): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE _sluice_ends AS
     SELECT ${keys}, start, target FROM ${STORED} WHERE until = start
     UNION ALL
     SELECT ${keys}, until, NULL FROM ${STORED} e
     WHERE until > start AND NOT EXISTS (SELECT 1 FROM ${STORED} n WHERE ${sameKey(keys, 'n', 'e')} AND n.start = e.until)`,
  )
}

/**
 * Tells each record from when it holds, and takes out those that do not count: of one key and one time, all but the last, or but the
 * tombstone where they say their time themselves. Then it is all the same which of the two came first, or comes again.
 */
async function placeInTime({ connection, keys }: History, load: TableLoad): Promise<void> {
  const at = load.schema.columns.findIndex(({ field }) => field === load.version)
  const version = at < 0 ? undefined : `c${at}`
  const kind = load.schema.columns[at]?.type.kind
  const isTime = kind === 'date' || kind === 'timestamp'
  if (!isTime && version !== undefined)
    await connection.run(
      `DELETE FROM ${FRESH} f USING (
         SELECT ${keys}, max_by(content.${version}, start) AS version FROM ${STORED} GROUP BY ALL) s
       WHERE ${sameKey(keys, 'f', 's')} AND s.version IS NOT NULL AND (f.${version} IS NULL OR f.${version} < s.version)`,
    )
  // Observed: now, and in any case after all that is known.
  await connection.run(
    `UPDATE ${FRESH} SET start = greatest($1, (
       SELECT max(greatest(s.start, s.until)) + INTERVAL 1 MILLISECOND FROM ${STORED} s WHERE ${sameKey(keys, '_sluice_fresh', 's')}))`,
    [instant(load.at)],
  )
  if (isTime)
    await connection.run(
      `UPDATE ${FRESH} SET start = CAST(${version} AS TIMESTAMPTZ), dated = true WHERE ${version} IS NOT NULL`,
    )
  const newest = isTime || version === undefined ? 'ordinal DESC' : `${version} DESC NULLS LAST, ordinal DESC`
  await connection.run(
    `DELETE FROM ${FRESH} WHERE ordinal IN (
       SELECT ordinal FROM ${FRESH} QUALIFY row_number() OVER (PARTITION BY ${keys}, start ORDER BY (dated AND removes) DESC, ${newest}) > 1)`,
  )
  await connection.run(
    `DELETE FROM ${FRESH} f USING ${ENDS} e WHERE ${sameKey(keys, 'f', 'e')} AND f.start = e.start`,
  )
}

/** Puts what is stored and what is new into one line for each key, and marks what says nothing new or is replaced. */
async function drawLine({ connection, keys, content }: History): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE _sluice_line AS
     WITH events AS (
       SELECT ${keys}, start, false AS ends, target, NULL AS ordinal, content, true AS dated FROM ${STORED}
       WHERE until IS DISTINCT FROM start
       UNION ALL
       SELECT ${keys}, start, true, target, NULL, NULL, true FROM ${ENDS}
       UNION ALL
       SELECT ${keys}, start, removes, NULL, ordinal, CASE WHEN removes THEN NULL ELSE ${content} END, dated FROM ${FRESH}
     ), compared AS (
       SELECT *, lag(ends) OVER line AS after_end, lag(content) OVER line AS before, lag(start) OVER line AS earlier,
         lag(target) OVER line AS replaced
       FROM events WINDOW line AS (PARTITION BY ${keys} ORDER BY start, ends, ordinal NULLS FIRST)
     ), judged AS (
       SELECT *, ordinal IS NOT NULL AND CASE
         WHEN ends THEN coalesce(after_end, true)
         ELSE NOT coalesce(after_end, true) AND content IS NOT DISTINCT FROM before END AS idle,
         ends AND coalesce(after_end, true) AND dated AND target IS NULL AS marked
       FROM compared
     ), placed AS (
       SELECT *, ordinal IS NOT NULL AND NOT ends AND NOT idle AND earlier = start AND replaced IS NOT NULL AS replaces FROM judged
     )
     SELECT ${keys}, start, ends, target, ordinal, idle, marked, replaces,
       target IN (SELECT replaced FROM placed WHERE replaces) AS gone, CAST(NULL AS TIMESTAMPTZ) AS until
     FROM placed`,
  )
  await connection.run(`UPDATE ${LINE} SET gone = false WHERE gone IS NULL`)
  await connection.run(
    `UPDATE ${LINE} l SET until = n.next FROM (
       SELECT rowid AS place, lead(start) OVER (PARTITION BY ${keys} ORDER BY start, ends) AS next
       FROM ${LINE} WHERE NOT idle AND NOT gone) n
     WHERE l.rowid = n.place`,
  )
}

async function write(
  { connection, table, columns, key, keys }: History,
  load: TableLoad,
): Promise<TableCounts> {
  const [inserted, updated] = await numbers(
    connection,
    `SELECT count(*) FILTER (NOT ends AND NOT replaces), count(*) FILTER (ends OR replaces) FROM ${LINE}
     WHERE ordinal IS NOT NULL AND NOT idle`,
  )
  await connection.run(
    `UPDATE ${table} SET ${VALID_TO_COLUMN} = l.until FROM ${LINE} l
     WHERE ${table}.rowid = l.target AND NOT l.ends AND NOT l.gone AND ${VALID_TO_COLUMN} IS DISTINCT FROM l.until`,
  )
  await connection.run(`DELETE FROM ${table} WHERE rowid IN (SELECT target FROM ${LINE} WHERE gone)`)
  const names = [...columns, VALID_FROM_COLUMN, VALID_TO_COLUMN, LOAD_ID_COLUMN]
  const values = columns.map((_name, at) => `f.c${at}`)
  await connection.run(
    `INSERT INTO ${table} (${names.join(', ')})
     SELECT ${[...values, 'l.start', 'l.until', '$1'].join(', ')}
     FROM ${FRESH} f JOIN ${LINE} l ON l.ordinal = f.ordinal WHERE NOT l.idle AND NOT l.ends`,
    [load.loadId],
  )
  const keyNames = [...key.map((at) => columns[at]!), VALID_FROM_COLUMN, VALID_TO_COLUMN, LOAD_ID_COLUMN]
  await connection.run(
    `INSERT INTO ${table} (${keyNames.join(', ')}) SELECT ${keys}, start, start, $1 FROM ${LINE} WHERE marked`,
    [load.loadId],
  )
  return {
    inserted: inserted!,
    updated: updated!,
    unchanged: load.rows.length - inserted! - updated!,
    deleted: 0,
  }
}

function sameKey(keys: string, a: string, b: string): string {
  return keys
    .split(', ')
    .map((key) => `${a}.${key} = ${b}.${key}`)
    .join(' AND ')
}

async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const reader = await connection.runAndReadAll(sql)
  return (reader.getRows()[0] ?? []).map(Number)
}
