const BUFFER_BYTES = 256 * 1024
/** 32 MiB: two batches of the default size. */
const MOST_KEPT = 128

/** Buffers of rows that wait for their commit, used again when they are through. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = []

  /** At least so many bytes. */
  take(bytes: number): Buffer {
    if (bytes > BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes)
    const free = this.#free.pop()
    return free === undefined ? Buffer.allocUnsafeSlow(BUFFER_BYTES) : Buffer.from(free)
  }

  /** Also a part of one. */
  give({ buffer }: Buffer): void {
    if (buffer.byteLength === BUFFER_BYTES && this.#free.length < MOST_KEPT)
      this.#free.push(buffer as ArrayBuffer)
  }
}
