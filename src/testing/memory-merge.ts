import { DestinationSchemaError } from '../destinations/errors.ts'
import type { Load, SideLoad, TableCounts } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { type Encoded, encodeValue } from '../records/encode-value.ts'
import { fieldReader } from '../records/field.ts'
import { compareEncoded, latestVersions } from '../records/latest-version.ts'
import { encodedKey, recordKey } from '../records/record-key.ts'
import type { MemoryRow, MemoryTable } from './memory-store.ts'

export interface NewRow extends MemoryRow {
  readonly key: string | number | null
  /** The row whose place it takes. */
  readonly replaces: MemoryRow | undefined
}

/** A load's part in one table. */
type Part = Pick<Load, 'table' | 'key' | 'version' | 'schema' | 'records'> & {
  readonly mode: Load['mode']
  readonly tombstones?: ReadonlySet<number>
}

/** What becomes of a load's records. */
export interface RowPlan {
  readonly rows: readonly NewRow[]
  readonly removed: readonly MemoryRow[]
  readonly counts: TableCounts
  /** Numbers of the records that are the ones of their key that count, where what is stored is not newer. */
  readonly taken: ReadonlySet<number>
}

/** Adds every record. */
export function unkeyed(load: Load, part: Pick<Load, 'schema' | 'records'>): RowPlan {
  const rows = everyRow(load, part)
  return {
    rows,
    removed: [],
    counts: { inserted: rows.length, updated: 0, unchanged: 0, deleted: 0 },
    taken: new Set(part.records.keys()),
  }
}

export function everyRow(load: Load, { schema, records }: Pick<Load, 'schema' | 'records'>): NewRow[] {
  const encode = rowEncoder(schema)
  return records.map((record) => ({
    values: encode(record),
    loadId: load.id,
    key: null,
    replaces: undefined,
  }))
}

/** Plans the records of a part with a key. */
export function mergeRows(table: MemoryTable, load: Load, part: Part): RowPlan {
  const { records, schema, mode, tombstones } = part
  const gone = (at: number) => mode === 'delete' || (tombstones?.has(at) ?? false)
  const rows: NewRow[] = []
  const goneKeys = new Set<string | number>()
  const taken = new Set<number>()
  const columns = schema.columns.map(({ field }) => field)
  const missing = part.key.find((field) => !columns.includes(field))
  if (missing !== undefined) {
    // Before the first record there is no column to find a key in.
    const unchanged = { inserted: 0, updated: 0, unchanged: records.length, deleted: 0 }
    if (records.every((_record, at) => gone(at))) return { rows, removed: [], counts: unchanged, taken }
    throw new DestinationSchemaError(
      part.table,
      `the load has no column for its key field ${JSON.stringify(missing)}`,
    )
  }
  indexBy(table, part.key, schema)
  const encode = rowEncoder(schema)
  const versionAt = columns.indexOf(part.version ?? '')
  const version = part.version === undefined ? undefined : schema.columns[versionAt]
  for (const [key, at] of candidates(part)) {
    const values = encode(records[at]!)
    const replaces = table.index.get(key)
    if (replaces !== undefined) {
      if (mode === 'append') continue
      const older =
        version !== undefined &&
        compareEncoded(values[versionAt]!, replaces.values[versionAt] ?? null, version.type.kind) < 0
      if (older) continue
    }
    taken.add(at)
    if (gone(at)) {
      if (replaces !== undefined) goneKeys.add(key)
    } else if (replaces === undefined || !sameValues(replaces.values, values))
      rows.push({ values, loadId: load.id, key, replaces })
  }
  const updated = rows.filter((row) => row.replaces !== undefined).length
  const inserted = rows.length - updated
  const unchanged = records.length - rows.length - goneKeys.size
  // A table that was filled without a key may hold several rows of one.
  const removed = rowsOwnedBy(table, schema, part.key, goneKeys)
  return { rows, removed, counts: { inserted, updated, unchanged, deleted: removed.length }, taken }
}

/** Plans the rows that belong to a load's records, given what becomes of those. */
export function ownedRows(table: MemoryTable, load: Load, side: SideLoad, main: RowPlan): RowPlan {
  const { owner = [], owners = [] } = side
  const records = side.records.filter((_row, at) => main.taken.has(owners[at]!))
  const rows = everyRow(load, { schema: side.schema, records })
  const keyOf = recordKey(load.key, load.schema)
  const keys =
    load.mode === 'append' || load.key.length === 0
      ? new Set<string | number>()
      : new Set(Array.from(main.taken, (at) => keyOf(load.records[at]!)))
  const removed = rowsOwnedBy(table, side.schema, owner, keys)
  return {
    rows,
    removed,
    counts: {
      inserted: rows.length,
      updated: 0,
      unchanged: side.records.length - rows.length,
      deleted: removed.length,
    },
    taken: new Set(),
  }
}

/** The rows whose owner's fields hold one of the keys. */
export function rowsOwnedBy(
  table: MemoryTable,
  schema: TableSchema,
  owner: readonly string[],
  keys: ReadonlySet<string | number>,
): MemoryRow[] {
  const keyOf = rowKey(owner, schema)
  return keys.size === 0 ? [] : table.rows.filter((row) => keys.has(keyOf(row)))
}

/** Reads the key of stored rows. */
export function rowKey(key: readonly string[], schema: TableSchema): (row: MemoryRow) => string | number {
  const places = key.map((field) => schema.columns.findIndex((column) => column.field === field))
  return (row) => encodedKey(places.map((at) => row.values[at] ?? null))
}

type RowEncoder = (record: JsonRecord) => Encoded[]

function rowEncoder(schema: TableSchema): RowEncoder {
  const columns = schema.columns.map(({ field, type, name }) => ({ read: fieldReader(field), type, name }))
  return (record) => columns.map(({ read, type, name }) => encodeValue(read(record), type, name))
}

/** The one record of each key that can reach the table: the latest where loads merge, the first where they append. */
function candidates({ mode, records, key, version, schema }: Part): Map<string | number, number> {
  if (mode !== 'append') return latestVersions(records, key, version, schema)
  const keyOf = recordKey(key, schema)
  const first = new Map<string | number, number>()
  for (const [at, record] of records.entries()) {
    const name = keyOf(record)
    if (!first.has(name)) first.set(name, at)
  }
  return first
}

function indexBy(table: MemoryTable, key: readonly string[], schema: TableSchema): void {
  const columns = key.map((field) => schema.columns.findIndex((column) => column.field === field))
  const indexedBy = JSON.stringify(columns.map((at) => [at, schema.columns[at]?.type]))
  if (table.indexedBy === indexedBy) return
  const keyOf = rowKey(key, schema)
  table.indexedBy = indexedBy
  table.index = new Map(table.rows.map((row) => [keyOf(row), row]))
}

export function sameValues(a: readonly Encoded[], b: readonly Encoded[]): boolean {
  for (let index = 0; index < Math.max(a.length, b.length); index++)
    if ((a[index] ?? null) !== (b[index] ?? null)) return false
  return true
}
