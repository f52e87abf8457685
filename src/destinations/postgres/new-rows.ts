import { hasKey } from './key-index.ts'
import { copyRows, stageColumns } from './stage.ts'
import { keyColumns, type Prepared, type TableLoad } from './table-load.ts'
import { tableIn, type Workplace } from './workplace.ts'

/** Loads with fewer rows are not worth another look. */
const LEAST_ROWS = 500

/**
 * Sends rows straight into their table where each of them has a key of its own, which the table has not, as while a list is read for the
 * first time. To find out, the keys alone are sent first. That is tried where the load before met no row either.
 * @returns false where it is not so, or not tried: nothing was sent
 */
export async function copyNewRows(
  workplace: Workplace,
  load: TableLoad,
  { isEmpty }: Prepared,
): Promise<boolean> {
  const { rows, mode, tombstones } = load
  const isLikely = isEmpty || workplace.unmet.has(load.name)
  if (!isLikely || rows.length < LEAST_ROWS || mode === 'delete' || (tombstones?.size ?? 0) > 0) return false
  if (!(await areNew(workplace, load, isEmpty))) {
    workplace.unmet.delete(load.name)
    return false
  }
  await copyRows(workplace, load)
  workplace.unmet.add(load.name)
  return true
}

async function areNew(workplace: Workplace, load: TableLoad, isEmpty: boolean): Promise<boolean> {
  const { connection } = workplace
  const { columns } = load.schema
  const key = keyColumns(load)
  const places = key.map((column) => columns.indexOf(column))
  const inOrder = [...places].sort((a, b) => a - b)
  const keys = await stageColumns(workplace, 'pg_temp._sluice_keys', load.schema, load.rows, inOrder)
  const twice = `SELECT FROM ${keys.name} GROUP BY ${places.map((at) => `c${at}`).join(', ')} HAVING count(*) > 1`
  const present = `SELECT FROM ${keys.name} s, LATERAL (
    SELECT FROM ${tableIn(workplace, load.name)} t WHERE ${hasKey(key, 't', (at) => `s.c${places[at]!}`)} OFFSET 0
  ) m`
  const [[isKnown] = [true]] = await connection.rows<[boolean]>(
    `SELECT EXISTS (${twice})${isEmpty ? '' : ` OR EXISTS (${present})`}`,
  )
  await connection.script(`DROP TABLE ${keys.name}`)
  return !isKnown
}
