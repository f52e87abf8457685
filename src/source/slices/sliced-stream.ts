// How a stream's slicings are put together: the partitions outside, and inside each of them what reads one list.
import type { Progression, StreamProgression } from '../progression.ts'
import type { StreamSettings } from '../rest-options.ts'
import { isReadWhole } from '../whole-reading.ts'
import { listPartitions } from './list-partitions.ts'
import { type ParentStream, parentNames, parentPartitions } from './parent-partitions.ts'
import type { Partitioning } from './partition.ts'
import { partitioned } from './partitioned.ts'
import { product } from './product.ts'
import { sharedRecordWatch } from './shared-records.ts'
import type { Slicing } from './slices-options.ts'

/** The partitions of a stream; `undefined` where it has none. */
export function partitioningOf(
  stream: string,
  slices: readonly Slicing[] | undefined,
  /** Of the stream's request, as in `parent.id`. */
  placeholders: readonly string[],
  parents: (name: string) => ParentStream = () => {
    throw new Error('this stream was built without the others of its source')
  },
): Partitioning | undefined {
  const factors: Partitioning[] = []
  for (const slicing of slices ?? []) {
    if (slicing.by === 'list') factors.push(listPartitions(slicing))
    if (slicing.by !== 'parent') continue
    // The streams of a source are built one by one; a child may stand before its parent.
    const streams = () => parentNames(slicing).map(parents)
    factors.push(parentPartitions(stream, slicing, streams, fieldsOf(slicing.as, placeholders)))
  }
  return factors.length === 0 ? undefined : factors.reduce((outer, inner) => product(outer, inner))
}

/** Puts a progression into each partition of a stream, where it has any. */
export function slicedStream(
  stream: string,
  partitioning: Partitioning | undefined,
  inner: Progression,
  settings: Pick<StreamSettings, 'incremental' | 'slices' | 'key' | 'write'>,
  /** Told of what may not be meant. Default: nobody is. */
  warn?: (message: string) => void,
): StreamProgression {
  if (partitioning === undefined) return inner
  const isWhole = isReadWhole(settings)
  const watchShared = warn && sharedRecordWatch(settings, warn)
  return partitioned({ stream, partitioning, inner, isWhole, ...(watchShared && { watchShared }) })
}

/** In words, where the slices are not known without asking the API; `undefined` where they are. */
export function describeSlicing(source: string, slices: readonly Slicing[] | undefined): string | undefined {
  if (slices === undefined || slices.every(({ by }) => by !== 'parent')) return undefined
  const factors = slices.map((slicing) => {
    if (slicing.by === 'time') return 'each window of time'
    if (slicing.by === 'list') {
      const { length } = slicing.values
      return length === 1 ? 'the one value of a list' : `each of ${length} values`
    }
    const names = parentNames(slicing).map((name) => `${source}.${name}`)
    return `each record of ${names.join(' and ')}${slicing.where === undefined ? '' : ` where ${slicing.where}`}`
  })
  return `one slice for ${factors.join(', and ')}`
}

/** The fields that placeholders read of a value: `id` of `parent.id`. */
function fieldsOf(name: string, placeholders: readonly string[]): readonly string[] {
  return placeholders.filter((each) => each.startsWith(`${name}.`)).map((each) => each.slice(name.length + 1))
}
