import type { TemplateValues } from '../../template/request-template.ts'
import type { Partition, Partitioning } from './partition.ts'
import { PartitionBuffer } from './partition-buffer.ts'

/** Each partition of the first one, in each partition of the second: the first is outermost. `capacity`: of what is kept of either. */
export function product(outer: Partitioning, inner: Partitioning, capacity?: number): Partitioning {
  return {
    levels: outer.levels + inner.levels,
    asks: [...outer.asks, ...inner.asks],
    partitions: (signal) => crossed(each(outer, signal), inner, signal, capacity),
  }
}

/**
 * Lists both once, as long as one of them can be kept. The inner one is kept while it comes, and gone through again for each further
 * partition of the outer one. Where it is too long for that, a block of the outer one is kept beside what is kept already, and what
 * follows of the inner one is crossed with all of the block (a block nested loop join): it is listed again for the next block only.
 * Either is asked for no further than it is needed.
 */
async function* crossed(
  outers: AsyncGenerator<Partition, void>,
  inner: Partitioning,
  signal: AbortSignal,
  capacity: number | undefined,
): AsyncGenerator<Partition, void> {
  let all: readonly Partition[] | undefined
  for await (const first of outers) {
    if (all !== undefined) {
      for (const second of all) yield both(first, second)
      continue
    }
    const begun = new PartitionBuffer(capacity)
    let block: PartitionBuffer | undefined
    for await (const second of inner.partitions(signal)) {
      if (block === undefined && !begun.isFull) {
        begun.add(second)
        yield both(first, second)
        continue
      }
      if (block === undefined) {
        block = new PartitionBuffer(capacity)
        block.add(first)
        while (!block.isFull) {
          const next = await outers.next()
          if (next.done === true) break
          block.add(next.value)
          for (const earlier of begun.items) yield both(next.value, earlier)
        }
      }
      for (const one of block.items) yield both(one, second)
    }
    if (block === undefined) all = begun.items
  }
}

async function* each(partitioning: Partitioning, signal: AbortSignal): AsyncGenerator<Partition, void> {
  yield* partitioning.partitions(signal)
}

function both(first: Partition, second: Partition): Partition {
  return {
    key: `${first.key}/${second.key}`,
    values: mergedValues(first.values, second.values),
    carried: [...first.carried, ...second.carried],
  }
}

/** Values by first word; `{slice.…}` holds what several slicings name. */
export function mergedValues(first: TemplateValues, second: TemplateValues = {}): TemplateValues {
  const slice = { ...(first['slice'] as object), ...(second['slice'] as object) }
  return { ...first, ...second, ...(Object.keys(slice).length > 0 && { slice }) }
}
