import bindings from '@duckdb/node-bindings'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { ChunkPool } from './chunk-pool.ts'
import type { ColumnChunk, Read } from './column-chunk.ts'
import { Validity, VECTOR_SIZE, type VectorHandle } from './vector.ts'

// A VARCHAR vector is an array of `duckdb_string_t` (duckdb.h), 16 bytes each: the length in 4 bytes, then either up to 12
// bytes of text in place, or the first 4 bytes again and a pointer. One native call per string is what makes strings slow,
// so all strings of a vector go into the vector's own heap as one long string, with one call, and the entries are made here
// to point into it. The heap lives as long as the vector, and so do the pointers.

const ENTRY_BYTES = 16
const INLINE_BYTES = 12
const TWO_TO_32 = 4_294_967_296

/** Characters that are encoded with one call, at most: what is joined must not be large. */
const MAX_JOINED = 1 << 20

/** The entries of the vector that is being written. */
const entries = new ArrayBuffer(VECTOR_SIZE * ENTRY_BYTES)
const words = new Uint32Array(entries)
const bytes = new Uint8Array(entries)

/** Turns a value, which is not null, into the column's text. */
export type EncodeText = (value: Value) => string | null

/** A column of texts: their UTF-8, one after the other, and the length of each. */
export class TextChunk implements ColumnChunk {
  readonly #pool: ChunkPool
  readonly #read: Read
  readonly #encode: EncodeText
  readonly #validity = new Validity()
  /** Bytes of each row's text. */
  readonly lengths = new Uint32Array(VECTOR_SIZE)
  text: Buffer
  #size = 0
  #rows = 0

  /** @param expectedBytes what the column's chunk before held, 0 for the first one */
  constructor(pool: ChunkPool, read: Read, encode: EncodeText, expectedBytes: number) {
    this.#pool = pool
    this.#read = read
    this.#encode = encode
    this.text = pool.takeText(expectedBytes)
  }

  get byteLength(): number {
    return this.#size
  }

  get hasNulls(): boolean {
    return this.#validity.hasNulls
  }

  append(records: readonly JsonRecord[], from: number, count: number, row: number): void {
    const read = this.#read
    const encode = this.#encode
    this.#pass(row)
    let joined = ''
    let first = row
    const end = row + count
    for (let at = row; at < end; at++) {
      const value = read(records[from + at - row]!)
      const text = value === null ? null : encode(value)
      values[at] = text
      if (text === null) continue
      joined += text
      if (joined.length < MAX_JOINED) continue
      this.#store(joined, first, at + 1)
      first = at + 1
      joined = ''
    }
    this.#store(joined, first, end)
    this.#rows = end
  }

  write(vector: VectorHandle, count: number): void {
    this.#pass(count)
    const base = this.#size > INLINE_BYTES ? this.#moveToHeap(vector) : 0
    this.#point(base, count)
    bindings.copy_data_to_vector(vector, 0, entries, 0, count * ENTRY_BYTES)
    this.#validity.flush(vector, count)
  }

  release(): void {
    this.#pool.giveText(this.text)
  }

  #pass(row: number): void {
    while (this.#rows < row) {
      this.lengths[this.#rows] = 0
      this.#validity.setNull(this.#rows++)
    }
  }

  /** Encodes the texts of the rows from `first` to `end`, which `joined` holds one after the other. */
  #store(joined: string, first: number, end: number): void {
    // With 4 bytes to spare what is not ASCII is longer than its characters, even where it did not fit.
    this.#reserve(joined.length + 4)
    let size = this.text.write(joined, this.#size, 'utf8')
    if (size === joined.length) {
      for (let row = first; row < end; row++) {
        const text = values[row]!
        if (text === null) this.#validity.setNull(row)
        this.lengths[row] = text === null ? 0 : text.length
      }
    } else {
      // At most three bytes for each UTF-16 unit. Half a surrogate pair at the end of one text and half at the start of the next
      // must not become a character, so each is encoded by itself.
      this.#reserve(joined.length * 3)
      size = 0
      for (let row = first; row < end; row++) {
        const text = values[row]!
        if (text === null) this.#validity.setNull(row)
        const length = text === null ? 0 : this.text.write(text, this.#size + size, 'utf8')
        this.lengths[row] = length
        size += length
      }
    }
    this.#size += size
    values.fill(null, first, end)
  }

  #reserve(more: number): void {
    const needed = this.#size + more
    if (needed <= this.text.length) return
    const grown = this.#pool.takeText(Math.max(needed, this.text.length * 1.5))
    this.text.copy(grown, 0, 0, this.#size)
    this.#pool.giveText(this.text)
    this.text = grown
  }

  /** Copies the text into the vector's heap; returns its address. */
  #moveToHeap(vector: VectorHandle): number {
    bindings.vector_assign_string_element_len(vector, 0, this.text.subarray(0, this.#size))
    const entry = bindings.vector_get_data(vector, ENTRY_BYTES)
    const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES)
    return view.getUint32(8, true) + view.getUint32(12, true) * TWO_TO_32
  }

  #point(base: number, count: number): void {
    const { text, lengths } = this
    let offset = 0
    for (let row = 0; row < count; row++) {
      const length = lengths[row]!
      const word = row * 4
      words[word] = length
      if (length <= INLINE_BYTES) {
        words[word + 1] = words[word + 2] = words[word + 3] = 0
        const at = row * ENTRY_BYTES + 4
        for (let index = 0; index < length; index++) bytes[at + index] = text[offset + index]!
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
}

/** The texts of the rows that are being encoded. */
const values = new Array<string | null>(VECTOR_SIZE).fill(null)
