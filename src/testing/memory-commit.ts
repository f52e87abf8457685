import { CheckpointConflictError, EmptyReplaceError } from '../destinations/errors.ts'
import { type SchemaChange, schemaChange } from '../destinations/schema-change.ts'
import type { CheckpointMove, Load, LoadReceipt } from '../ports/destination.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { encodeJson } from '../records/encode-json.ts'
import { type Encoded, encodeValue, widenEncoded } from '../records/encode-value.ts'
import { fieldReader } from '../records/field.ts'
import { compareEncoded, latestVersions } from '../records/latest-version.ts'
import { encodedKey, recordKey } from '../records/record-key.ts'
import {
  checkpointId,
  type MemoryPipeline,
  type MemoryRow,
  type MemoryStore,
  type MemoryTable,
  sliceVersion,
} from './memory-store.ts'

// A commit is planned first, which reads and may throw, and applied then, which writes and can't: both without an await
// between, so that a commit happens whole or not at all (C1) and two commits never mix (C2).

interface NewRow extends MemoryRow {
  readonly key: string | number | null
  /** The row whose place it takes. */
  readonly replaces: MemoryRow | undefined
}

export interface CommitPlan {
  readonly table: MemoryTable
  readonly rows: readonly NewRow[]
  readonly receipt: LoadReceipt
}

/** What a load will do, or the error for which it does nothing. */
export function planCommit(store: MemoryStore, state: MemoryPipeline, load: Load): CommitPlan {
  checkVersions(state, load)
  const { replacement } = load
  const present = replacement?.begin
    ? undefined
    : (replacement ? store.staging : store.tables).get(load.table)
  const change = schemaChange(load.table, present?.schema ?? null, load.schema)
  const table = widenedTable(present, change, load.schema)
  const encode = rowEncoder(load.schema)
  const rows = load.key.length === 0 ? everyRow(load, encode) : keyedRows(table, load, encode)

  const updated = rows.filter((row) => row.replaces !== undefined).length
  const inserted = rows.length - updated
  if (replacement?.publish && !replacement.allowEmpty && table.rows.length + inserted === 0) {
    const live = store.tables.get(load.table)?.rows.length ?? 0
    if (live > 0) throw new EmptyReplaceError(load.stream, load.table, live)
  }
  const unchanged = load.records.length - rows.length
  return { table, rows, receipt: { loadId: load.id, inserted, updated, unchanged, replayed: false } }
}

/** Writes what was planned. */
export function applyPlan(store: MemoryStore, state: MemoryPipeline, load: Load, plan: CommitPlan): void {
  const { table } = plan
  table.schema = load.schema
  for (const row of plan.rows) {
    if (row.replaces !== undefined) {
      row.replaces.values = row.values
      row.replaces.loadId = load.id
      continue
    }
    const stored = { values: row.values, loadId: load.id }
    table.rows.push(stored)
    // A row that was added without a key is in no index: the next load that has one builds it anew.
    if (row.key === null) table.indexedBy = ''
    else table.index.set(row.key, stored)
  }
  const live = load.replacement === undefined || load.replacement.publish
  if (load.replacement?.publish) store.staging.delete(load.table)
  ;(live ? store.tables : store.staging).set(load.table, table)
  writeCheckpoints(state, load)
  for (const { id, record, reason } of load.rejects) {
    const stored = JSON.stringify([load.stream, id])
    const known = state.rejects.get(stored)
    state.rejects.set(stored, {
      stream: load.stream,
      record: known?.record ?? encodeJson(record),
      reason,
      times: (known?.times ?? 0) + 1,
      firstLoadId: known?.firstLoadId ?? load.id,
      lastLoadId: load.id,
    })
  }
  state.loads.set(load.id, plan.receipt)
}

/** Moves checkpoints without rows. */
export function moveCheckpoints(state: MemoryPipeline, move: CheckpointMove): void {
  checkVersions(state, move)
  writeCheckpoints(state, move)
}

/** @throws CheckpointConflictError (C2) */
function checkVersions(state: MemoryPipeline, { stream, checkpoints }: CheckpointMove): void {
  for (const { slice, fromVersion } of checkpoints) {
    const found = sliceVersion(state, stream, slice)
    if (found !== fromVersion) throw new CheckpointConflictError(stream, slice, fromVersion, found)
  }
}

function writeCheckpoints(state: MemoryPipeline, load: CheckpointMove & Pick<Load, 'replacement'>): void {
  const { replacement, stream } = load
  if (replacement?.begin) dropCheckpoints(state, stream, true)
  for (const { slice, fromVersion, position, highWater } of load.checkpoints)
    state.checkpoints.set(checkpointId(stream, slice, replacement !== undefined), {
      stream,
      slice,
      position: stored(position),
      highWater: stored(highWater),
      version: fromVersion + 1,
      staged: replacement !== undefined,
      loadId: load.id,
      updatedAt: load.at,
    })
  if (!replacement?.publish) return
  dropCheckpoints(state, stream, false)
  for (const [id, checkpoint] of [...state.checkpoints]) {
    if (checkpoint.stream !== stream) continue
    state.checkpoints.delete(id)
    state.checkpoints.set(checkpointId(stream, checkpoint.slice, false), { ...checkpoint, staged: false })
  }
}

/** Drops what a replacement staged; whoever was staging meets the live checkpoints at another version (C2). */
export function abandonReplacement(
  store: MemoryStore,
  state: MemoryPipeline,
  stream: string,
  table: string,
): void {
  store.staging.delete(table)
  for (const [id, checkpoint] of state.checkpoints) {
    if (checkpoint.stream !== stream || checkpoint.staged) continue
    const staged = state.checkpoints.get(checkpointId(stream, checkpoint.slice, true))
    if (staged !== undefined) state.checkpoints.set(id, { ...checkpoint, version: staged.version + 1 })
  }
  dropCheckpoints(state, stream, true)
}

function dropCheckpoints(state: MemoryPipeline, stream: string, staged: boolean): void {
  for (const [id, checkpoint] of state.checkpoints)
    if (checkpoint.stream === stream && checkpoint.staged === staged) state.checkpoints.delete(id)
}

/** A copy, as any store gives back: what the caller does to its own object later changes nothing here. */
function stored(json: Json): Json {
  return JSON.parse(JSON.stringify(json))
}

/** The table itself, or a copy with its values widened: the table as it stands is not touched before the plan is applied. */
function widenedTable(
  present: MemoryTable | undefined,
  change: SchemaChange,
  schema: TableSchema,
): MemoryTable {
  if (present === undefined) return { schema, rows: [], index: new Map(), indexedBy: '' }
  if (change.widened.length === 0) return present
  const rows = present.rows.map(({ values, loadId }) => {
    const wider = [...values]
    for (const { index, from, to } of change.widened)
      if (index < wider.length) wider[index] = widenEncoded(wider[index]!, from.type, to.type, to.name)
    return { values: wider, loadId }
  })
  return { schema: present.schema, rows, index: new Map(), indexedBy: '' }
}

type RowEncoder = (record: JsonRecord) => Encoded[]

function rowEncoder(schema: TableSchema): RowEncoder {
  const columns = schema.columns.map(({ field, type, name }) => ({ read: fieldReader(field), type, name }))
  return (record) => columns.map(({ read, type, name }) => encodeValue(read(record), type, name))
}

function everyRow(load: Load, encode: RowEncoder): NewRow[] {
  return load.records.map((record) => ({
    values: encode(record),
    loadId: load.id,
    key: null,
    replaces: undefined,
  }))
}

function keyedRows(table: MemoryTable, load: Load, encode: RowEncoder): NewRow[] {
  indexBy(table, load.key, load.schema)
  const rows: NewRow[] = []
  const versionAt = load.schema.columns.findIndex(({ field }) => field === load.version)
  const version = load.schema.columns[versionAt]
  for (const [key, record] of candidates(load)) {
    const values = encode(record)
    const replaces = table.index.get(key)
    if (replaces !== undefined) {
      if (load.mode === 'append' || sameValues(replaces.values, values)) continue
      const older =
        version !== undefined &&
        compareEncoded(values[versionAt]!, replaces.values[versionAt] ?? null, version.type.kind) < 0
      if (older) continue
    }
    rows.push({ values, loadId: load.id, key, replaces })
  }
  return rows
}

/** The one record of each key that can reach the table: the latest where loads merge, the first where they append. */
function candidates(load: Load): Map<string | number, JsonRecord> {
  if (load.mode === 'merge') return latestVersions(load.records, load.key, load.version, load.schema)
  const keyOf = recordKey(load.key, load.schema)
  const first = new Map<string | number, JsonRecord>()
  for (const record of load.records) {
    const key = keyOf(record)
    if (!first.has(key)) first.set(key, record)
  }
  return first
}

function indexBy(table: MemoryTable, key: readonly string[], schema: TableSchema): void {
  const columns = key.map((field) => schema.columns.findIndex((column) => column.field === field))
  const indexedBy = JSON.stringify(columns.map((at) => [at, schema.columns[at]?.type]))
  if (table.indexedBy === indexedBy) return
  table.indexedBy = indexedBy
  table.index = new Map(
    table.rows.map((row) => [encodedKey(columns.map((at) => row.values[at] ?? null)), row]),
  )
}

function sameValues(a: readonly Encoded[], b: readonly Encoded[]): boolean {
  for (let index = 0; index < Math.max(a.length, b.length); index++)
    if ((a[index] ?? null) !== (b[index] ?? null)) return false
  return true
}
