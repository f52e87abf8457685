import bindings from '@duckdb/node-bindings'
import { Validity, VECTOR_SIZE, type VectorHandle } from './vector.ts'

// A VARCHAR vector is an array of `duckdb_string_t` (duckdb.h), 16 bytes each: the length in 4 bytes, then either up to 12
// bytes of text in place, or the first 4 bytes again and a pointer. One native call per string is what makes strings slow,
// so all strings of a vector go into the vector's own heap as one long string, with one call, and the entries are made here
// to point into it. The heap lives as long as the vector, and so do the pointers.

const ENTRY_BYTES = 16
const INLINE_BYTES = 12
const TWO_TO_32 = 4_294_967_296

/** Strings that are longer than this together are handed over one by one: a call for each costs little then, a large buffer much. */
const MAX_PACKED_CHARACTERS = 1 << 22

/** Writes strings into VARCHAR vectors. Its buffers are used again for each vector. */
export class StringPacker {
  readonly #values = new Array<string | null>(VECTOR_SIZE).fill(null)
  readonly #buffer = new ArrayBuffer(VECTOR_SIZE * ENTRY_BYTES)
  readonly #words = new Uint32Array(this.#buffer)
  readonly #bytes = new Uint8Array(this.#buffer)
  /** Sizes in bytes, where they differ from the lengths. */
  readonly #lengths = new Uint32Array(VECTOR_SIZE)
  readonly #validity = new Validity()
  #text = Buffer.allocUnsafe(1 << 18)

  /** The value of row `row` of the vector that is written next. */
  set(row: number, value: string | null): void {
    this.#values[row] = value
  }

  /** Writes the first `count` values that were set. */
  flush(vector: VectorHandle, count: number): void {
    let joined = ''
    for (let row = 0; row < count; row++) {
      const value = this.#values[row]!
      if (value === null) continue
      joined += value
      if (joined.length > MAX_PACKED_CHARACTERS) {
        this.#flushOneByOne(vector, count)
        return
      }
    }
    const size = this.#encode(joined, count)
    const base = size > INLINE_BYTES ? this.#moveToHeap(vector, size) : 0
    this.#point(base, count, size === joined.length)
    bindings.copy_data_to_vector(vector, 0, this.#buffer, 0, count * ENTRY_BYTES)
    this.#flushValidity(vector, count)
  }

  /** Writes the text as UTF-8; returns its size in bytes. */
  #encode(joined: string, count: number): number {
    // At most three bytes for each UTF-16 unit.
    if (this.#text.length < joined.length * 3) this.#text = Buffer.allocUnsafe(joined.length * 4)
    const size = this.#text.write(joined, 0, 'utf8')
    if (size === joined.length) return size
    // Half a surrogate pair at the end of one string and half at the start of the next must not become a character.
    let offset = 0
    for (let row = 0; row < count; row++) {
      const value = this.#values[row]!
      if (value === null || value === '') continue
      const length = this.#text.write(value, offset, 'utf8')
      this.#lengths[row] = length
      offset += length
    }
    return offset
  }

  /** Copies the text into the vector's heap; returns its address. */
  #moveToHeap(vector: VectorHandle, size: number): number {
    bindings.vector_assign_string_element_len(vector, 0, this.#text.subarray(0, size))
    const entry = bindings.vector_get_data(vector, ENTRY_BYTES)
    const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES)
    return view.getUint32(8, true) + view.getUint32(12, true) * TWO_TO_32
  }

  #point(base: number, count: number, ascii: boolean): void {
    const words = this.#words
    const text = this.#text
    let offset = 0
    for (let row = 0; row < count; row++) {
      const value = this.#values[row]!
      const word = row * 4
      if (value === null || value === '') {
        words[word] = words[word + 1] = words[word + 2] = words[word + 3] = 0
        continue
      }
      const length = ascii ? value.length : this.#lengths[row]!
      words[word] = length
      if (length <= INLINE_BYTES) {
        words[word + 1] = words[word + 2] = words[word + 3] = 0
        const at = row * ENTRY_BYTES + 4
        for (let index = 0; index < length; index++) this.#bytes[at + index] = text[offset + index]!
      } else {
        words[word + 1] =
          text[offset]! | (text[offset + 1]! << 8) | (text[offset + 2]! << 16) | (text[offset + 3]! << 24)
        const address = base + offset
        const high = Math.floor(address / TWO_TO_32)
        words[word + 2] = address - high * TWO_TO_32
        words[word + 3] = high
      }
      offset += length
    }
  }

  #flushOneByOne(vector: VectorHandle, count: number): void {
    for (let row = 0; row < count; row++) {
      const value = this.#values[row]!
      if (value !== null) bindings.vector_assign_string_element_len(vector, row, Buffer.from(value, 'utf8'))
    }
    this.#flushValidity(vector, count)
  }

  #flushValidity(vector: VectorHandle, count: number): void {
    this.#validity.reset()
    for (let row = 0; row < count; row++) if (this.#values[row] === null) this.#validity.setNull(row)
    this.#validity.flush(vector, count)
  }
}
