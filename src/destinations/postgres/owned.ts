import type { TableCounts } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { hasKey } from './key-index.ts'
import type { Fate } from './merge.ts'
import { copyRows, insertStaged, stageRows } from './stage.ts'
import { columnsOf, type SideTableLoad, type TableLoad } from './table-load.ts'
import { tableIn, type Workplace } from './workplace.ts'

// Rows that belong to records follow what became of them: those of the version that counts take the place of all that its
// key had. The table itself needs no key.

/** Loads the rows that belong to a load's records. Runs in its transaction, once the records are loaded and the table is there. */
export async function loadOwned(
  workplace: Workplace,
  main: TableLoad,
  side: SideTableLoad,
  { refused, matched }: Fate,
): Promise<TableCounts> {
  const { owners = [] } = side.side
  const deleted =
    main.mode === 'append' || matched === undefined
      ? 0
      : await removeOwned(workplace, side, side.schema, matched)
  const skipped: number[] = []
  if (refused.size > 0)
    for (let row = 0; row < owners.length; row++) if (refused.has(owners[row]!)) skipped.push(row)
  if (skipped.length === 0) await copyRows(workplace, side)
  else {
    const stage = await stageRows(workplace, 'pg_temp._sluice_owned', side.schema, side.rows)
    await insertStaged(
      workplace,
      side,
      stage,
      'NOT EXISTS (SELECT 1 FROM unnest($1::bigint[]) skipped(n) WHERE skipped.n = s.n)',
      [skipped],
    )
    await workplace.connection.script(`DROP TABLE ${stage.name}`)
  }
  return { inserted: side.rows.length - skipped.length, updated: 0, unchanged: skipped.length, deleted }
}

/**
 * Removes the rows whose owner is among the keys; returns how many.
 * @param keys SQL that has the keys' fields as k0, k1, …
 */
export async function removeOwned(
  workplace: Workplace,
  { name, side }: SideTableLoad,
  schema: TableSchema,
  keys: string,
): Promise<number> {
  const owner = columnsOf(schema, side.owner ?? [])
  // Without the column no row has been there yet.
  if (owner === undefined) return 0
  const table = tableIn(workplace, name)
  return workplace.connection.run(
    `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
       SELECT m.target FROM ${keys} k, LATERAL (
         SELECT t.ctid AS target FROM ${table} t WHERE ${hasKey(owner, 't', (at) => `k.k${at}`)} OFFSET 0
       ) m
     ))`,
  )
}
