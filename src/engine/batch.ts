import type { JsonRecord } from '../ports/json.ts'
import type { Progress, SourcePage } from '../ports/source.ts'

/** When a batch is full. Whatever comes first counts. */
export interface BatchLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  /** Age of the batch's first page. */
  readonly maxAgeMs: number
}

/** Records of one stream on their way into one commit, and the progress of each slice that they belong to (C6). */
export class Batch {
  readonly records: JsonRecord[] = []
  /** For each slice, the progress of its last page that had one. */
  readonly progress = new Map<string, Progress>()
  bytes = 0
  readonly #limits: BatchLimits
  readonly #startedAt: number

  constructor(limits: BatchLimits, now: number) {
    this.#limits = limits
    this.#startedAt = now
  }

  add(slice: string, page: SourcePage): void {
    for (const record of page.records) this.records.push(record)
    this.bytes += page.bytes
    if (page.progress !== undefined) this.progress.set(slice, page.progress)
  }

  isFull(now: number): boolean {
    return (
      this.records.length >= this.#limits.maxRecords ||
      this.bytes >= this.#limits.maxBytes ||
      now - this.#startedAt >= this.#limits.maxAgeMs
    )
  }

  get isEmpty(): boolean {
    return this.records.length === 0 && this.progress.size === 0
  }
}
