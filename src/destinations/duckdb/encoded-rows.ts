import type { RowBuffer } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import type { ChunkPool } from './chunk-pool.ts'
import type { ColumnChunk } from './column-chunk.ts'
import { type ColumnEncoding, columnEncoding } from './columns.ts'
import { VECTOR_SIZE } from './vector.ts'

/** Up to 2,048 rows. A column that none of them has a value of may be absent. */
export interface RowChunk {
  /** Number of the first row among all. */
  readonly start: number
  readonly count: number
  readonly columns: readonly (ColumnChunk | undefined)[]
}

/**
 * The rows of a load in the form in which DuckDB takes them, encoded as they come: a record need not live until its commit.
 * The columns are those of the schema, by their place in it; a schema that comes later may add some, and change none.
 */
export class EncodedRows implements RowBuffer {
  readonly #pool: ChunkPool
  readonly #encodings: ColumnEncoding[] = []
  readonly #chunks: { start: number; count: number; columns: (ColumnChunk | undefined)[] }[] = []
  #length = 0
  #released = false

  constructor(pool: ChunkPool) {
    this.#pool = pool
  }

  get length(): number {
    return this.#length
  }

  get chunks(): readonly RowChunk[] {
    return this.#chunks
  }

  append(records: readonly JsonRecord[], schema: TableSchema): void {
    for (let at = this.#encodings.length; at < schema.columns.length; at++)
      this.#encodings.push(columnEncoding(schema.columns[at]!))
    for (let from = 0; from < records.length; ) {
      const chunk = this.#open()
      const count = Math.min(VECTOR_SIZE - chunk.count, records.length - from)
      for (let at = 0; at < this.#encodings.length; at++) {
        chunk.columns[at] ??= this.#encodings[at]!.chunk(
          this.#pool,
          this.#before?.columns[at]?.byteLength ?? 0,
        )
        chunk.columns[at]!.append(records, from, count, chunk.count)
      }
      chunk.count += count
      this.#length += count
      from += count
    }
  }

  /** True once the rows are gone. */
  get released(): boolean {
    return this.#released
  }

  /** Gives the memory back. The rows are gone. */
  release(): void {
    this.#released = true
    for (const { columns } of this.#chunks) for (const column of columns) column?.release()
    this.#chunks.length = 0
    this.#length = 0
  }

  /** The chunk before the one that is being filled. */
  get #before(): RowChunk | undefined {
    return this.#chunks.at(-2)
  }

  #open() {
    const last = this.#chunks.at(-1)
    if (last !== undefined && last.count < VECTOR_SIZE) return last
    const chunk = { start: this.#length, count: 0, columns: [] }
    this.#chunks.push(chunk)
    return chunk
  }
}

/** Encodes records at once. */
export function encodeRows(
  records: readonly JsonRecord[],
  schema: TableSchema,
  pool: ChunkPool,
): EncodedRows {
  const rows = new EncodedRows(pool)
  rows.append(records, schema)
  return rows
}
