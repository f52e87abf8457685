// What the manifest says of a load: which of its rows count, what they are numbered by, and what came of it.
import type { Load, LoadReceipt, SideLoad, StagedTables } from '../../ports/destination.ts'
import type { RowFile, RowWriter, WritableRows } from './formats/row-writer.ts'
import type { LoadChange, TablePart } from './manifest/entry.ts'
import type { KeyRule, OwnedRule } from './manifest/state.ts'

/** A table's part of a load, with its rows. */
export interface LoadPart {
  readonly planned: TablePart
  readonly rows: WritableRows
  readonly numbers: RowFile['numbers']
}

/** Which rows of a key a reader is to see: where loads append the first, else the newest. */
export function mainRule({ key, mode, version }: Load): KeyRule | undefined {
  if (key.length === 0) return undefined
  return mode === 'merge'
    ? { key, keep: 'last', ...(version !== undefined && { version }) }
    : { key, keep: 'first' }
}

export function sideRule({ key, write }: SideLoad, load: Load): KeyRule | OwnedRule | undefined {
  // Without a key of their own every owner is there, and so is every row.
  if (write === 'owned') return load.key.length === 0 ? undefined : { owner: load.table }
  return key.length === 0 ? undefined : { key, keep: write === 'merge' ? 'last' : 'first' }
}

/**
 * What the rows are numbered by, whether or not a rule asks for it yet: a key may be named later, and then says which of these rows count,
 * too. A reader of Parquet counts a file's rows itself.
 */
export function numbersOf(part: Load | SideLoad, { format }: RowWriter): RowFile['numbers'] {
  if ('write' in part && part.write === 'owned') return part.owners
  return format === 'parquet' ? undefined : 'own'
}

export function recordOf(load: Load, [main, ...sides]: readonly TablePart[]): LoadChange['record'] {
  const { id, runId, stream, table, mode, at } = load
  const counts = ({ file }: TablePart) => ({
    inserted: file?.rows ?? 0,
    updated: 0,
    unchanged: 0,
    deleted: 0,
  })
  return {
    id,
    runId,
    stream,
    table,
    mode,
    at,
    rejected: load.rejects.length,
    ...counts(main!),
    sides: Object.fromEntries(sides.map((side) => [side.table, counts(side)])),
  }
}

export function receiptOf({
  id,
  inserted,
  updated,
  unchanged,
  deleted,
  sides,
}: LoadChange['record']): Omit<LoadReceipt, 'replayed'> {
  return { loadId: id, inserted, updated, unchanged, deleted, sides }
}

export function tablesOf(table: string, { write, sides = [] }: StagedTables = {}): string[] {
  // Such streams stage keys, or nothing.
  if (write === 'delete' || write === 'reconcile') return []
  return [table, ...sides.map((side) => side.table)]
}
