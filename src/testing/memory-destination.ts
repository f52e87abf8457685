import type { HeldReject } from '../destinations/conformance.ts'
import { DestinationError } from '../destinations/errors.ts'
import type { Destination, Load, RunRecord } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import { LOAD_ID_COLUMN } from '../records/column-name.ts'
import type { Encoded } from '../records/encode-value.ts'
import {
  abandonReplacement,
  applyPlan,
  dropStaged,
  moveCheckpoints,
  planCommit,
  resetStream,
} from './memory-commit.ts'
import { type MemoryStore, memoryStore, pipelineState, tablesAt } from './memory-store.ts'

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
    capabilities: { transactionalDdl: true, merge: true, history: false, revert: false, readBack: false },
    store,
    rows: (table) => {
      const found = store.tables.get(table)
      if (found === undefined) return []
      return found.rows.map((row) => {
        const cells: [string, Encoded][] = found.schema.columns.map(({ name }, index) => [
          name,
          row.values[index] ?? null,
        ])
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
          if (known !== undefined) return { ...known, replayed: true }
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
