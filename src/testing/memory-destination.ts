import type { HeldReject } from '../destinations/conformance.ts'
import { DestinationError } from '../destinations/errors.ts'
import { replayedReceipt } from '../destinations/load-undo.ts'
import type { Destination, Load, RunRecord } from '../ports/destination.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../records/column-name.ts'
import type { Encoded } from '../records/encode-value.ts'
import { timestampText } from '../records/iso-time.ts'
import {
  abandonReplacement,
  applyPlan,
  dropStaged,
  moveCheckpoints,
  planCommit,
  resetStream,
} from './memory-commit.ts'
import { readLoads, revertLoad } from './memory-revert.ts'
import { type MemoryStore, memoryStore, pipelineState, tablesAt } from './memory-store.ts'

/** How many rows are read back at once. */
const ROWS_AT_ONCE = 1000

export interface MemoryDestinationOptions {
  /** What an earlier destination held: the same store again, as a new process finds it. Default: an empty one. */
  readonly store?: MemoryStore
  /**
   * Asked at each commit, before anything is written and after everything is: true makes the commit fail there, as a
   * process does that dies before or after its commit's point of no return. Default: never.
   */
  readonly failCommit?: (load: Load, phase: 'before' | 'after') => boolean
}

export interface MemoryDestination extends Destination {
  readonly store: MemoryStore
  /** A table's rows in order of insertion, by column name, with `_sluice_load_id`; none where there is no such table. */
  rows(table: string): JsonRecord[]
  rejects(pipeline: string): readonly HeldReject[]
  /** The ids of the pipeline's loads, in order. */
  loads(pipeline: string): string[]
  runs(pipeline: string): RunRecord[]
}

/** A destination in memory that keeps every promise of the port, for tests and simulations. */
export function memoryDestination(options: MemoryDestinationOptions = {}): MemoryDestination {
  const store = options.store ?? memoryStore()
  const crash = (load: Load, phase: 'before' | 'after') => {
    if (options.failCommit?.(load, phase))
      throw new DestinationError('memory', `told to fail ${phase} the commit of load ${load.id}`)
  }
  return {
    kind: 'memory',
    description: 'memory',
    capabilities: { transactionalDdl: true, merge: true, history: true, revert: true, readBack: true },
    store,
    rows: (table) => {
      const found = store.tables.get(table)
      if (found === undefined) return []
      return found.rows.map((row) => {
        const cells: [string, Encoded][] = found.schema.columns.map(({ name }, index) => [
          name,
          row.values[index] ?? null,
        ])
        if (row.validity !== undefined) {
          const { from, to } = row.validity
          cells.push(
            [VALID_FROM_COLUMN, timestampText(from)],
            [VALID_TO_COLUMN, to === null ? null : timestampText(to)],
          )
        }
        return Object.fromEntries([...cells, [LOAD_ID_COLUMN, row.loadId]])
      })
    },
    rejects: (pipeline) => [...pipelineState(store, pipeline).rejects.values()],
    loads: (pipeline) => [...pipelineState(store, pipeline).loads.keys()],
    runs: (pipeline) => [...pipelineState(store, pipeline).runs.values()],

    async open(pipeline, { readOnly = false } = {}) {
      const state = pipelineState(store, pipeline)
      let closed = false
      const use = (writing: boolean) => {
        if (closed) throw new DestinationError('memory', 'the session is closed')
        if (writing && readOnly) throw new DestinationError('memory', 'the session was opened read-only')
      }
      return {
        async readCheckpoints(stream) {
          use(false)
          return [...state.checkpoints.values()].filter(
            (checkpoint) => stream === undefined || checkpoint.stream === stream,
          )
        },
        async readSchema(table, { staged = false } = {}) {
          use(false)
          const place = staged === 'keys' ? 'keys' : staged ? 'new' : 'live'
          return tablesAt(store, place).get(table)?.schema ?? null
        },
        async commit(load) {
          use(true)
          const known = state.loads.get(load.id)
          if (known !== undefined)
            return replayedReceipt({
              receipt: { ...known, replayed: true },
              revertedAt: state.records.get(load.id)?.record.revertedAt ?? null,
            })
          const plan = planCommit(store, state, load)
          crash(load, 'before')
          applyPlan(store, state, load, plan)
          crash(load, 'after')
          return plan.receipt
        },
        async moveCheckpoints(move) {
          use(true)
          moveCheckpoints(state, move)
        },
        async recordRun(run) {
          use(true)
          state.runs.set(run.id, run)
        },
        async lastRun() {
          use(false)
          const over = [...state.runs.values()].filter(({ finishedAt }) => finishedAt !== null)
          return over.sort((a, b) => b.finishedAt! - a.finishedAt!)[0] ?? null
        },
        async loads({ stream, limit } = {}) {
          use(false)
          return readLoads(state, stream).slice(0, limit)
        },
        async revert(loadId, how) {
          use(true)
          return revertLoad(store, state, loadId, how)
        },
        async *readRows(table, columns) {
          use(false)
          const { rows = [], schema } = store.tables.get(table) ?? {}
          const places = columns.map(
            (name) => schema?.columns.findIndex((column) => column.name === name) ?? -1,
          )
          // As they are now: commits may go on while they are read.
          const versions = rows.filter(({ validity }) => (validity?.to ?? null) === null)
          const present = versions.map(({ values }) => places.map((at) => values[at] ?? null))
          for (let from = 0; from < present.length; from += ROWS_AT_ONCE)
            yield present
              .slice(from, from + ROWS_AT_ONCE)
              .map((values) =>
                Object.fromEntries(values.map((value, at) => [columns[at]!, plainValue(value)])),
              )
        },
        async countRows(table) {
          use(false)
          return store.tables.get(table)?.rows?.length ?? 0
        },
        async abandonReplacement(stream, table, staged) {
          use(true)
          abandonReplacement(store, state, stream, table, staged)
        },
        async resetStream(stream, table, staged) {
          use(true)
          dropStaged(store, table, staged)
          return resetStream(state, stream)
        },
        async [Symbol.asyncDispose]() {
          closed = true
        },
      }
    },
  }
}

/** A long integer is its digits where a double does not hold it. */
function plainValue(value: Encoded): Json {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}
