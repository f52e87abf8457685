import { DestinationSchemaError, EmptyReplaceError, refuseRemoval } from '../destinations/errors.ts'
import type { Load } from '../ports/destination.ts'
import type { Column, TableSchema } from '../ports/schema.ts'
import { widen } from '../records/column-type.ts'
import { type Encoded, widenEncoded } from '../records/encode-value.ts'
import { encodedKey } from '../records/record-key.ts'
import type { TablePlan } from './memory-commit.ts'
import { rowKey, rowsOwnedBy } from './memory-merge.ts'
import type { MemoryRow, MemoryStore } from './memory-store.ts'

/**
 * What a reconciliation removes: rows of the live table first, then of each table that they own; nothing where there is no such table.
 * @throws EmptyReplaceError where no key was staged, and the table has rows (R6)
 * @throws RemovalLimitError where too few keys were (R6)
 */
export function findGone(
  store: MemoryStore,
  load: Load,
  staged: readonly MemoryRow[],
): { readonly plan: TablePlan }[] {
  const live = store.tables.get(load.table)
  if (live === undefined || live.rows.length === 0) return []
  if (staged.length === 0 && !load.replacement!.allowEmpty)
    throw new EmptyReplaceError(load.stream, load.table, live.rows.length)
  const named = keySet(load, staged, live.schema)
  const numberOf = ({ loadId }: MemoryRow) => store.loadNumbers.get(loadId)
  // What this very load stages has no number yet.
  const began = Math.min(...staged.map((row) => numberOf(row) ?? Number.POSITIVE_INFINITY))
  const isLater = (row: MemoryRow) => (numberOf(row) ?? 0) > began
  const gone = live.rows.filter((row) => !isLater(row) && !named(row))
  if (staged.length > 0)
    refuseRemoval(load, { removed: gone.length, rows: live.rows.length }, load.replacement!.maxRemovedPercent)
  const keyOf = rowKey(load.key, live.schema)
  const keys = new Set(gone.map(keyOf))
  const plans = [{ plan: removal(load.table, live, gone) }]
  for (const side of load.sides ?? []) {
    const table = store.tables.get(side.table)
    if (table === undefined) continue
    plans.push({ plan: removal(side.table, table, rowsOwnedBy(table, table.schema, side.owner ?? [], keys)) })
  }
  return plans
}

function removal(table: string, present: TablePlan['present'], removed: readonly MemoryRow[]): TablePlan {
  return { table, place: 'live', present, schema: present.schema, rows: [], removed: new Set(removed) }
}

/** Whether a row's key is among the staged ones. Either table may have been widened since the other was made; a row without a key counts as named. */
function keySet(load: Load, staged: readonly MemoryRow[], live: TableSchema): (row: MemoryRow) => boolean {
  const pairs = load.key.map((field) => {
    const at = live.columns.findIndex((column) => column.field === field)
    const other = load.schema.columns.findIndex((column) => column.field === field)
    if (at < 0)
      throw new DestinationSchemaError(
        load.table,
        `it has no column for the key field ${JSON.stringify(field)}`,
      )
    const [ours, theirs] = [live.columns[at]!, load.schema.columns[other] ?? live.columns[at]!]
    return { at, other, ours, theirs, type: widen(ours.type, theirs.type) }
  })
  const read = (row: MemoryRow, at: number, from: Column, type: Column['type']): Encoded =>
    widenEncoded(row.values[at] ?? null, from.type, type, from.name)
  const keys = new Set(
    staged.map((row) => encodedKey(pairs.map(({ other, theirs, type }) => read(row, other, theirs, type)))),
  )
  return (row) => {
    const key = pairs.map(({ at, ours, type }) => read(row, at, ours, type))
    return key.includes(null) || keys.has(encodedKey(key))
  }
}
