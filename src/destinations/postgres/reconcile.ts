import type { Load, TableCounts } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN } from '../../records/column-name.ts'
import { widen } from '../../records/column-type.ts'
import { DestinationSchemaError, EmptyReplaceError, refuseRemoval } from '../errors.ts'
import { convert } from './convert.ts'
import { countRows, dropTable } from './ddl.ts'
import { identifier } from './names.ts'
import { removeOwned } from './owned.ts'
import type { SideTableLoad, TableLoad } from './table-load.ts'
import { forgetTableSchema, readTableSchema } from './table-schema.ts'
import { tableIn, type Workplace } from './workplace.ts'

/** The live table's rows that no staged key names: target (a row id), k0, k1, … */
const GONE = 'pg_temp._sluice_gone'

export interface Reconciled {
  readonly deleted: number
  readonly sides: Readonly<Record<string, TableCounts>>
}

/**
 * Removes the live table's rows whose key was not staged, and what they own; then forgets what was staged. Runs in the load's transaction.
 * @throws EmptyReplaceError where no key was staged, and the table has rows (R6)
 * @throws RemovalLimitError where too few keys were (R6)
 */
export async function reconcile(
  workplace: Workplace,
  load: Load,
  keys: TableLoad,
  sides: readonly SideTableLoad[],
): Promise<Reconciled> {
  const live = await readTableSchema(workplace, load.table, 'live')
  let deleted = 0
  const counts: Record<string, TableCounts> = {}
  if (live !== null && (await findGone(workplace, load, keys, live))) {
    deleted = await workplace.connection.run(
      `DELETE FROM ${tableIn(workplace, load.table)} WHERE ctid = ANY(ARRAY(SELECT target FROM ${GONE}))`,
    )
    for (const side of sides) {
      const schema = await readTableSchema(workplace, side.table, 'live')
      const taken = schema === null ? 0 : await removeOwned(workplace, side, schema, GONE)
      counts[side.table] = { inserted: 0, updated: 0, unchanged: 0, deleted: taken }
    }
  }
  await dropTable(workplace, keys.name)
  await forgetTableSchema(workplace, load.table, 'keys')
  return { deleted, sides: counts }
}

async function findGone(
  workplace: Workplace,
  load: Load,
  keys: TableLoad,
  live: TableSchema,
): Promise<boolean> {
  const rows = await countRows(workplace, load.table)
  if (rows === 0) return false
  const isEmpty = (await countRows(workplace, keys.name)) === 0
  if (isEmpty && !load.replacement!.allowEmpty) throw new EmptyReplaceError(load.stream, load.table, rows)
  const columns = load.key.map((field) => pair(load, keys.schema, live, field, isEmpty))
  const named = columns.map(({ equal }) => equal).join(' AND ')
  const staged = tableIn(workplace, keys.name)
  const loads = tableIn(workplace, '_sluice_loads')
  // What came after the first key was staged may stand where the list had been read already, whatever clock either of them had, and from
  // whichever pipeline: loads of one table are numbered in the order of their commits. A row without a key can't be named.
  const removed = await workplace.connection.run(
    `CREATE TEMP TABLE _sluice_gone ON COMMIT DROP AS
     SELECT t.ctid AS target, ${columns.map(({ column }, at) => `${column} AS k${at}`).join(', ')}
     FROM ${tableIn(workplace, load.table)} t
     WHERE ${columns.map(({ column }) => `${column} IS NOT NULL`).join(' AND ')}
       ${isEmpty ? '' : `AND NOT EXISTS (SELECT 1 FROM ${staged} s WHERE ${named})`}
       AND NOT EXISTS (
         SELECT 1 FROM ${loads} l WHERE l.load_id = t.${LOAD_ID_COLUMN} AND l.number > (
           SELECT min(number) FROM ${loads}
           WHERE pipeline = $1 AND load_id IN (SELECT DISTINCT ${LOAD_ID_COLUMN} FROM ${staged})
         )
       )`,
    [workplace.pipeline],
  )
  if (!isEmpty) refuseRemoval(load, { removed, rows }, load.replacement!.maxRemovedPercent)
  return removed > 0
}

/** A key's field in both tables; each may have been widened since the other was made. */
function pair(load: Load, staged: TableSchema, live: TableSchema, field: string, isEmpty: boolean) {
  const [ours, theirs] = [live, staged].map(({ columns }) => columns.find((column) => column.field === field))
  if (ours === undefined)
    throw new DestinationSchemaError(
      load.table,
      `it has no column for the key field ${JSON.stringify(field)}`,
    )
  const column = `t.${identifier(ours.name)}`
  if (theirs === undefined) {
    if (isEmpty) return { column, equal: 'false' }
    throw new DestinationSchemaError(
      load.table,
      `no key was staged for the key field ${JSON.stringify(field)}`,
    )
  }
  const type = widen(ours.type, theirs.type)
  const other = convert(`s.${identifier(theirs.name)}`, theirs.type, type)
  return { column, equal: `${convert(column, ours.type, type)} = ${other}` }
}
