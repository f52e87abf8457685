import type { TemplateValues } from '../../template/request-template.ts'
import type { Partition, Partitioning } from './partition.ts'

/** Each partition of the first one, in each partition of the second: the first is outermost. */
export function product(outer: Partitioning, inner: Partitioning): Partitioning {
  return {
    levels: outer.levels + inner.levels,
    asks: [...outer.asks, ...inner.asks],
    async *partitions(signal) {
      for await (const first of outer.partitions(signal)) {
        for await (const second of inner.partitions(signal)) yield both(first, second)
      }
    },
  }
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
