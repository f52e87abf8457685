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
  /** When the first page came; none has yet where it is undefined. */
  #startedAt: number | undefined

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  add(slice: string, page: SourcePage, now: number): void {
    this.#startedAt ??= now
    for (const record of page.records) this.records.push(record)
    this.bytes += page.bytes
    if (page.progress !== undefined) this.progress.set(slice, page.progress)
  }

  isFull(now: number): boolean {
    return (
      this.records.length >= this.#limits.maxRecords ||
      this.bytes >= this.#limits.maxBytes ||
      now - (this.#startedAt ?? now) >= this.#limits.maxAgeMs
    )
  }

  get isEmpty(): boolean {
    return this.records.length === 0 && this.progress.size === 0
  }
}
