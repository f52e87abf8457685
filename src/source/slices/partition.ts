// A partition of a stream: the same list of the API for another country, account or parent. Whatever reads one list reads each of
// them on its own (partitioned.ts). There is one kind a file: list-partitions.ts, parent-partitions.ts; product.ts nests them.
import type { Value } from '../../ports/json.ts'
import type { TemplateValues } from '../../template/request-template.ts'

export interface Partition {
  /** Stable across runs, readable, and unlike that of any other partition: `country=de`, or `country=de/id=42` in a product. */
  readonly key: string
  /** What placeholders of the request stand for. */
  readonly values: TemplateValues
  /** Fields that each record of the partition is given. */
  readonly carried: readonly CarriedField[]
}

export interface CarriedField {
  readonly field: string
  readonly value: Value
  /** For messages: `desk.projects`, or `the list of slices`. */
  readonly from: string
}

/** A way to part a stream. */
export interface Partitioning {
  /** How many parts a key has: of a product the sum of its factors. */
  readonly levels: number
  /** The streams of the source that are asked for the partitions; none where they are known without it. */
  readonly asks: readonly string[]
  /** The partitions, as they become known: none is kept longer than its reading takes. */
  partitions(signal: AbortSignal): Iterable<Partition> | AsyncIterable<Partition>
}
