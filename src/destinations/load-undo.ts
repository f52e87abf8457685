import type { Load, LoadReceipt, LoadRecord } from '../ports/destination.ts'
import type { Json } from '../ports/json.ts'
import { LoadRevertError } from './errors.ts'

/** What a slice's checkpoint said before a load; `before` is `null` for one that the load began. */
export interface UndoCheckpoint {
  readonly slice: string
  readonly before: { readonly position: Json; readonly highWater: Json } | null
}

/** What is kept with a load, so that it can be taken out again. */
export interface Undo {
  readonly checkpoints: readonly UndoCheckpoint[]
  /** The tables beside the stream's own that it added rows to. */
  readonly sides: readonly string[]
}

/** Whether a load only adds rows to live tables: nothing that was there is lost with it. */
export function onlyAdds({ mode, replacement, sides = [] }: Load): boolean {
  return mode === 'append' && replacement === undefined && sides.every(({ write }) => write !== 'merge')
}

/** A load that was committed before, as it is found when it is committed again. */
export interface CommittedLoad {
  readonly receipt: LoadReceipt
  /** Milliseconds since 1970; `null` where it was not reverted. */
  readonly revertedAt: number | null
}

/**
 * What a load did that was committed before (C3).
 * @throws LoadRevertError where it was taken out again: to say that it is there would be wrong, and to load it anew what nobody asked for
 */
export function replayedReceipt({ receipt, revertedAt }: CommittedLoad): LoadReceipt {
  if (revertedAt === null) return receipt
  throw new LoadRevertError(
    receipt.loadId,
    `it was taken out again at ${new Date(revertedAt).toISOString()}. Run again: the run starts from the checkpoint, and loads anew what is missing`,
    'commit',
  )
}

/** A load as `revertibleLoads` looks at it. */
export type RevertCandidate = Pick<LoadRecord, 'id' | 'mode' | 'revertedAt'> & { readonly undo: Undo | null }

/**
 * The loads to take out, the last one first.
 * @param fromIt the load and those of its stream that came after it, the last one first; empty where there is no such load
 * @throws LoadRevertError
 */
export function revertibleLoads(
  loadId: string,
  fromIt: readonly RevertCandidate[],
  withLater: boolean,
): readonly (RevertCandidate & { readonly undo: Undo })[] {
  const asked = fromIt.at(-1)
  if (asked === undefined)
    throw new LoadRevertError(
      loadId,
      'there is no load of that name in this pipeline. `sluice loads` lists them',
    )
  if (asked.revertedAt !== null)
    throw new LoadRevertError(loadId, `it was reverted at ${new Date(asked.revertedAt).toISOString()}`)
  const present = fromIt.filter(({ revertedAt }) => revertedAt === null)
  const [last] = present
  if (!withLater && last!.id !== loadId) {
    const later = present.length - 1
    throw new LoadRevertError(
      loadId,
      `${later === 1 ? 'a later load' : `${later} later loads`} of its stream went on from it, the last one ${last!.id}. ` +
        'Revert the last one first, or all of them with `--with-later`',
    )
  }
  return present.map((load) => ({ ...load, undo: undoOf(load, loadId) }))
}

/** A load of another stream, or of another pipeline, that came after the one to take out. */
export interface LaterLoad {
  readonly id: string
  readonly pipeline: string
  readonly stream: string
  readonly table: string
  readonly unchanged: number
  readonly sides: Readonly<Record<string, { readonly unchanged: number }>>
}

/**
 * Refuses to take rows out that another stream may rely on: a record whose row was there when it came was not stored again.
 * @param tables those that the load added rows to
 * @param later those of other streams that came after it and were not taken out, the last one first
 * @throws LoadRevertError
 */
export function refuseRelied(loadId: string, tables: ReadonlySet<string>, later: readonly LaterLoad[]): void {
  for (const { id, pipeline, stream, table, unchanged, sides } of later) {
    const counted = [
      [table, unchanged] as const,
      ...Object.entries(sides).map(([name, side]) => [name, side.unchanged] as const),
    ]
    const shared = counted.find(([name, known]) => known > 0 && tables.has(name))
    if (shared === undefined) continue
    throw new LoadRevertError(
      loadId,
      `${stream} of pipeline ${pipeline} has loaded ${shared[0]} since, and found ${shared[1]} of its records there already (load ${id}): ` +
        'they may be rows of the one to revert, and would be lost for it. Revert that load first if it only added rows, ' +
        `or delete the rows by hand, WHERE _sluice_load_id = '${loadId}', and reset both streams`,
    )
  }
}

/** @throws LoadRevertError where the load did more than add rows */
function undoOf({ id, mode, undo }: RevertCandidate, asked: string): Undo {
  if (undo !== null) return undo
  const subject = id === asked ? 'it' : `the later load ${id}`
  const problem =
    mode === null
      ? `${subject} was committed before Sluice kept what taking it out needs`
      : mode === 'append'
        ? `${subject} wrote a whole new table, or merged rows into a table beside it`
        : `${subject} did not only add rows (its mode is ${mode}), and what it replaced is not kept`
  throw new LoadRevertError(asked, `${problem}. A full refresh of the stream loads its table anew`)
}

/** Each slice's checkpoint as it was before all of the loads, given the last one first. */
export function checkpointsBefore(loads: readonly { readonly undo: Undo }[]): readonly UndoCheckpoint[] {
  const bySlice = new Map<string, UndoCheckpoint>()
  for (const { undo } of loads)
    for (const checkpoint of undo.checkpoints) bySlice.set(checkpoint.slice, checkpoint)
  return [...bySlice.values()]
}
