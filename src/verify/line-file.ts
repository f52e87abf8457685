import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const BUFFERED_BYTES = 1 << 20
const READ_BYTES = 1 << 16
const LINE_FEED = 10

/** Lines in a file of its own, each found again by where it begins: memory does not grow with them. */
export class LineFile implements Disposable {
  readonly #file: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #size = 0

  constructor(path: string) {
    this.#file = openSync(path, 'wx+', 0o600)
  }

  /** Adds a line, which holds no line feed. Returns the byte that it begins at. */
  add(line: string): number {
    const at = this.#size
    const bytes = Buffer.from(`${line}\n`)
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#size += bytes.length
    if (this.#waitingBytes >= BUFFERED_BYTES) this.#flush()
    return at
  }

  read(at: number): string {
    this.#flush()
    const parts: Buffer[] = []
    for (let from = at; from < this.#size; ) {
      const part = Buffer.alloc(READ_BYTES)
      const bytes = part.subarray(0, readSync(this.#file, part, 0, READ_BYTES, from))
      const end = bytes.indexOf(LINE_FEED)
      parts.push(end < 0 ? bytes : bytes.subarray(0, end))
      if (end >= 0) break
      from += bytes.length
    }
    return Buffer.concat(parts).toString()
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#waiting)
    for (let from = 0; from < bytes.length; ) from += writeSync(this.#file, bytes, from)
    this.#waiting = []
    this.#waitingBytes = 0
  }
}
