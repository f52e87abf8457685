import { ConfigError } from '../errors.ts'
import { type Checkpoint, STREAM_CHECKPOINT } from '../ports/destination.ts'
import type { Progress, ReadScope, Stream } from '../ports/source.ts'

/** The checkpoints that say how far something was read. */
export function ofSlices(checkpoints: readonly Checkpoint[]): readonly Checkpoint[] {
  return checkpoints.filter(({ slice }) => slice !== STREAM_CHECKPOINT)
}

/** Where a stream's run starts. */
export interface StartingPoint {
  /** The committed version of each slice and of the stream (C2), whether or not reading starts from it. */
  readonly versions: ReadonlyMap<string, number>
  /** What reading starts from. Empty: at the beginning. */
  readonly committed: ReadonlyMap<string, Progress>
  /** `new`: rows go into a new table that is swapped in at the end (R6); `continued`: into one that an earlier run began. */
  readonly replacement: 'none' | 'new' | 'continued'
  /** A part of the stream is read again, and the checkpoints are left alone. */
  readonly backfill: boolean
}

/** @throws ConfigError where the stream can't be read again in part */
export function startingPoint(
  stream: Stream,
  checkpoints: readonly Checkpoint[],
  options: { readonly scope: ReadScope; readonly fullRefresh: boolean },
): StartingPoint {
  refuseImpossibleWrites(stream)
  const versions = versionsOf(checkpoints)
  const backfill = options.scope.since !== undefined || options.scope.until !== undefined
  if (backfill) {
    refuseImpossibleBackfill(stream)
    return { versions, committed: new Map(), replacement: 'none', backfill }
  }
  const staged = checkpoints.filter((checkpoint) => checkpoint.staged)
  if (staged.length > 0) return { versions, committed: bySlice(staged), replacement: 'continued', backfill }
  // What was deleted stays so, and no version is forgotten: all is read anew, into the table that there is.
  if ((stream.write === 'delete' || stream.write === 'history') && options.fullRefresh) {
    return { versions, committed: new Map(), replacement: 'none', backfill }
  }
  if (options.fullRefresh || stream.write === 'replace' || stream.write === 'reconcile') {
    return { versions, committed: new Map(), replacement: 'new', backfill }
  }
  return { versions, committed: bySlice(checkpoints), replacement: 'none', backfill }
}

function refuseImpossibleWrites({ name, key, write, tombstones, sides = [] }: Stream): void {
  if ((write === 'delete' || write === 'reconcile') && key.length === 0) {
    throw new ConfigError(name, `\`write: ${write}\` removes rows by their key: give the stream a \`key\``)
  }
  if (write === 'history' && key.length === 0) {
    throw new ConfigError(
      name,
      '`write: history` tells versions of a record by its key: give the stream a `key`',
    )
  }
  if (write === 'history' && sides.length > 0) {
    throw new ConfigError(
      name,
      "`write: history` keeps the versions of the stream's own records: leave out its side tables",
    )
  }
  if (tombstones && (key.length === 0 || write === 'append')) {
    throw new ConfigError(
      name,
      'its records may say that a row is gone, and that takes a `key` to find it by and `write: merge`, `history` or `replace`',
    )
  }
}

function refuseImpossibleBackfill(stream: Stream): void {
  if (stream.write === 'reconcile') {
    throw new ConfigError(
      stream.name,
      'a part of the keys is not all that there are, and the rows of the others would be removed: leave out --since and --until, or this stream',
    )
  }
  if (stream.write === 'replace') {
    throw new ConfigError(
      stream.name,
      'a backfill can add to a table, not replace it: leave out --since and --until, or choose `write: merge`',
    )
  }
  if (stream.write === 'append' && stream.key.length === 0) {
    throw new ConfigError(
      stream.name,
      'a backfill would add records twice, since nothing tells them apart: give the stream a `key`',
    )
  }
  const [keyless] = (stream.sides ?? []).filter(({ write, key }) => write === 'append' && key.length === 0)
  if (keyless !== undefined) {
    throw new ConfigError(
      stream.name,
      `a backfill would add rows to ${keyless.table} twice, since nothing tells them apart: give that table a key`,
    )
  }
}

/** A slice that has a live and a staged checkpoint is at the greater of their versions. */
function versionsOf(checkpoints: readonly Checkpoint[]): ReadonlyMap<string, number> {
  const versions = new Map<string, number>()
  for (const { slice, version } of checkpoints)
    versions.set(slice, Math.max(version, versions.get(slice) ?? 0))
  return versions
}

function bySlice(checkpoints: readonly Checkpoint[]): ReadonlyMap<string, Progress> {
  return new Map(
    ofSlices(checkpoints).map(({ slice, position, highWater }) => [slice, { position, highWater }]),
  )
}
