import { CheckpointConflictError, EmptyReplaceError } from '../destinations/errors.ts'
import { refuseMixedHistory } from '../destinations/mixed-history.ts'
import { type SchemaChange, schemaChange } from '../destinations/schema-change.ts'
import {
  type CheckpointMove,
  type Load,
  type LoadReceipt,
  STREAM_CHECKPOINT,
  type StagedTables,
  type TableCounts,
} from '../ports/destination.ts'
import type { Json } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { encodeJson } from '../records/encode-json.ts'
import { widenEncoded } from '../records/encode-value.ts'
import { historyRows } from './memory-history.ts'
import { everyRow, mergeRows, type NewRow, ownedRows, unkeyed } from './memory-merge.ts'
import { findGone } from './memory-reconcile.ts'
import { undoOf } from './memory-revert.ts'
import {
  checkpointId,
  type MemoryPipeline,
  type MemoryRow,
  type MemoryStore,
  type MemoryTable,
  type Place,
  sliceVersion,
  tablesAt,
} from './memory-store.ts'

// A commit is planned first, which reads and may throw, and applied then, which writes and can't: both without an await
// between, so that a commit happens whole or not at all (C1) and two commits never mix (C2). What becomes of rows is told in
// memory-merge.ts, what a reconciliation removes in memory-reconcile.ts.

/** What a load does to one table. */
export interface TablePlan {
  readonly table: string
  readonly place: Place
  /** The table as it is, or a copy with its columns widened. */
  readonly present: MemoryTable
  readonly schema: TableSchema
  readonly rows: readonly NewRow[]
  readonly removed: ReadonlySet<MemoryRow>
}

export interface CommitPlan {
  readonly tables: readonly TablePlan[]
  readonly receipt: LoadReceipt
}

/** What a load will do, or the error for which it does nothing. */
export function planCommit(store: MemoryStore, state: MemoryPipeline, load: Load): CommitPlan {
  checkVersions(state, load)
  const { tables, counts, sides } = planTables(store, load)
  return { tables, receipt: { loadId: load.id, ...counts, sides, replayed: false } }
}

interface Plans {
  readonly tables: readonly TablePlan[]
  readonly counts: TableCounts
  readonly sides: Record<string, TableCounts>
}

function planTables(store: MemoryStore, load: Load): Plans {
  const named = { inserted: 0, updated: 0, unchanged: load.records.length, deleted: 0 }
  if (load.mode === 'reconcile') {
    const present = presentTable(store, load, load, 'keys')
    const rows = everyRow(load, load)
    const keys: TablePlan = {
      table: load.table,
      place: 'keys',
      present,
      schema: load.schema,
      rows,
      removed: new Set(),
    }
    if (!load.replacement!.publish) return { tables: [keys], counts: named, sides: {} }
    const gone = findGone(store, load, [...present.rows, ...rows])
    return {
      tables: [keys, ...gone.map(({ plan }) => plan)],
      counts: { ...named, deleted: gone[0]?.plan.removed.size ?? 0 },
      sides: Object.fromEntries(
        gone.slice(1).map(({ plan }) => [plan.table, { ...named, unchanged: 0, deleted: plan.removed.size }]),
      ),
    }
  }
  if (load.mode === 'delete' && (store.tables.get(load.table)?.schema.columns.length ?? 0) === 0)
    return { tables: [], counts: named, sides: {} }
  return planRows(store, load)
}

function planRows(store: MemoryStore, load: Load): Plans {
  const place: Place = load.replacement === undefined ? 'live' : 'new'
  const present = presentTable(store, load, load, place)
  const main =
    load.mode === 'history'
      ? historyRows(present, load)
      : load.key.length === 0
        ? unkeyed(load, load)
        : mergeRows(present, load, load)
  const removed = new Set(main.removed)
  const tables: TablePlan[] = [
    { table: load.table, place, present, schema: load.schema, rows: main.rows, removed },
  ]
  refuseEmpty(store, load, present.rows.length + main.counts.inserted - removed.size)
  const sides: Record<string, TableCounts> = {}
  for (const side of load.sides ?? []) {
    const beside = presentTable(store, load, side, place)
    const plan =
      side.write === 'owned'
        ? ownedRows(beside, load, side, main)
        : side.key.length === 0
          ? unkeyed(load, side)
          : mergeRows(beside, load, { ...side, mode: side.write })
    sides[side.table] = plan.counts
    tables.push({
      table: side.table,
      place,
      present: beside,
      schema: side.schema,
      rows: plan.rows,
      removed: new Set(plan.removed),
    })
  }
  return { tables, counts: main.counts, sides }
}

/** @throws EmptyReplaceError where an empty replacement would take a full table's place (R6) */
function refuseEmpty(store: MemoryStore, { replacement, table, stream }: Load, rows: number): void {
  if (!replacement?.publish || replacement.allowEmpty || rows > 0) return
  const live = store.tables.get(table)?.rows.length ?? 0
  if (live > 0) throw new EmptyReplaceError(stream, table, live)
}

/** Writes what was planned. */
export function applyPlan(store: MemoryStore, state: MemoryPipeline, load: Load, plan: CommitPlan): void {
  const undo = undoOf(state, load)
  for (const part of plan.tables) applyTable(store, load, part)
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
  const { inserted, updated, unchanged, deleted, sides } = plan.receipt
  const { id, runId, stream, table, mode, at } = load
  const counts = { inserted, updated, unchanged, deleted, rejected: load.rejects.length }
  state.records.set(id, {
    record: { id, runId, stream, table, mode, at, ...counts, revertedAt: null },
    sides,
    undo,
  })
  store.loadNumbers.set(load.id, store.loadNumbers.size + 1)
}

function applyTable(
  store: MemoryStore,
  load: Load,
  { table, place, present, schema, rows, removed }: TablePlan,
): void {
  const publish = load.replacement?.publish ?? false
  if (place === 'keys' && publish) {
    store.keys.delete(table)
    return
  }
  present.schema = schema
  if (removed.size > 0) {
    present.rows = present.rows.filter((row) => !removed.has(row))
    present.indexedBy = ''
  }
  for (const row of rows) {
    if (row.replaces !== undefined) {
      row.replaces.values = row.values
      row.replaces.loadId = load.id
      continue
    }
    // A version that came before is there again, with what its load was.
    const { values, validity } = row
    const stored =
      validity === undefined ? { values, loadId: load.id } : { values, loadId: row.loadId, validity }
    present.rows.push(stored)
    // A row that was added without a key is in no index: the next load that has one builds it anew.
    if (row.key === null) present.indexedBy = ''
    else present.index.set(row.key, stored)
  }
  if (place === 'new' && publish) store.staging.delete(table)
  tablesAt(store, place === 'new' && publish ? 'live' : place).set(table, present)
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
  staged: StagedTables = {},
): void {
  dropStaged(store, table, staged)
  if (state.checkpoints.has(checkpointId(stream, STREAM_CHECKPOINT, true))) retireStream(state, stream)
  for (const [id, checkpoint] of state.checkpoints) {
    if (checkpoint.stream !== stream || checkpoint.staged || checkpoint.slice === STREAM_CHECKPOINT) continue
    const staged = state.checkpoints.get(checkpointId(stream, checkpoint.slice, true))
    if (staged !== undefined) state.checkpoints.set(id, { ...checkpoint, version: staged.version + 1 })
  }
  dropCheckpoints(state, stream, true)
}

/** Forgets the checkpoints of a stream's slices, and moves its own one on (C2); returns how many were forgotten. */
export function resetStream(state: MemoryPipeline, stream: string): number {
  retireStream(state, stream)
  state.checkpoints.delete(checkpointId(stream, STREAM_CHECKPOINT, true))
  let forgotten = 0
  for (const [id, checkpoint] of state.checkpoints)
    if (
      checkpoint.stream === stream &&
      checkpoint.slice !== STREAM_CHECKPOINT &&
      state.checkpoints.delete(id)
    )
      forgotten++
  return forgotten
}

/** Gives the stream's own checkpoint a version that nobody has seen, as a live one: it outlasts those of the slices (C2). */
function retireStream(state: MemoryPipeline, stream: string): void {
  const [live, staged] = [false, true].map((place) =>
    state.checkpoints.get(checkpointId(stream, STREAM_CHECKPOINT, place)),
  )
  const last = staged ?? live
  if (last === undefined) return
  const version = sliceVersion(state, stream, STREAM_CHECKPOINT) + 1
  state.checkpoints.set(checkpointId(stream, STREAM_CHECKPOINT, false), { ...last, version, staged: false })
}

/** Drops the tables that a stream has staged. */
export function dropStaged(
  store: MemoryStore,
  table: string,
  { write, sides = [] }: StagedTables = {},
): void {
  if (write === 'reconcile') store.keys.delete(table)
  // What a stream that deletes rows could find staged is another's.
  if (write === 'reconcile' || write === 'delete') return
  for (const name of [table, ...sides.map((side) => side.table)]) store.staging.delete(name)
}

function dropCheckpoints(state: MemoryPipeline, stream: string, staged: boolean): void {
  for (const [id, checkpoint] of state.checkpoints)
    if (checkpoint.stream === stream && checkpoint.staged === staged) state.checkpoints.delete(id)
}

/** A copy, as any store gives back: what the caller does to its own object later changes nothing here. */
function stored(json: Json): Json {
  return JSON.parse(JSON.stringify(json))
}

/** The table as a load finds it, widened to what the load holds. */
function presentTable(
  store: MemoryStore,
  load: Load,
  { table, schema }: Pick<Load, 'table' | 'schema'>,
  place: Place,
): MemoryTable {
  const present = load.replacement?.begin ? undefined : tablesAt(store, place).get(table)
  if (present !== undefined) refuseMixedHistory(table, present.hasHistory, load.mode)
  const change = schemaChange(table, present?.schema ?? null, schema)
  return widenedTable(present, change, schema, load.mode === 'history')
}

/** The table itself, or a copy with its values widened: the table as it stands is not touched before the plan is applied. */
function widenedTable(
  present: MemoryTable | undefined,
  change: SchemaChange,
  schema: TableSchema,
  hasHistory: boolean,
): MemoryTable {
  if (present === undefined) return { schema, rows: [], index: new Map(), indexedBy: '', hasHistory }
  if (change.widened.length === 0) return present
  const rows = present.rows.map(({ values, ...row }) => {
    const wider = [...values]
    for (const { index, from, to } of change.widened)
      if (index < wider.length) wider[index] = widenEncoded(wider[index]!, from.type, to.type, to.name)
    return { ...row, values: wider }
  })
  return { ...present, rows, index: new Map(), indexedBy: '' }
}
