import type { RowBuffer } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import type { Progress, SourcePage } from '../ports/source.ts'
import type { KeyReject } from '../records/record-key.ts'
import type { CheckedPage } from './intake.ts'

/** When a batch is full. Whatever comes first counts. */
export interface BatchLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  /** Age of the batch's first page. */
  readonly maxAgeMs: number
}

/** Records of one stream on their way into one commit, and the progress of each slice that they belong to (C6). */
export class Batch {
  readonly rows: RowBuffer
  readonly rejects: KeyReject[] = []
  /** For each slice, the progress of its last page that had one. */
  readonly progress = new Map<string, Progress>()
  /** What the records ask of the table, in words. */
  readonly changes: string[] = []
  /** The table with all of the batch's records; undefined before the first page. */
  schema: TableSchema | undefined
  bytes = 0
  readonly #limits: BatchLimits
  /** When the first page came; none has yet where it is undefined. */
  #startedAt: number | undefined

  constructor(limits: BatchLimits, rows: RowBuffer) {
    this.#limits = limits
    this.rows = rows
  }

  add(slice: string, page: SourcePage, checked: CheckedPage, now: number): void {
    this.#startedAt ??= now
    // The columns of a batch are those of its first records: a page without any says nothing of them.
    if (checked.records.length > 0) this.rows.append(checked.records, checked.schema)
    this.rejects.push(...checked.rejects)
    this.changes.push(...checked.changes)
    this.schema = checked.schema
    this.bytes += page.bytes
    if (page.progress !== undefined) this.progress.set(slice, page.progress)
  }

  /** How many records it holds, those that were rejected among them. */
  get length(): number {
    return this.rows.length + this.rejects.length
  }

  isFull(now: number): boolean {
    return (
      this.length >= this.#limits.maxRecords ||
      this.bytes >= this.#limits.maxBytes ||
      now - (this.#startedAt ?? now) >= this.#limits.maxAgeMs
    )
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.progress.size === 0
  }
}

/** For destinations that take records as they are. */
export class RecordRows implements RowBuffer {
  readonly records: JsonRecord[] = []

  get length(): number {
    return this.records.length
  }

  append(records: readonly JsonRecord[]): void {
    for (const record of records) this.records.push(record)
  }
}
