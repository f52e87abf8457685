import type { Value } from '../../ports/json.ts'
import type { CarriedField, Partition, Partitioning } from './partition.ts'
import { keyPart } from './slice-key.ts'
import type { ListSlicesOptions } from './slices-options.ts'

/** One partition for each value of a list. */
export function listPartitions(options: ListSlicesOptions): Partitioning {
  const partitions = options.values.map((value): Partition => {
    const fields = valueFields(options, value)
    return {
      // In the order of the names, so that a value keeps its key when its fields are written in another order.
      key: keyPart(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      values: { slice: fields },
      carried: carriedFields(options.fields, fields),
    }
  })
  return { levels: 1, asks: [], partitions: () => partitions }
}

/** A value of the list as placeholders see it. */
export function valueFields(
  { name = 'value' }: ListSlicesOptions,
  value: ListSlicesOptions['values'][number],
): Record<string, Value> {
  return typeof value === 'object' ? value : { [name]: value }
}

function carriedFields(fields: ListSlicesOptions['fields'], values: Record<string, Value>): CarriedField[] {
  const named = Array.isArray(fields)
    ? fields.map((name) => [name, name] as const)
    : Object.entries(fields ?? {})
  return named.map(([field, name]) => ({ field, value: values[name] ?? null, from: 'the list of slices' }))
}
