import bindings, { type Vector } from '@duckdb/node-bindings'

/** A column of a data chunk, in DuckDB's memory. */
export type VectorHandle = Vector

/** Rows in one data chunk, at most (`STANDARD_VECTOR_SIZE`). */
export const VECTOR_SIZE = 2048

/** Which rows of a vector are null: one bit a row, 0 for null. */
export class Validity {
  readonly #buffer = new ArrayBuffer(VECTOR_SIZE / 8)
  readonly #bits = new Uint8Array(this.#buffer)
  #nulls = 0

  get hasNulls(): boolean {
    return this.#nulls > 0
  }

  setNull(row: number): void {
    if (this.#nulls++ === 0) this.#bits.fill(0xff)
    this.#bits[row >> 3]! &= ~(1 << (row & 7))
  }

  /** DuckDB reads the bits in words of 64. Without a null nothing is written: a vector starts all valid. */
  flush(vector: VectorHandle, count: number): void {
    if (this.#nulls === 0) return
    bindings.vector_ensure_validity_writable(vector)
    bindings.copy_data_to_vector_validity(vector, 0, this.#buffer, 0, Math.ceil(count / 64) * 8)
  }
}
