import { encodeJson } from '../../records/encode-json.ts'
import type { Partition } from './partition.ts'

/** In characters of JSON: some hundred thousand parents with a few fields each, or a few thousand with many. */
const defaultCapacity = 16 * 2 ** 20

/** What a partition takes beside its values, in characters. */
const overhead = 100

/**
 * Partitions that are kept for later, so that their list is not asked for again. Whoever fills it stops when it is full, so that memory is
 * bounded however many there are and however long their records: it holds one partition more than its capacity at most.
 */
export class PartitionBuffer {
  readonly items: Partition[] = []
  readonly #capacity: number
  #size = 0

  /** `capacity`: in characters of JSON. */
  constructor(capacity: number = defaultCapacity) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity
  }

  add(partition: Partition): void {
    this.items.push(partition)
    this.#size += partition.key.length + encodeJson(partition.values).length + overhead
  }
}
