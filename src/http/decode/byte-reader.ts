/** Reads chunks by the byte. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next bytes, `length` of them or fewer at the end; they stay to be read. */
  async peek(length: number): Promise<Buffer> {
    while (this.#held.length < length) {
      const next = await this.#source.next()
      if (next.done) break
      this.#held = this.#held.length === 0 ? view(next.value) : Buffer.concat([this.#held, next.value])
    }
    return this.#held.subarray(0, length)
  }

  /** Some of the next bytes, at least one and at most `most`; `undefined` at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#held.length === 0) {
      const next = await this.#source.next()
      if (next.done) return undefined
      this.#held = view(next.value)
    }
    const taken = this.#held.subarray(0, most)
    this.#held = this.#held.subarray(taken.length)
    return taken
  }

  skip(length: number): void {
    this.#held = this.#held.subarray(length)
  }

  /** Puts bytes back that were read last. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#held = Buffer.concat([bytes, this.#held])
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
