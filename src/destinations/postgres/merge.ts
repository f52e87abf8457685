import type { TableCounts } from '../../ports/destination.ts'
import type { Column, TableSchema } from '../../ports/schema.ts'
import { hasKey } from './key-index.ts'
import { identifier } from './names.ts'
import { copyNewRows } from './new-rows.ts'
import { copyRows, insertStaged, type Stage, stageRows } from './stage.ts'
import { columnsOf, keyColumns, type Prepared, type TableLoad } from './table-load.ts'
import { tableIn, type Workplace } from './workplace.ts'

// A load with a key is staged in a temporary table. There the records that another one of their key supersedes are taken out; the others
// look their key up in the table, by its index, and what they find is the plan: which rows they replace or remove, and which records
// change nothing. Rows that are replaced are deleted and inserted, all by their row ids. A load of new keys alone needs none of that
// (new-rows.ts).

/** What became of a load's records, where rows of other tables belong to them. */
export interface Fate {
  /** Those that were not taken: another one of their key counts, what is stored is newer, or, where loads append, is there. */
  readonly refused: ReadonlySet<number>
  /** SQL: the keys of those that were taken and had a row, as k0, k1, … */
  readonly matched: string | undefined
}

export interface Merged {
  readonly counts: TableCounts
  readonly fate: Fate
}

const none: ReadonlySet<number> = new Set()

/**
 * Loads the rows of one table. Runs in the load's transaction, after its DDL.
 * @param tellFate whether `fate` is asked for
 */
export async function loadRows(
  workplace: Workplace,
  load: TableLoad,
  prepared: Prepared,
  tellFate = false,
): Promise<Merged> {
  const { rows, key, mode, tombstones = none } = load
  if (rows.length === 0 || key.length === 0) {
    await copyRows(workplace, load)
    return { counts: added(rows.length), fate: { refused: none, matched: undefined } }
  }
  // Before the first record there is no column to find a key in.
  const allGone = mode === 'delete' || tombstones.size === rows.length
  if (allGone && columnsOf(load.schema, key) === undefined)
    return { counts: unchanged(rows.length), fate: { refused: none, matched: undefined } }
  if (await copyNewRows(workplace, load, prepared))
    return { counts: added(rows.length), fate: { refused: none, matched: undefined } }
  const merge: Merge = {
    workplace,
    load,
    key: keyColumns(load),
    stage: await stageRows(workplace, `pg_temp._sluice_rows`, load.schema, rows),
    plan: 'pg_temp._sluice_plan',
    version: mode === 'append' ? undefined : columnAt(load.schema, load.version),
    removes: removesOf(load),
  }
  const superseded = await dropSuperseded(merge, tellFate)
  if (!prepared.isEmpty) await planMatches(merge)
  else await emptyPlan(merge)
  const result = await applyPlan(merge, prepared.isEmpty)
  if (result.inserted === rows.length) workplace.withoutMatches.add(load.name)
  const fate = tellFate ? await fateOf(merge, superseded) : { refused: none, matched: undefined }
  return { counts: result, fate }
}

/** Forgets what a load has staged: the next table of the same load stages its own. */
export async function clearStage({ connection }: Workplace): Promise<void> {
  await connection.script('DROP TABLE IF EXISTS pg_temp._sluice_rows, pg_temp._sluice_plan')
}

interface Merge {
  readonly workplace: Workplace
  readonly load: TableLoad
  readonly key: readonly Column[]
  readonly stage: Stage
  /** The rows of the table that hold a key of the batch: n, target (a row id), older, same, removes. */
  readonly plan: string
  readonly version: number | undefined
  /** SQL: whether a staged row `s` removes that of its key. */
  readonly removes: string
}

function added(inserted: number): TableCounts {
  return { inserted, updated: 0, unchanged: 0, deleted: 0 }
}

function unchanged(count: number): TableCounts {
  return { inserted: 0, updated: 0, unchanged: count, deleted: 0 }
}

function columnAt({ columns }: TableSchema, field: string | undefined): number | undefined {
  const at = columns.findIndex((column) => column.field === field)
  return at < 0 ? undefined : at
}

function removesOf({ mode, tombstones = none }: TableLoad): string {
  if (mode === 'delete') return 'true'
  return tombstones.size === 0 ? 'false' : `s.n = ANY('{${[...tombstones].join(',')}}'::bigint[])`
}

/** The staged column of a field. */
function staged(schema: TableSchema, column: Column): string {
  return `c${schema.columns.indexOf(column)}`
}

/**
 * Takes out the records whose key comes in the batch again, and better: where loads merge, the last one of the newest
 * version counts, where they append the first. Returns their numbers where they are asked for.
 */
async function dropSuperseded(merge: Merge, tell: boolean): Promise<number[]> {
  const { workplace, load, key, stage, version } = merge
  const parts = key.map((column) => staged(load.schema, column)).join(', ')
  const latest = version === undefined ? 'n DESC' : `${ordered(load.schema, version)} DESC NULLS LAST, n DESC`
  const order = load.mode === 'append' ? 'n' : latest
  const statement = `DELETE FROM ${stage.name} WHERE n IN (
      SELECT n FROM (
        SELECT n, row_number() OVER (PARTITION BY ${parts} ORDER BY ${order}) AS rank FROM ${stage.name}
      ) r WHERE rank > 1
    )`
  if (!tell) {
    await workplace.connection.run(statement)
    return []
  }
  const rows = await workplace.connection.rows<[number]>(`${statement} RETURNING n`)
  return rows.map(([n]) => n)
}

/** Versions are compared as in every warehouse: texts byte by byte, whatever the database's language. */
function ordered({ columns }: TableSchema, at: number): string {
  return columns[at]!.type.kind === 'text' ? `c${at} COLLATE "C"` : `c${at}`
}

/** Finds the rows that hold the batch's keys, each by the index: however large the table, a batch costs what it costs. */
async function planMatches({ workplace, load, key, stage, plan, version, removes }: Merge): Promise<void> {
  const { columns } = load.schema
  const found = hasKey(key, 't', (at) => `s.${staged(load.schema, key[at]!)}`)
  const stored = version === undefined ? '' : `t.${identifier(columns[version]!.name)}`
  const older =
    version === undefined
      ? String(load.mode === 'append')
      : `${stored} IS NOT NULL AND (s.c${version} IS NULL OR s.${ordered(load.schema, version)} < ${stored})`
  const differences = columns.map(({ name }, at) => `s.c${at} IS DISTINCT FROM t.${identifier(name)}`)
  const same = load.mode === 'append' ? 'false' : `NOT (${removes}) AND NOT (${differences.join(' OR ')})`
  await workplace.connection.run(
    `CREATE TEMP TABLE ${plan.replace('pg_temp.', '')} ON COMMIT DROP AS
     SELECT s.n, m.target, m.older, m.same, ${removes} AS removes
     FROM ${stage.name} s, LATERAL (
       SELECT t.ctid AS target, ${older} AS older, ${same} AS same
       FROM ${tableIn(workplace, load.name)} t WHERE ${found} OFFSET 0
     ) m`,
  )
}

async function emptyPlan({ workplace, plan }: Merge): Promise<void> {
  await workplace.connection.script(
    `CREATE TEMP TABLE ${plan.replace('pg_temp.', '')}
     (n bigint, target tid, older boolean, same boolean, removes boolean) ON COMMIT DROP`,
  )
}

/** Deletes the rows whose place is taken, or whose key is gone, and adds the new ones. */
async function applyPlan(merge: Merge, isEmpty: boolean): Promise<TableCounts> {
  const { workplace, load, stage, plan, removes } = merge
  const { connection } = workplace
  let [updated, removing, deleted] = [0, 0, 0]
  if (!isEmpty && load.mode !== 'append') {
    const [counts] = await connection.rows<[number, number, number]>(
      `SELECT count(DISTINCT n) FILTER (WHERE NOT removes),
         count(DISTINCT n) FILTER (WHERE removes), count(DISTINCT target) FILTER (WHERE removes)
       FROM ${plan} p WHERE NOT older AND NOT same
         AND NOT EXISTS (SELECT 1 FROM ${plan} o WHERE o.n = p.n AND (o.older OR o.same))`,
    )
    ;[updated, removing, deleted] = counts!
    await connection.run(
      `DELETE FROM ${tableIn(workplace, load.name)}
       WHERE ctid = ANY(ARRAY(SELECT target FROM ${plan} WHERE NOT older AND NOT same))`,
    )
  }
  const written =
    load.mode === 'delete'
      ? 0
      : await insertStaged(
          workplace,
          load,
          stage,
          `NOT (${removes}) AND NOT EXISTS (SELECT 1 FROM ${plan} p WHERE p.n = s.n AND (p.older OR p.same))`,
        )
  return {
    inserted: written - updated,
    updated,
    unchanged: load.rows.length - written - removing,
    deleted,
  }
}

async function fateOf(
  { workplace, load, key, stage, plan }: Merge,
  superseded: readonly number[],
): Promise<Fate> {
  const older = await workplace.connection.rows<[number]>(`SELECT DISTINCT n FROM ${plan} WHERE older`)
  const parts = key.map((column, at) => `s.${staged(load.schema, column)} AS k${at}`).join(', ')
  return {
    refused: new Set([...superseded, ...older.map(([n]) => n)]),
    matched:
      load.mode === 'append'
        ? undefined
        : `(SELECT DISTINCT ${parts} FROM ${stage.name} s JOIN ${plan} p ON p.n = s.n WHERE NOT p.older)`,
  }
}
