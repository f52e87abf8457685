import { VECTOR_SIZE } from './vector.ts'

const MAX_KEPT_BYTES = 32 * 1024 * 1024
const LEAST_TEXT_BYTES = 4096

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
  /** By their size: a buffer goes where one of its size is needed, or all would become as large as the largest. */
  readonly #texts = new Map<number, Buffer[]>()
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

  /** A buffer of at least so many bytes, and less than half as many more. */
  takeText(bytes: number): Buffer {
    const size = textSize(bytes)
    const buffer = this.#texts.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#keptBytes -= size
    return buffer
  }

  giveText(buffer: Buffer): void {
    if (!this.#keep(buffer.length)) return
    const same = this.#texts.get(buffer.length)
    if (same === undefined) this.#texts.set(buffer.length, [buffer])
    else same.push(buffer)
  }

  #keep(bytes: number): boolean {
    if (this.#keptBytes + bytes > MAX_KEPT_BYTES) return false
    this.#keptBytes += bytes
    return true
  }
}

/** A power of two, or one and a half. */
function textSize(bytes: number): number {
  let size = LEAST_TEXT_BYTES
  while (size < bytes) size *= 2
  return size * 0.75 >= bytes ? size * 0.75 : size
}
