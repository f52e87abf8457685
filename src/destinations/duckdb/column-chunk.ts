import bindings from '@duckdb/node-bindings'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { ChunkPool, FixedStorage } from './chunk-pool.ts'
import { Validity, type VectorHandle } from './vector.ts'

/** Reads one field of a record, `null` where it is absent. */
export type Read = (record: JsonRecord) => Value

/** The values of one column in up to 2,048 rows, laid out as DuckDB's vectors hold them. */
export interface ColumnChunk {
  /** Takes one field of `count` records, from `from` on, into the rows from `row` on. Rows that were passed over are null. */
  append(records: readonly JsonRecord[], from: number, count: number, row: number): void
  /** True where a row of those that were taken is null. */
  readonly hasNulls: boolean
  /** Writes the first `count` rows into a vector. */
  write(vector: VectorHandle, count: number): void
  /** Gives its memory back; it is not used afterwards. */
  release(): void
  /** Of its values, without what lies beside them. */
  readonly byteLength: number
}

/** Writes a value, which is not null, into its row. Throws where the column can't hold it. */
export type Put = (target: FixedStorage, row: number, value: Value) => void

/** A column of values of one width. */
export class FixedChunk implements ColumnChunk {
  readonly storage: FixedStorage
  readonly #pool: ChunkPool
  readonly #width: number
  readonly #read: Read
  readonly #put: Put
  readonly #validity = new Validity()
  #rows = 0

  constructor(pool: ChunkPool, width: 1 | 4 | 8, read: Read, put: Put) {
    this.#pool = pool
    this.storage = pool.takeFixed()
    this.#width = width
    this.#read = read
    this.#put = put
  }

  get hasNulls(): boolean {
    return this.#validity.hasNulls
  }

  append(records: readonly JsonRecord[], from: number, count: number, row: number): void {
    const { storage } = this
    const read = this.#read
    const put = this.#put
    this.#pass(row)
    for (let index = 0; index < count; index++) {
      const value = read(records[from + index]!)
      if (value === null) this.#validity.setNull(row + index)
      else put(storage, row + index, value)
    }
    this.#rows = row + count
  }

  write(vector: VectorHandle, count: number): void {
    this.#pass(count)
    bindings.copy_data_to_vector(vector, 0, this.storage.buffer, 0, count * this.#width)
    this.#validity.flush(vector, count)
  }

  get byteLength(): number {
    return this.#rows * this.#width
  }

  release(): void {
    this.#pool.giveFixed(this.storage)
  }

  #pass(row: number): void {
    while (this.#rows < row) this.#validity.setNull(this.#rows++)
  }
}
