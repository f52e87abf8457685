import type { Reject, RowBuffer } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import type { Progress, SourcePage } from '../ports/source.ts'
import type { KeyReject } from '../records/record-key.ts'
import type { CheckedPage } from './intake.ts'
import type { CheckedSide } from './side-intake.ts'

/** When a batch is full. Whatever comes first counts. */
export interface BatchLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  /** Age of the batch's first page. */
  readonly maxAgeMs: number
}

/** A side table's part of a batch. */
export interface SideBatch {
  /** Undefined before the first row. */
  rows: RowBuffer | undefined
  /** With `owned`: for each row, the number of its record among the batch's. */
  readonly owners: number[]
  readonly rejects: Reject[]
  schema: TableSchema
}

/** Records of one stream on their way into one commit, and the progress of each slice that they belong to (C6). */
export class Batch {
  readonly rows: RowBuffer
  /** Records without a usable key. */
  readonly rejects: KeyReject[] = []
  /** What the source could not make a record of, or left out. */
  readonly pageRejects: Reject[] = []
  /** Numbers of the records that remove the row of their key. */
  readonly tombstones = new Set<number>()
  readonly sides = new Map<string, SideBatch>()
  /** For each slice, the progress of its last page that had one. */
  readonly progress = new Map<string, Progress>()
  /** What the records ask of the table, in words. */
  readonly changes: string[] = []
  /** The table with all of the batch's records; undefined before the first page. */
  schema: TableSchema | undefined
  bytes = 0
  readonly #limits: BatchLimits
  readonly #newRows: () => RowBuffer
  /** Rows and rejects of the side tables. */
  #beside = 0
  /** When the first page came; none has yet where it is undefined. */
  #startedAt: number | undefined

  /** @param newRows makes room for the rows of one table */
  constructor(limits: BatchLimits, newRows: () => RowBuffer) {
    this.#limits = limits
    this.#newRows = newRows
    this.rows = newRows()
  }

  add(slice: string, page: SourcePage, checked: CheckedPage, now: number): void {
    this.#startedAt ??= now
    const first = this.rows.length
    for (const at of checked.tombstones ?? []) this.tombstones.add(first + at)
    for (const [table, side] of checked.sides ?? []) this.#addSide(table, side, first)
    // The columns of a batch are those of its first records: a page without any says nothing of them.
    if (checked.records.length > 0) this.rows.append(checked.records, checked.schema)
    this.rejects.push(...checked.rejects)
    this.pageRejects.push(...(checked.pageRejects ?? []))
    this.changes.push(...checked.changes)
    this.schema = checked.schema
    this.bytes += page.bytes
    if (page.progress !== undefined) this.progress.set(slice, page.progress)
  }

  #addSide(table: string, { records, rejects, owners = [], schema }: CheckedSide, first: number): void {
    let side = this.sides.get(table)
    if (side === undefined) {
      side = { rows: undefined, owners: [], rejects: [], schema }
      this.sides.set(table, side)
    }
    side.schema = schema
    if (records.length > 0) {
      side.rows ??= this.#newRows()
      side.rows.append(records, schema)
    }
    for (const owner of owners) side.owners.push(first + owner)
    for (const reject of rejects) side.rejects.push(reject)
    this.#beside += records.length + rejects.length
  }

  /** How many records of the stream's own it holds, those that were rejected among them. */
  get length(): number {
    return this.rows.length + this.rejects.length + this.pageRejects.length
  }

  /** True where a row has been taken in, so that the type of its columns is settled. */
  get hasRows(): boolean {
    return this.rows.length > 0 || this.#beside > 0
  }

  isFull(now: number): boolean {
    return (
      this.length + this.#beside >= this.#limits.maxRecords ||
      this.bytes >= this.#limits.maxBytes ||
      now - (this.#startedAt ?? now) >= this.#limits.maxAgeMs
    )
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.#beside === 0 && this.progress.size === 0
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
