import { ConfigError } from '../../errors.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { Progress, Slice } from '../../ports/source.ts'
import { encodeJson } from '../../records/encode-json.ts'
import {
  byLastRead,
  isRepeated,
  isUnbounded,
  onlySlice,
  type Progression,
  type RepeatedSlice,
  type SliceReading,
  type StreamProgression,
} from '../progression.ts'
import type { Partition, Partitioning } from './partition.ts'
import { PartitionBuffer } from './partition-buffer.ts'
import { Pass } from './pass.ts'
import { mergedValues } from './product.ts'
import type { SharedRecordWatch } from './shared-records.ts'
import { joinKey, splitKey } from './slice-key.ts'

export interface PartitionedOptions {
  /** For messages: `desk.issues`. */
  readonly stream: string
  readonly partitioning: Partitioning
  /** Reads each partition, of which it sees nothing but what is committed of that one. */
  readonly inner: Progression
  /** Whether the inner progression reads its list anew in each run, so that a run that goes on must know what the one before has done. */
  readonly isWhole: boolean
  /** Begins to look for records that several partitions have. Default: they are not looked for. */
  readonly watchShared?: () => SharedRecordWatch
}

/** Reads each partition of a stream on its own: each has its own checkpoints, and so its own position and high-water mark. */
export function partitioned(options: PartitionedOptions): StreamProgression {
  const { stream, partitioning, inner, isWhole } = options
  const { levels } = partitioning

  async function* slices(
    committed: ReadonlyMap<string, Progress>,
    scope: Parameters<Progression['slices']>[1],
    signal: AbortSignal,
  ): AsyncIterable<Slice> {
    // What some partition reads again comes after what another one has never read, as far as there is room to let it wait.
    const waiting: (PartitionSlice & RepeatedSlice)[] = []
    const room = new PartitionBuffer()
    const pass = isWhole ? new Pass(committed) : undefined
    const watch = options.watchShared?.()
    const committedIn = byPartition(committed, levels)
    for await (const partition of partitioning.partitions(signal)) {
      for (const slice of inner.slices(committedIn(partition.key), scope)) {
        if (pass?.isDone(slice.progress)) continue
        const outer: PartitionSlice = {
          key: joinKey(partition.key, slice.key),
          progress: slice.progress,
          partition,
          inner: slice,
          pass,
          watch,
        }
        if (isRepeated(slice) && !room.isFull) {
          room.add(partition)
          waiting.push({ ...outer, lastRead: slice.lastRead })
        } else yield outer
      }
    }
    yield* waiting.sort(byLastRead)
    if (pass !== undefined) yield pass.closing()
  }

  return {
    slices(committed, scope, signal) {
      // Bounds that can't be asked for are refused before the first parent is.
      if (!isUnbounded(scope)) inner.slices(new Map(), scope)
      return slices(committed, scope, signal)
    },
    begin(slice) {
      const own = slice as PartitionSlice
      return inPartition(stream, own, inner.begin({ ...own.inner, progress: slice.progress }))
    },
    passOf: (slice) => (slice as PartitionSlice).pass,
  }
}

interface PartitionSlice extends Slice {
  readonly partition: Partition
  readonly inner: Slice
  readonly pass: Pass | undefined
  readonly watch: SharedRecordWatch | undefined
}

/** What is committed of one partition, by the inner progression's own keys. */
function byPartition(
  committed: ReadonlyMap<string, Progress>,
  levels: number,
): (partition: string) => ReadonlyMap<string, Progress> {
  // The one slice of a partition has its key: it is looked up when its turn comes, and only what has several is grouped.
  const groups = new Map<string, Map<string, Progress>>()
  for (const [key, progress] of committed) {
    const split = splitKey(key, levels)
    if (split === undefined || split.inner === onlySlice) continue
    const group = groups.get(split.partition)
    if (group === undefined) groups.set(split.partition, new Map([[split.inner, progress]]))
    else group.set(split.inner, progress)
  }
  return (partition) => {
    const only = committed.get(partition)
    const group = groups.get(partition)
    if (only === undefined) return group ?? none
    return new Map([...(group ?? none), [onlySlice, only]])
  }
}

const none: ReadonlyMap<string, Progress> = new Map()

function inPartition(stream: string, slice: PartitionSlice, reading: SliceReading): SliceReading {
  const { partition, pass, watch } = slice
  const { carried } = partition
  const { after, inspect } = reading
  const within = (other: SliceReading) => inPartition(stream, slice, other)
  return {
    ...reading,
    values: mergedValues(partition.values, reading.values),
    take(records) {
      const taken = reading.take(records)
      if (carried.length > 0) {
        for (const record of taken) give(stream, record, partition)
        watch?.(taken, carried)
      }
      return taken
    },
    progress(page) {
      const progress = reading.progress(page)
      return progress === undefined || pass === undefined ? progress : pass.mark(progress, slice.progress)
    },
    ...(inspect && { inspect: (page) => mapped(inspect(page), within) }),
    ...(after && { after: () => mapped(after(), within) }),
  }
}

function mapped(reading: SliceReading | undefined, within: (reading: SliceReading) => SliceReading) {
  return reading && within(reading)
}

/** Puts the carried fields on a record. The record was decoded for this slice alone, so that it is changed in place. */
function give(stream: string, record: JsonRecord, { carried, key }: Partition): void {
  for (const { field, value, from } of carried) {
    if (Object.hasOwn(record, field) && !isSame(record[field]!, value)) {
      throw new ConfigError(
        stream,
        `\`slices.fields\` would overwrite ${field} of a record in the slice ${key}, which has a value of its own there: call what comes from ${from} otherwise, as in \`fields: { ${field}_of_slice: … }\``,
      )
    }
    record[field] = value
  }
}

function isSame(a: Value, b: Value): boolean {
  return a === b || encodeJson({ value: a }) === encodeJson({ value: b })
}
