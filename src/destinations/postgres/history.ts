import type { TableCounts } from '../../ports/destination.ts'
import type { Column } from '../../ports/schema.ts'
import { VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../../records/column-name.ts'
import { hasKey } from './key-index.ts'
import { identifier } from './names.ts'
import { type Stage, stageRows } from './stage.ts'
import { columnsOf, type TableLoad } from './table-load.ts'
import { instant, tableIn, type Workplace } from './workplace.ts'

// What becomes of a load's versions is told in ports/destination.ts, under History. Each key that the load names has a line of events
// in time: where a version begins, and where one ends that none follows. A version holds until the next event of its key. An end that no
// version stands before is kept as a row of its own, whose validity is empty: a version that comes later may begin before it. All is
// decided over the load's records and the rows of their keys alone.

/** The load's records: n, removes, k0, k1, …, content, version, start, dated (whether the record itself says when). */
const FRESH = 'pg_temp._sluice_fresh'
/** The stored versions of their keys: target (a row id), k0, …, content, version, start, until. */
const STORED = 'pg_temp._sluice_stored'
/** Where a stored version ends and none follows: k0, …, start, target (of a row whose validity is empty). */
const ENDS = 'pg_temp._sluice_ends'
/** The events of their keys: k0, …, start, ends, target or n, until, and whether it says nothing new, its place is taken, or a row must mark it. */
const LINE = 'pg_temp._sluice_line'

interface History {
  readonly workplace: Workplace
  readonly load: TableLoad
  readonly stage: Stage
  readonly key: readonly Column[]
  /** k0, k1, … */
  readonly keys: readonly string[]
  readonly version: number | undefined
}

/** Adds a load's versions to its table. Runs in the load's transaction, after its DDL. */
export async function loadHistory(workplace: Workplace, load: TableLoad): Promise<TableCounts> {
  const records = load.rows.length
  const { columns } = load.schema
  const key = columnsOf(load.schema, load.key)
  if (records === 0 || key === undefined) return { inserted: 0, updated: 0, unchanged: records, deleted: 0 }
  const version = columns.findIndex(({ field }) => field === load.version)
  const history: History = {
    workplace,
    load,
    stage: await stageRows(workplace, 'pg_temp._sluice_rows', load.schema, load.rows),
    key,
    keys: key.map((_column, at) => `k${at}`),
    version: version < 0 ? undefined : version,
  }
  await takeRecords(history)
  await takeStored(history)
  await findEnds(history)
  await placeInTime(history)
  await drawLine(history)
  return write(history)
}

async function takeRecords({ workplace, load, stage, key, version }: History): Promise<void> {
  const { columns } = load.schema
  const tombstones = [...(load.tombstones ?? [])]
  await workplace.connection.run(
    `CREATE TEMP TABLE _sluice_fresh ON COMMIT DROP AS
     SELECT s.n, s.n = ANY('{${tombstones.join(',')}}'::bigint[]) AS removes,
       ${key.map((column, at) => `s.c${columns.indexOf(column)} AS k${at}`).join(', ')},
       ${contentOf(columns.map((_column, at) => `s.c${at}`))} AS content,
       ${version === undefined ? 'NULL::text' : `s.c${version}`} AS version, NULL::timestamptz AS start,
       false AS dated
     FROM ${stage.name} s`,
  )
}

/** One value of a record's columns, to compare them by: the column's own spelling of each. */
function contentOf(values: readonly string[]): string {
  return `ROW(${values.join(', ')})::text`
}

async function takeStored({ workplace, load, key, keys, version }: History): Promise<void> {
  const { columns } = load.schema
  const named = columns.map(({ name }) => `t.${identifier(name)}`)
  await workplace.connection.run(
    `CREATE TEMP TABLE _sluice_stored ON COMMIT DROP AS
     SELECT m.* FROM (SELECT DISTINCT ${keys.join(', ')} FROM ${FRESH}) f, LATERAL (
       SELECT t.ctid AS target, ${key.map((column, at) => `${named[columns.indexOf(column)]} AS k${at}`).join(', ')},
         ${contentOf(named)} AS content, ${version === undefined ? 'NULL::text' : named[version]} AS version,
         t.${VALID_FROM_COLUMN} AS start, t.${VALID_TO_COLUMN} AS until
       FROM ${tableIn(workplace, load.name)} t WHERE ${hasKey(key, 't', (at) => `f.k${at}`)} OFFSET 0
     ) m`,
  )
}

async function findEnds({ workplace, keys }: History): Promise<void> {
  const list = keys.join(', ')
  await workplace.connection.run(
    `CREATE TEMP TABLE _sluice_ends ON COMMIT DROP AS
     SELECT ${list}, start, target FROM ${STORED} WHERE until = start
     UNION ALL
     SELECT ${list}, until, NULL::tid FROM ${STORED} e
     WHERE until > start AND NOT EXISTS (SELECT 1 FROM ${STORED} o WHERE ${sameKey(keys, 'o', 'e')} AND o.start = e.until)`,
  )
}

/**
 * Tells each record from when it holds, and takes out those that do not count: of one key and one time, all but the last, or but the
 * tombstone where they say their time themselves. Then it is all the same which of the two came first, or comes again.
 */
async function placeInTime({ workplace, load, keys, version }: History): Promise<void> {
  const { connection } = workplace
  const kind = version === undefined ? undefined : load.schema.columns[version]!.type.kind
  const isTime = kind === 'date' || kind === 'timestamp'
  const order = kind === 'text' ? 'COLLATE "C"' : ''
  const list = keys.join(', ')
  if (!isTime && version !== undefined)
    await connection.run(
      `DELETE FROM ${FRESH} f USING (
         SELECT DISTINCT ON (${list}) ${list}, version FROM ${STORED} ORDER BY ${list}, start DESC) s
       WHERE ${sameKey(keys, 'f', 's')} AND s.version IS NOT NULL
         AND (f.version IS NULL OR f.version ${order} < s.version)`,
    )
  // Observed: now, and in any case after all that is known.
  await connection.run(
    `UPDATE ${FRESH} f SET start = greatest($1::timestamptz, (
       SELECT max(greatest(s.start, s.until)) + interval '1 millisecond' FROM ${STORED} s WHERE ${sameKey(keys, 'f', 's')}))`,
    [instant(load.at)],
  )
  if (isTime)
    await connection.run(
      `UPDATE ${FRESH} SET start = version::timestamptz, dated = true WHERE version IS NOT NULL`,
    )
  const newest = isTime || version === undefined ? 'n DESC' : `version ${order} DESC NULLS LAST, n DESC`
  await connection.run(
    `DELETE FROM ${FRESH} WHERE n IN (
       SELECT n FROM (
         SELECT n, row_number() OVER (PARTITION BY ${list}, start ORDER BY (dated AND removes) DESC, ${newest}) AS rank FROM ${FRESH}
       ) r WHERE rank > 1)`,
  )
  await connection.run(
    `DELETE FROM ${FRESH} f USING ${ENDS} e WHERE ${sameKey(keys, 'f', 'e')} AND f.start = e.start`,
  )
}

/** Puts what is stored and what is new into one line for each key, and marks what says nothing new or is replaced. */
async function drawLine({ workplace, keys }: History): Promise<void> {
  const list = keys.join(', ')
  await workplace.connection.run(
    `CREATE TEMP TABLE _sluice_line ON COMMIT DROP AS
     WITH events AS (
       SELECT ${list}, start, false AS ends, target, NULL::bigint AS n, content, true AS dated FROM ${STORED}
       WHERE until IS DISTINCT FROM start
       UNION ALL
       SELECT ${list}, start, true, target, NULL::bigint, NULL::text, true FROM ${ENDS}
       UNION ALL
       SELECT ${list}, start, removes, NULL::tid, n, CASE WHEN removes THEN NULL ELSE content END, dated FROM ${FRESH}
     ), compared AS (
       SELECT *, lag(ends) OVER line AS after_end, lag(content) OVER line AS before, lag(start) OVER line AS earlier,
         lag(target) OVER line AS replaced
       FROM events WINDOW line AS (PARTITION BY ${list} ORDER BY start, ends, n NULLS FIRST)
     ), judged AS (
       SELECT *, n IS NOT NULL AND CASE
         WHEN ends THEN coalesce(after_end, true)
         ELSE NOT coalesce(after_end, true) AND content IS NOT DISTINCT FROM before END AS idle,
         ends AND coalesce(after_end, true) AND dated AND target IS NULL AS marked
       FROM compared
     ), placed AS (
       SELECT *, n IS NOT NULL AND NOT ends AND NOT idle AND earlier = start AND replaced IS NOT NULL AS replaces FROM judged
     ), decided AS (
       SELECT *, coalesce(target IN (SELECT replaced FROM placed WHERE replaces), false) AS gone FROM placed
     )
     SELECT ${list}, start, ends, target, n, idle, marked, coalesce(replaces, false) AS replaces, gone,
       lead(start) OVER (PARTITION BY ${list}, idle OR gone ORDER BY start, ends) AS until
     FROM decided`,
  )
}

async function write({ workplace, load, stage, key, keys }: History): Promise<TableCounts> {
  const { connection } = workplace
  const table = tableIn(workplace, load.name)
  const [[inserted, updated] = [0, 0]] = await connection.rows<[number, number]>(
    `SELECT count(*) FILTER (WHERE NOT ends AND NOT replaces), count(*) FILTER (WHERE ends OR replaces) FROM ${LINE}
     WHERE n IS NOT NULL AND NOT idle`,
  )
  await connection.run(
    `UPDATE ${table} t SET ${VALID_TO_COLUMN} = l.until FROM ${LINE} l
     WHERE t.ctid = l.target AND NOT l.ends AND NOT l.gone AND t.${VALID_TO_COLUMN} IS DISTINCT FROM l.until`,
  )
  await connection.run(`DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT target FROM ${LINE} WHERE gone))`)
  const names = [
    ...load.schema.columns.map(({ name }) => identifier(name)),
    VALID_FROM_COLUMN,
    VALID_TO_COLUMN,
  ]
  const values = load.schema.columns.map((_column, at) => `s.c${at}`)
  await connection.run(
    `INSERT INTO ${table} (${names.join(', ')})
     SELECT ${[...values, 'l.start', 'l.until'].join(', ')}
     FROM ${stage.name} s JOIN ${LINE} l ON l.n = s.n WHERE NOT l.idle AND NOT l.ends ORDER BY s.n`,
  )
  const keyNames = [...key.map(({ name }) => identifier(name)), VALID_FROM_COLUMN, VALID_TO_COLUMN]
  await connection.run(
    `INSERT INTO ${table} (${keyNames.join(', ')}) SELECT ${keys.join(', ')}, start, start FROM ${LINE} WHERE marked`,
  )
  return { inserted, updated, unchanged: load.rows.length - inserted - updated, deleted: 0 }
}

function sameKey(keys: readonly string[], a: string, b: string): string {
  return keys.map((key) => `${a}.${key} = ${b}.${key}`).join(' AND ')
}
