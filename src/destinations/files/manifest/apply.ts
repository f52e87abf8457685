// What each entry of the log makes of the state: pure, so that every process that reads the log comes to the same one. Both a
// writer before it publishes and each reader afterwards go through here: what is refused here is never published (C1, C2, R6).
import { type Checkpoint, type CheckpointMove, STREAM_CHECKPOINT } from '../../../ports/destination.ts'
import type { TableSchema } from '../../../ports/schema.ts'
import { sameType } from '../../../records/column-type.ts'
import {
  CheckpointConflictError,
  DestinationSchemaError,
  EmptyReplaceError,
  LoadRevertError,
} from '../../errors.ts'
import type { Undo } from '../../load-undo.ts'
import { schemaChange } from '../../schema-change.ts'
import type { Entry, LoadChange, TablePart } from './entry.ts'
import { revert } from './revert.ts'
import {
  checkpointId,
  KEPT_LOADS,
  type PipelineState,
  type RetiredFile,
  rowsOf,
  schemaOf,
  type TableState,
} from './state.ts'

/**
 * The state after an entry.
 * @throws CheckpointConflictError (C2), EmptyReplaceError (R6), DestinationSchemaError: such an entry must not be published
 */
export function apply(state: PipelineState, entry: Entry): PipelineState {
  const { change, sequence, nonce, at } = entry
  const next = { ...state, sequence, nonce }
  switch (change.kind) {
    case 'begin':
      return { ...next, pipeline: change.pipeline }
    case 'load':
      return applyLoad(next, change, sequence, at)
    case 'move':
      return { ...next, checkpoints: moved(state, change, false) }
    case 'abandon':
      return { ...dropStaged(next, change.tables, at), checkpoints: abandoned(state, change.stream) }
    case 'reset':
      return { ...dropStaged(next, change.tables, at), checkpoints: forgotten(state, change.stream) }
    case 'revert':
      return revert(next, change).state
    case 'clean': {
      const cleaned = new Set(change.paths)
      return { ...next, retired: state.retired.filter(({ path }) => !cleaned.has(path)) }
    }
  }
}

/** Whether `apply` has refused an entry, which then was never published. */
export function isRefusal(error: unknown): boolean {
  return [CheckpointConflictError, EmptyReplaceError, DestinationSchemaError, LoadRevertError].some(
    (kind) => error instanceof kind,
  )
}

function applyLoad(state: PipelineState, load: LoadChange, sequence: number, at: number): PipelineState {
  const { record, replacement } = load
  const { begin = false, publish = false } = replacement ?? {}
  const checkpoints = moved(
    state,
    { id: record.id, at: record.at, stream: record.stream, checkpoints: load.checkpoints },
    replacement !== undefined,
    begin,
  )
  const tables = new Map(state.tables)
  const staged = new Map(state.staged)
  const retired = [...state.retired]
  const retire = (table: TableState | undefined) => {
    for (const { path } of table?.files ?? []) retired.push({ path, at })
  }
  for (const [index, part] of load.tables.entries()) {
    const place = replacement === undefined ? tables : staged
    if (begin) {
      retire(staged.get(part.table))
      staged.delete(part.table)
    }
    const table = withPart(place.get(part.table), part, record, sequence)
    if (!publish) {
      place.set(part.table, table)
      continue
    }
    const live = rowsOf(tables.get(part.table))
    if (index === 0 && !replacement!.allowEmpty && rowsOf(table) === 0 && live > 0)
      throw new EmptyReplaceError(record.stream, part.table, live)
    retire(tables.get(part.table))
    staged.delete(part.table)
    tables.set(part.table, table)
  }
  return {
    ...state,
    tables,
    staged,
    checkpoints: publish ? published(checkpoints, record.stream) : checkpoints,
    loads: withLoad(state, load),
    rejects:
      load.rejects === undefined ? state.rejects : [...state.rejects, { ...load.rejects, loadId: record.id }],
    retired,
  }
}

/** How many of the last loads can be taken out again: what that takes is as large as all checkpoints that they moved. */
const REVERTIBLE = 200

function withLoad(state: PipelineState, { record, checkpoints, tables, onlyAdds }: LoadChange) {
  const loads = new Map(state.loads)
  const undo: Undo | null = onlyAdds
    ? {
        checkpoints: checkpoints.map(({ slice }) => {
          const before = state.checkpoints.get(checkpointId(record.stream, slice, false))
          return {
            slice,
            before: before === undefined ? null : { position: before.position, highWater: before.highWater },
          }
        }),
        sides: tables.slice(1).map(({ table }) => table),
      }
    : null
  loads.set(record.id, { ...record, revertedAt: null, undo })
  let older = loads.size - REVERTIBLE
  for (const [id, load] of loads) {
    if (older + REVERTIBLE > KEPT_LOADS) loads.delete(id)
    else if (older === 1 && load.undo !== null) loads.set(id, { ...load, undo: 'dropped' })
    if (--older <= 0) break
  }
  return loads
}

/** A table with a load's part added. */
function withPart(
  present: TableState | undefined,
  part: TablePart,
  { id: loadId, stream, at }: LoadChange['record'],
  sequence: number,
): TableState {
  const before = schemaOf(present)
  schemaChange(part.table, before ?? null, part.schema)
  const known = present?.schemas ?? []
  const schemas = before !== undefined && sameSchema(before, part.schema) ? known : [...known, part.schema]
  const file =
    part.file === undefined
      ? []
      : [{ ...part.file, loadId, stream, at, sequence, schema: schemas.length - 1 }]
  return {
    schemas,
    files: [...(present?.files ?? []), ...file],
    ...(part.rule !== undefined && { rule: part.rule }),
  }
}

function sameSchema(a: TableSchema, b: TableSchema): boolean {
  return (
    a.columns.length === b.columns.length &&
    a.columns.every(({ name, type }, at) => {
      const other = b.columns[at]!
      return name === other.name && sameType(type, other.type)
    })
  )
}

/** @throws CheckpointConflictError (C2) */
function moved(
  state: PipelineState,
  { id, at, stream, checkpoints }: CheckpointMove,
  staged: boolean,
  begin = false,
): Map<string, Checkpoint> {
  for (const { slice, fromVersion } of checkpoints) {
    const found = sliceVersion(state, stream, slice)
    if (found !== fromVersion) throw new CheckpointConflictError(stream, slice, fromVersion, found)
  }
  const next = new Map(state.checkpoints)
  if (begin) drop(next, stream, true)
  for (const { slice, fromVersion, position, highWater } of checkpoints)
    next.set(checkpointId(stream, slice, staged), {
      stream,
      slice,
      position,
      highWater,
      version: fromVersion + 1,
      staged,
      loadId: id,
      updatedAt: at,
    })
  return next
}

/** How often a slice was committed: the greater of what its live and its staged checkpoint say. */
function sliceVersion({ checkpoints }: PipelineState, stream: string, slice: string): number {
  const version = (staged: boolean) => checkpoints.get(checkpointId(stream, slice, staged))?.version ?? 0
  return Math.max(version(false), version(true))
}

/** What was staged of a stream is live, and what was live is forgotten. */
function published(checkpoints: Map<string, Checkpoint>, stream: string): Map<string, Checkpoint> {
  drop(checkpoints, stream, false)
  for (const [id, checkpoint] of [...checkpoints]) {
    if (checkpoint.stream !== stream) continue
    checkpoints.delete(id)
    checkpoints.set(checkpointId(stream, checkpoint.slice, false), { ...checkpoint, staged: false })
  }
  return checkpoints
}

/** Whoever was staging meets the live checkpoints at another version (C2). */
function abandoned(state: PipelineState, stream: string): Map<string, Checkpoint> {
  const isOwnStaged = state.checkpoints.has(checkpointId(stream, STREAM_CHECKPOINT, true))
  const next = isOwnStaged ? outlasting(state, stream) : new Map(state.checkpoints)
  for (const [id, checkpoint] of state.checkpoints) {
    if (checkpoint.stream !== stream || checkpoint.staged || checkpoint.slice === STREAM_CHECKPOINT) continue
    const staged = state.checkpoints.get(checkpointId(stream, checkpoint.slice, true))
    if (staged !== undefined) next.set(id, { ...checkpoint, version: staged.version + 1 })
  }
  drop(next, stream, true)
  return next
}

/** The checkpoints without those of a stream's slices. */
function forgotten(state: PipelineState, stream: string): Map<string, Checkpoint> {
  const next = outlasting(state, stream)
  for (const [id, { slice, staged, ...checkpoint }] of next)
    if (checkpoint.stream === stream && (staged || slice !== STREAM_CHECKPOINT)) next.delete(id)
  return next
}

/** The checkpoints, the stream's own as a live one under a version that nobody has seen: it outlasts those of the slices (C2). */
function outlasting(state: PipelineState, stream: string): Map<string, Checkpoint> {
  const next = new Map(state.checkpoints)
  const live = checkpointId(stream, STREAM_CHECKPOINT, false)
  const last = next.get(checkpointId(stream, STREAM_CHECKPOINT, true)) ?? next.get(live)
  if (last !== undefined)
    next.set(live, { ...last, staged: false, version: sliceVersion(state, stream, STREAM_CHECKPOINT) + 1 })
  return next
}

function drop(checkpoints: Map<string, Checkpoint>, stream: string, staged: boolean): void {
  for (const [id, checkpoint] of checkpoints)
    if (checkpoint.stream === stream && checkpoint.staged === staged) checkpoints.delete(id)
}

function dropStaged(state: PipelineState, names: readonly string[], at: number): PipelineState {
  const staged = new Map(state.staged)
  const retired: RetiredFile[] = [...state.retired]
  for (const name of names) {
    for (const { path } of staged.get(name)?.files ?? []) retired.push({ path, at })
    staged.delete(name)
  }
  return { ...state, staged, retired }
}
