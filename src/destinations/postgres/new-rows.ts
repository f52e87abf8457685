import type { Column } from '../../ports/schema.ts'
import { hasKey } from './key-index.ts'
import { type KeyRange, keyRange } from './key-range.ts'
import { identifier } from './names.ts'
import { copyRows, stageColumns } from './stage.ts'
import { keyColumns, type Prepared, type TableLoad } from './table-load.ts'
import { tableIn, type Workplace } from './workplace.ts'

/** Loads with fewer rows are not worth another look. */
const LEAST_ROWS = 500

/**
 * Sends rows straight into their table where each of them has a key of its own, which the table has not, as while a list is read for the
 * first time. Whole numbers in order are looked for by their range; else the keys alone are sent first, to find out. That is tried where
 * the load before met no row either.
 * @returns false where it is not so, or not tried: nothing was sent
 */
export async function copyNewRows(
  workplace: Workplace,
  load: TableLoad,
  { isEmpty }: Prepared,
): Promise<boolean> {
  const { rows, mode, tombstones } = load
  const isLikely = isEmpty || workplace.withoutMatches.has(load.name)
  if (!isLikely || rows.length < LEAST_ROWS || mode === 'delete' || (tombstones?.size ?? 0) > 0) return false
  if (!(await areNew(workplace, load, isEmpty))) {
    workplace.withoutMatches.delete(load.name)
    return false
  }
  await copyRows(workplace, load)
  workplace.withoutMatches.add(load.name)
  return true
}

async function areNew(workplace: Workplace, load: TableLoad, isEmpty: boolean): Promise<boolean> {
  const { connection } = workplace
  const { columns } = load.schema
  const key = keyColumns(load)
  const places = key.map((column) => columns.indexOf(column))
  const range = rangeOf(load, key, places)
  if (range !== undefined && (isEmpty || !(await hasAny(workplace, load, key[0]!, range)))) return true
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

function rangeOf(
  { rows }: TableLoad,
  key: readonly Column[],
  places: readonly number[],
): KeyRange | undefined {
  const [only] = key
  const isWhole = only?.type.kind === 'integer' || only?.type.kind === 'bigint'
  return key.length === 1 && isWhole ? keyRange(rows.segments, places[0]!) : undefined
}

/** By the key's index: the order leaves the planner no cheaper way, also where it knows nothing of the table yet. */
async function hasAny(
  workplace: Workplace,
  load: TableLoad,
  { name }: Column,
  { least, greatest }: KeyRange,
): Promise<boolean> {
  const column = identifier(name)
  const found = await workplace.connection.rows(
    `SELECT ${column} FROM ${tableIn(workplace, load.name)} WHERE ${column} BETWEEN $1::bigint AND $2::bigint ORDER BY ${column} LIMIT 1`,
    [least, greatest],
  )
  return found.length > 0
}
