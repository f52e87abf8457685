import type { JsonRecord } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'

const FIRST_BYTES = 64 * 1024
/** Characters after which lines are written out: joined strings stay short. */
const TEXT_LENGTH = 16_384

/** Lines of JSON in memory that is used again: to make it anew for each page costs as much as to fill it. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #used = 0

  /** One line a record. They stand there until the next call. */
  encode(records: readonly JsonRecord[]): Uint8Array {
    this.#used = 0
    let text = ''
    for (const record of records) {
      text += `${encodeJson(record)}\n`
      if (text.length < TEXT_LENGTH) continue
      this.#write(text)
      text = ''
    }
    this.#write(text)
    return this.#bytes.subarray(0, this.#used)
  }

  #write(text: string): void {
    // At most three bytes for each UTF-16 unit.
    const needed = this.#used + text.length * 3
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#used)
      this.#bytes = grown
    }
    this.#used += this.#bytes.write(text, this.#used, 'utf8')
  }
}
