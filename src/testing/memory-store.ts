import type { HeldReject } from '../destinations/conformance.ts'
import type { Undo } from '../destinations/load-undo.ts'
import type { Checkpoint, LoadReceipt, LoadRecord, RunRecord } from '../ports/destination.ts'
import type { TableSchema } from '../ports/schema.ts'
import type { Encoded } from '../records/encode-value.ts'

export interface MemoryRow {
  /** By column; shorter than the schema where columns were added since. */
  values: readonly Encoded[]
  loadId: string
  /** Of a table with history, in microseconds since 1970; `to` is `null` while the version holds. */
  readonly validity?: { readonly from: bigint; readonly to: bigint | null }
}

export interface MemoryTable {
  schema: TableSchema
  rows: MemoryRow[]
  /** The rows by key, for the key and the column types that `indexedBy` names. */
  index: Map<string | number, MemoryRow>
  indexedBy: string
  readonly hasHistory: boolean
}

/** What is kept of a load, so that it can be listed and taken out again. */
export interface MemoryLoad {
  readonly record: LoadRecord
  readonly sides: LoadReceipt['sides']
  readonly undo: Undo | null
}

export interface MemoryPipeline {
  /** By `checkpointId`. */
  readonly checkpoints: Map<string, Checkpoint>
  readonly loads: Map<string, LoadReceipt>
  /** By load id, in the order of their commits. */
  readonly records: Map<string, MemoryLoad>
  readonly runs: Map<string, RunRecord>
  /** By stream and reject id. */
  readonly rejects: Map<string, HeldReject>
}

/** Everything that a memory destination holds: it outlives the destination, as a file outlives a process. */
export interface MemoryStore {
  readonly tables: Map<string, MemoryTable>
  /** The new tables of replacements that are not published yet (R6). */
  readonly staging: Map<string, MemoryTable>
  /** The keys that reconciliations have staged, by the table whose they are. */
  readonly keys: Map<string, MemoryTable>
  readonly pipelines: Map<string, MemoryPipeline>
  /** The number of each load in the order of their commits, from 1. */
  readonly loadNumbers: Map<string, number>
}

/** Where a load's rows go. */
export type Place = 'live' | 'new' | 'keys'

export function tablesAt(store: MemoryStore, place: Place): Map<string, MemoryTable> {
  return { live: store.tables, new: store.staging, keys: store.keys }[place]
}

export function memoryStore(): MemoryStore {
  return {
    tables: new Map(),
    staging: new Map(),
    keys: new Map(),
    pipelines: new Map(),
    loadNumbers: new Map(),
  }
}

export function pipelineState(store: MemoryStore, pipeline: string): MemoryPipeline {
  let state = store.pipelines.get(pipeline)
  if (state === undefined) {
    state = {
      checkpoints: new Map(),
      loads: new Map(),
      records: new Map(),
      runs: new Map(),
      rejects: new Map(),
    }
    store.pipelines.set(pipeline, state)
  }
  return state
}

/** A staged checkpoint stands beside the live one of its slice. */
export function checkpointId(stream: string, slice: string, staged: boolean): string {
  return JSON.stringify([stream, slice, staged])
}

/** How often a slice was committed: the greater of what its live and its staged checkpoint say. */
export function sliceVersion(state: MemoryPipeline, stream: string, slice: string): number {
  const version = (staged: boolean) =>
    state.checkpoints.get(checkpointId(stream, slice, staged))?.version ?? 0
  return Math.max(version(false), version(true))
}
