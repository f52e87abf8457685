import { VECTOR_SIZE } from './vector.ts'

const MAX_KEPT_BYTES = 64 * 1024 * 1024
const FIRST_TEXT_BYTES = 1 << 15

/** One buffer, seen as each type that a vector of fixed width can have. */
export class FixedStorage {
  readonly buffer = new ArrayBuffer(VECTOR_SIZE * 8)
  readonly words = new Int32Array(this.buffer)
  readonly doubles = new Float64Array(this.buffer)
  readonly longs = new BigInt64Array(this.buffer)
  readonly bytes = new Uint8Array(this.buffer)
}

/**
 * Buffers that go from one load to the next. They lie outside of JavaScript's heap, where what is dropped stays until a
 * collection of the whole heap: making them anew for each load would let the process grow.
 */
export class ChunkPool {
  readonly #fixed: FixedStorage[] = []
  readonly #texts: Buffer[] = []
  #keptBytes = 0

  takeFixed(): FixedStorage {
    const storage = this.#fixed.pop()
    if (storage === undefined) return new FixedStorage()
    this.#keptBytes -= storage.buffer.byteLength
    return storage
  }

  giveFixed(storage: FixedStorage): void {
    if (this.#keep(storage.buffer.byteLength)) this.#fixed.push(storage)
  }

  /** A buffer of any size above 0. */
  takeText(): Buffer {
    const buffer = this.#texts.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(FIRST_TEXT_BYTES)
    this.#keptBytes -= buffer.length
    return buffer
  }

  giveText(buffer: Buffer): void {
    if (this.#keep(buffer.length)) this.#texts.push(buffer)
  }

  #keep(bytes: number): boolean {
    if (this.#keptBytes + bytes > MAX_KEPT_BYTES) return false
    this.#keptBytes += bytes
    return true
  }
}
