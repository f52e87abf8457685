import {
  checkpointsBefore,
  type LaterLoad,
  onlyAdds,
  refuseRelied,
  revertibleLoads,
  type Undo,
} from '../destinations/load-undo.ts'
import { type Load, type LoadRecord, type RevertReceipt, STREAM_CHECKPOINT } from '../ports/destination.ts'
import { checkpointId, type MemoryPipeline, type MemoryStore } from './memory-store.ts'

/** What taking a load out again needs; `null` where it does more than add rows. Asked before its checkpoints move. */
export function undoOf(state: MemoryPipeline, load: Load): Undo | null {
  if (!onlyAdds(load)) return null
  return {
    checkpoints: load.checkpoints.map(({ slice }) => {
      const before = state.checkpoints.get(checkpointId(load.stream, slice, false))
      return {
        slice,
        before: before === undefined ? null : { position: before.position, highWater: before.highWater },
      }
    }),
    sides: (load.sides ?? []).map(({ table }) => table),
  }
}

/** The pipeline's loads, the last one first. */
export function readLoads(state: MemoryPipeline, stream?: string): LoadRecord[] {
  return [...state.records.values()]
    .map(({ record }) => record)
    .filter((record) => stream === undefined || record.stream === stream)
    .reverse()
}

/**
 * Takes a load out again.
 * @throws LoadRevertError where it can't be
 */
export function revertLoad(
  store: MemoryStore,
  state: MemoryPipeline,
  loadId: string,
  { at, withLater = false }: { readonly at: number; readonly withLater?: boolean },
): RevertReceipt {
  const { stream = '', table = '' } = state.records.get(loadId)?.record ?? {}
  const own = [...state.records.values()].filter(({ record }) => record.stream === stream)
  const fromIt = own.slice(own.findIndex(({ record }) => record.id === loadId)).reverse()
  const candidates = fromIt.map(({ record: { id, mode, revertedAt }, undo }) => ({
    id,
    mode,
    revertedAt,
    undo,
  }))
  const loads = revertibleLoads(loadId, candidates, withLater)
  const ids = new Set(loads.map(({ id }) => id))
  const tables = new Set([table, ...loads.flatMap(({ undo }) => undo.sides)])
  refuseRelied(loadId, tables, laterLoads(store, state, loadId, stream))

  const removed: Record<string, number> = {}
  for (const name of tables) {
    const present = store.tables.get(name)
    if (present === undefined) continue
    const rows = present.rows.filter((row) => !ids.has(row.loadId))
    removed[name] = present.rows.length - rows.length
    present.rows = rows
    present.indexedBy = ''
  }
  const checkpoints = restoreCheckpoints(state, stream, checkpointsBefore(loads), { loadId, updatedAt: at })
  for (const [id, { firstLoadId, lastLoadId }] of state.rejects)
    if (ids.has(firstLoadId) && ids.has(lastLoadId)) state.rejects.delete(id)
  for (const id of ids) {
    const known = state.records.get(id)!
    state.records.set(id, { ...known, record: { ...known.record, revertedAt: at } })
  }
  return { stream, loadIds: [...ids], removed, checkpoints }
}

function restoreCheckpoints(
  state: MemoryPipeline,
  stream: string,
  checkpoints: Undo['checkpoints'],
  by: { readonly loadId: string; readonly updatedAt: number },
): number {
  let count = 0
  for (const { slice, before } of checkpoints)
    for (const staged of [false, true]) {
      const id = checkpointId(stream, slice, staged)
      const present = state.checkpoints.get(id)
      if (present === undefined) continue
      count++
      const progress = before ?? { position: null, highWater: null }
      if (before === null && slice !== STREAM_CHECKPOINT) state.checkpoints.delete(id)
      else state.checkpoints.set(id, { ...present, ...progress, ...by, version: present.version + 1 })
    }
  return count
}

/** The loads of other streams that came after it, the last one first. */
function laterLoads(store: MemoryStore, state: MemoryPipeline, loadId: string, stream: string): LaterLoad[] {
  const numberOf = (id: string) => store.loadNumbers.get(id) ?? 0
  return [...store.pipelines]
    .flatMap(([pipeline, { records }]) =>
      [...records.values()].map(({ record, sides }) => ({
        ...record,
        pipeline,
        sides,
        isOwn: records === state.records,
      })),
    )
    .filter(
      (load) =>
        load.revertedAt === null &&
        !(load.isOwn && load.stream === stream) &&
        numberOf(load.id) > numberOf(loadId),
    )
    .sort((a, b) => numberOf(b.id) - numberOf(a.id))
}
