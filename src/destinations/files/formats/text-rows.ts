import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { JsonRecord } from '../../../ports/json.ts'
import type { Column, ColumnType, TableSchema } from '../../../ports/schema.ts'
import type { Encoded } from '../../../records/encode-value.ts'
import type { WritableRows } from './row-writer.ts'

/** Writes one record's line, as far as it is known before its load is. */
export type EncodeLine = (record: JsonRecord) => string

/** Lines that are put together at once. */
const CHUNK_LINES = 1000

/** The rows of a load as lines of text. */
export class TextRows implements WritableRows {
  readonly #encoder: (columns: readonly Column[]) => EncodeLine
  #encode: EncodeLine
  #columns = 0
  /** Lines that have the same number of columns. */
  #parts: { readonly columns: number; readonly lines: string[] }[] = []
  #length = 0
  #released = false

  constructor(encoder: (columns: readonly Column[]) => EncodeLine) {
    this.#encoder = encoder
    this.#encode = encoder([])
  }

  get length(): number {
    return this.#length
  }

  get released(): boolean {
    return this.#released
  }

  append(records: readonly JsonRecord[], { columns }: TableSchema): void {
    if (columns.length !== this.#columns || this.#parts.length === 0) {
      this.#encode = this.#encoder(columns)
      this.#columns = columns.length
      this.#parts.push({ columns: columns.length, lines: [] })
    }
    const { lines } = this.#parts.at(-1)!
    for (const record of records) lines.push(this.#encode(record))
    this.#length += records.length
  }

  release(): void {
    this.#released = true
    this.#parts = []
    this.#length = 0
  }

  /**
   * Writes the lines into a file; resolves to the bytes of the longest one.
   * @param finish puts a line together: of what `append` encoded, the number of its columns, and its own number among the rows
   */
  async write(
    path: string,
    gzip: boolean,
    head: string,
    finish: (line: string, columns: number, row: number) => string,
  ): Promise<number> {
    let longest = head.length
    const parts = this.#parts
    function* chunks() {
      yield Buffer.from(head)
      let row = 0
      for (const { columns, lines } of parts)
        for (let from = 0; from < lines.length; from += CHUNK_LINES) {
          let text = ''
          for (const line of lines.slice(from, from + CHUNK_LINES)) {
            const finished = finish(line, columns, row++)
            // A UTF-16 unit is three bytes of UTF-8 at most.
            if (finished.length * 3 > longest) longest = Math.max(longest, Buffer.byteLength(finished))
            text += finished
          }
          yield Buffer.from(text)
        }
    }
    const source = Readable.from(chunks(), { objectMode: true, highWaterMark: 2 })
    const target = createWriteStream(path)
    if (gzip) await pipeline(source, createGzip(), target)
    else await pipeline(source, target)
    return longest
  }
}

/** What is written without quotes. */
export function numberText(value: Encoded, type: ColumnType): string {
  return type.kind === 'double' && Object.is(value, -0) ? '-0.0' : String(value)
}
