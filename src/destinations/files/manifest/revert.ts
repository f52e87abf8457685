import { type RevertReceipt, STREAM_CHECKPOINT } from '../../../ports/destination.ts'
import { LoadRevertError } from '../../errors.ts'
import { checkpointsBefore, type RevertCandidate, revertibleLoads } from '../../load-undo.ts'
import { checkpointId, KEPT_LOADS, type KeptLoad, type PipelineState, type RetiredFile } from './state.ts'

/**
 * The state without a load, and what that did.
 * @throws LoadRevertError
 */
export function revert(
  state: PipelineState,
  { loadId, at, withLater }: { readonly loadId: string; readonly at: number; readonly withLater: boolean },
): { readonly state: PipelineState; readonly receipt: RevertReceipt } {
  if (!state.loads.has(loadId) && state.loads.size >= KEPT_LOADS)
    throw new LoadRevertError(
      loadId,
      `it is not among the last ${KEPT_LOADS} loads of this pipeline, and files keep no more of them. \`sluice loads\` lists those`,
    )
  const fromIt = loadsFrom(state, loadId)
  const loads = revertibleLoads(loadId, fromIt.map(candidate(loadId)), withLater)
  const { stream, table } = fromIt.at(-1)!
  const ids = new Set(loads.map(({ id }) => id))
  const retired: RetiredFile[] = [...state.retired]
  const tables = new Map(state.tables)
  const removed: Record<string, number> = {}
  for (const name of new Set([table, ...loads.flatMap(({ undo }) => undo.sides)])) {
    const present = tables.get(name)
    if (present === undefined) continue
    const gone = present.files.filter((file) => ids.has(file.loadId))
    removed[name] = gone.reduce((rows, file) => rows + file.rows, 0)
    retired.push(...gone.map(({ path }) => ({ path, at })))
    tables.set(name, { ...present, files: present.files.filter((file) => !ids.has(file.loadId)) })
  }
  const rejects = state.rejects.filter((file) => ids.has(file.loadId))
  retired.push(...rejects.map(({ path }) => ({ path, at })))
  const checkpoints = new Map(state.checkpoints)
  const before = checkpointsBefore(loads)
  for (const { slice, before: progress } of before) {
    const id = checkpointId(stream, slice, false)
    const present = checkpoints.get(id)
    if (present === undefined) continue
    // The stream's own outlasts the others: whoever goes on from a version that begins anew must not find it again (C2).
    if (progress === null && slice !== STREAM_CHECKPOINT) checkpoints.delete(id)
    else
      checkpoints.set(id, {
        ...present,
        ...(progress ?? { position: null, highWater: null }),
        version: present.version + 1,
        loadId,
        updatedAt: at,
      })
  }
  const kept = new Map(state.loads)
  for (const id of ids) kept.set(id, { ...kept.get(id)!, revertedAt: at })
  return {
    state: {
      ...state,
      tables,
      checkpoints,
      retired,
      loads: kept,
      rejects: state.rejects.filter((file) => !ids.has(file.loadId)),
    },
    receipt: { stream, loadIds: [...ids], removed, checkpoints: before.length },
  }
}

/** The load, and those of its stream that came after it, the last one first. */
function loadsFrom({ loads }: PipelineState, loadId: string): KeptLoad[] {
  const stream = loads.get(loadId)?.stream
  const own = [...loads.values()].filter((load) => load.stream === stream)
  return own.slice(own.findIndex(({ id }) => id === loadId)).reverse()
}

/** @throws LoadRevertError where what it takes is not kept any more */
function candidate(asked: string) {
  return ({ id, mode, revertedAt, undo }: KeptLoad): RevertCandidate => {
    if (undo === 'dropped')
      throw new LoadRevertError(
        asked,
        'too many loads came after it, and what taking it out needs is kept for the last ones alone. A full refresh of the stream loads its table anew',
      )
    return { id, mode, revertedAt, undo }
  }
}
