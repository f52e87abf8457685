import type { RowBuffer } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import type { BufferPool } from './buffer-pool.ts'
import { cellEncoder, type EncodeCell } from './columns.ts'

/** Characters after which the text is written out: joined strings stay short, and a buffer loses no more than thrice as many bytes. */
const TEXT_LENGTH = 16_384

/** Rows with the same columns, the first ones of the schema, in COPY's text format. */
export interface RowSegment {
  readonly columns: number
  readonly rows: number
  readonly buffers: readonly Buffer[]
}

/**
 * The rows of a load in the form in which COPY takes them, encoded as they come: a record need not live until its commit.
 * A schema that comes later may add columns, and change none: then a new segment begins.
 */
export class EncodedRows implements RowBuffer {
  readonly #pool: BufferPool
  readonly #cells: EncodeCell[] = []
  readonly #segments: { columns: number; rows: number; buffers: Buffer[] }[] = []
  #buffer: Buffer | undefined
  #used = 0
  #length = 0
  #released = false

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  get length(): number {
    return this.#length
  }

  /** Where rows are appended, ask again. */
  get segments(): readonly RowSegment[] {
    this.#seal()
    return this.#segments
  }

  append(records: readonly JsonRecord[], schema: TableSchema): void {
    const cells = this.#cells
    for (let at = cells.length; at < schema.columns.length; at++) cells.push(cellEncoder(schema.columns[at]!))
    if (records.length === 0) return
    const segment = this.#open()
    segment.rows += records.length
    this.#length += records.length
    if (cells.length === 0) return
    let text = ''
    for (let row = 0; row < records.length; row++) {
      const record = records[row]!
      text += cells[0]!(record)
      for (let at = 1; at < cells.length; at++) text += `\t${cells[at]!(record)}`
      text += '\n'
      if (text.length < TEXT_LENGTH) continue
      this.#write(text)
      text = ''
    }
    if (text !== '') this.#write(text)
  }

  /** True once the rows are gone. */
  get released(): boolean {
    return this.#released
  }

  /** Gives the memory back. The rows are gone. */
  release(): void {
    this.#released = true
    this.#seal()
    for (const { buffers } of this.#segments) for (const buffer of buffers) this.#pool.give(buffer)
    this.#segments.length = 0
    this.#length = 0
  }

  #open() {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.columns === this.#cells.length) return last
    this.#seal()
    const segment = { columns: this.#cells.length, rows: 0, buffers: [] }
    this.#segments.push(segment)
    return segment
  }

  #write(text: string): void {
    // At most three bytes for each UTF-16 unit.
    const most = text.length * 3
    if (this.#buffer !== undefined && this.#buffer.length - this.#used < most) this.#seal()
    this.#buffer ??= this.#pool.take(most)
    this.#used += this.#buffer.write(text, this.#used, 'utf8')
  }

  #seal(): void {
    if (this.#buffer === undefined) return
    this.#segments.at(-1)!.buffers.push(this.#buffer.subarray(0, this.#used))
    this.#buffer = undefined
    this.#used = 0
  }
}

/** Encodes records at once. */
export function encodeRows(
  records: readonly JsonRecord[],
  schema: TableSchema,
  pool: BufferPool,
): EncodedRows {
  const rows = new EncodedRows(pool)
  rows.append(records, schema)
  return rows
}
