import { CsvError, Parser } from 'csv-parse'
import { isSluiceError } from '../../errors.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTooLargeError, BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { bodyFiles } from './body-files.ts'
import { utf8Bytes } from './charset.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import type { CsvFormat } from './format-options.ts'
import type { InflateLimits } from './inflate.ts'
import { withoutMarkAndLines } from './skip-lines.ts'
import { wrongKind } from './wrong-kind.ts'

export interface ReadCsvOptions extends InflateLimits {
  readonly format: CsvFormat
  /** Longest row, in bytes. */
  readonly maxLineSize: number
  /** Records are handed on as soon as their rows make up this many bytes. */
  readonly batchBytes: number
  /** The fields of a record's key: a body that is one line of text, and names none of them, is a message and no header (R2). */
  readonly key?: readonly string[]
  /** Takes records, the size of their rows in bytes, and rows that can't become a record; reading goes on when it resolves. */
  readonly onRecords: (records: JsonRecord[], bytes: number, rejects: RejectedRow[]) => Promise<void>
}

/** What of a body tells its kind. */
const headBytes = 512

/** A row with another number of values than there are columns. */
export interface RejectedRow {
  /** What it holds: `{ line, values }`. */
  readonly record: JsonRecord
  readonly reason: string
}

/**
 * Reads a body of comma-separated values (RFC 4180), never whole in memory: each row is a record, each value the text that was sent
 * (R4: "007" keeps its zeros). Lines end in CR LF, LF or CR; blank ones are skipped. A row with more or fewer values than there are
 * columns is a reject; where it is the last one and its line doesn't end, the body has broken off.
 *
 * @throws BodyTruncatedError a quote that is not closed, a last row without its line break and its last values, a broken connection
 * @throws BodyUnreadableError no header, columns of the same name, a quote in the middle of a value, a body that is no CSV
 * @throws BodyTooLargeError a row is longer than `maxLineSize`
 */
export async function readCsv(
  response: HttpResponse,
  options: ReadCsvOptions,
): Promise<{ records: number; byteLength: number }> {
  const { url, format, batchBytes, onRecords } = options
  const contentType = firstHeader(response.headers, 'content-type') ?? ''
  const total = { records: 0, byteLength: 0 }
  for await (const file of bodyFiles(response, options, format.entry)) {
    const rows = new Rows(options)
    let batched = 0
    const flush = async () => {
      const { records, rejects } = rows.take()
      total.records += records.length
      const bytes = batched
      batched = 0
      if (records.length > 0 || rejects.length > 0) await onRecords(records, bytes, rejects)
    }
    const refuseOthers = (head: Buffer) => {
      const other = wrongKind('csv', url, contentType, head.toString())
      // Without a header, or without quotes, a first value may well begin like a document of another kind.
      const isSure = format.header === true && format.quote !== ''
      if (other !== undefined && (isSure || /\b(html|xml|json|pdf)\b/i.test(contentType))) throw other
    }
    const text = utf8Bytes(file.bytes, response.headers, url, format.encoding)
    const lines = withoutMarkAndLines(text, format.skipLines)
    for await (const chunk of afterHead(lines, refuseOthers)) {
      total.byteLength += chunk.length
      batched += chunk.length
      await rows.write(chunk)
      if (batched >= batchBytes) await flush()
    }
    await rows.end()
    rows.refuseMessage(options.key ?? [])
    await flush()
  }
  return total
}

/** The chunks; the first bytes of them are shown to `check` before. */
async function* afterHead(
  chunks: AsyncIterable<Uint8Array>,
  check: (head: Buffer) => void,
): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < headBytes) continue
    check(head.subarray(0, headBytes))
    yield head
    head = undefined
  }
  if (head === undefined || head.length === 0) return
  check(head)
  yield head
}

/** Turns text into records, row by row. */
class Rows {
  readonly #url: string
  readonly #format: CsvFormat
  readonly #maxLineSize: number
  readonly #nulls: ReadonlySet<string>
  readonly #parser: RowParser
  #columns: readonly string[] | undefined
  #records: JsonRecord[] = []
  #rejects: RejectedRow[] = []
  /** A row with another number of values than columns, which has been the last one until now. */
  #ragged: { readonly row: readonly string[]; readonly line: number } | undefined
  #lastByte: number | undefined
  #rows = 0
  #lastRowEnd = 0

  constructor({ url, format, maxLineSize }: ReadCsvOptions) {
    this.#url = url
    this.#format = format
    this.#maxLineSize = maxLineSize
    this.#nulls = new Set(format.nullValues)
    this.#columns = format.header === true ? undefined : format.header
    this.#parser = new RowParser(format, maxLineSize, (row) => this.#take(row))
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#lastByte = chunk.at(-1) ?? this.#lastByte
    await this.#parser.feed(chunk).catch((error: unknown) => this.#refuse(error))
  }

  async end(): Promise<void> {
    if (this.#lastByte === undefined) return
    await this.#parser.finish().catch((error: unknown) => this.#refuse(error))
    const ragged = this.#ragged
    if (ragged === undefined) return
    const { row, line } = ragged
    const isWhole = this.#lastByte === 10 || this.#lastByte === 13
    if (!isWhole && row.length < this.#columns!.length) {
      throw new BodyTruncatedError(
        this.#url,
        `its last row, line ${line}, has ${row.length} of ${this.#columns!.length} values: ${excerptOf(row.join(this.#format.delimiter))}`,
      )
    }
    this.#reject(row, line)
  }

  /** @throws BodyUnreadableError where all that came is one line with one value, which is no column of the key */
  refuseMessage(key: readonly string[]): void {
    const [column] = this.#columns ?? []
    if (this.#format.header !== true || this.#rows > 0 || this.#columns?.length !== 1 || key.length === 0)
      return
    if (key.includes(column!)) return
    const excerpt = excerptOf(column!)
    throw new BodyUnreadableError(
      this.#url,
      `answered one line of text, where a header with the column ${JSON.stringify(key[0])} was expected: ${excerpt}. Check the path, and \`delimiter\` of \`format\``,
      excerpt,
    )
  }

  take(): { records: JsonRecord[]; rejects: RejectedRow[] } {
    const taken = { records: this.#records, rejects: this.#rejects }
    this.#records = []
    this.#rejects = []
    return taken
  }

  get #line(): number {
    return this.#parser.info.lines + this.#format.skipLines
  }

  #take(row: string[]): void {
    this.#lastRowEnd = this.#line
    const columns = this.#columns
    if (columns === undefined) {
      this.#columns = this.#header(row)
      return
    }
    this.#rows++
    if (this.#ragged !== undefined) {
      this.#reject(this.#ragged.row, this.#ragged.line)
      this.#ragged = undefined
    }
    if (row.length !== columns.length) {
      this.#ragged = { row, line: this.#line }
      return
    }
    const record: JsonRecord = {}
    const nulls = this.#nulls
    for (let at = 0; at < row.length; at++) {
      const text = row[at]!
      setField(record, columns[at]!, nulls.size > 0 && nulls.has(text) ? null : text)
    }
    this.#records.push(record)
  }

  #header(names: readonly string[]): readonly string[] {
    const seen = new Set<string>()
    for (const [at, name] of names.entries()) {
      if (name !== '' && !seen.has(name)) {
        seen.add(name)
        continue
      }
      throw new BodyUnreadableError(
        this.#url,
        `answered CSV whose header, line ${this.#line}, ${name === '' ? `has no name for column ${at + 1}` : `has two columns named ${JSON.stringify(name)}`}: ${excerptOf(names.join(this.#format.delimiter))}. Name the columns with \`header\` of \`format\`, and leave the line out with \`skipLines\``,
        name,
      )
    }
    return names
  }

  #reject(row: readonly string[], line: number): void {
    this.#rejects.push({
      record: { line, values: [...row] as Value[] },
      reason: `line ${line} has ${count(row.length, 'value')}, and there ${this.#columns!.length === 1 ? 'is' : 'are'} ${count(this.#columns!.length, 'column')}`,
    })
  }

  #refuse(error: unknown): never {
    if (!(error instanceof CsvError) || isSluiceError(error)) throw error
    const line = this.#line
    // The library writes some codes without their prefix.
    switch (error.code as string) {
      case 'CSV_MAX_RECORD_SIZE':
        throw new BodyTooLargeError(
          this.#url,
          `line ${line} of the CSV body`,
          'maxLineSize',
          this.#maxLineSize,
        )
      case 'CSV_QUOTE_NOT_CLOSED':
        throw new BodyTruncatedError(
          this.#url,
          `in the row that begins on line ${Math.max(this.#lastRowEnd, this.#format.skipLines) + 1} a quote is not closed. If the API encloses values in another character, or in none, set \`quote\` of \`format\``,
          { cause: error },
        )
      default: {
        const excerpt = JSON.stringify(this.#format.quote)
        throw new BodyUnreadableError(
          this.#url,
          `answered CSV in which line ${line} has a ${excerpt} in the middle of a value. If the API encloses values in another character, or in none, set \`quote\` of \`format\``,
          excerpt,
          { cause: error },
        )
      }
    }
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function setField(record: JsonRecord, name: string, value: Value): void {
  if (name === '__proto__') {
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true })
  } else record[name] = value
}

/** The library's parser, of which a row is taken at once: its stream of rows would cost more than the parsing. */
class RowParser extends Parser {
  readonly #onRow: (row: string[]) => void

  constructor({ delimiter, quote }: CsvFormat, maxLineSize: number, onRow: (row: string[]) => void) {
    super({
      delimiter,
      quote: quote === '' ? null : quote,
      escape: quote === '' ? null : quote,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: maxLineSize,
    })
    this.#onRow = onRow
    // Errors are told to whoever feeds it.
    this.on('error', () => {})
  }

  override push(row: unknown): boolean {
    if (row === null) return super.push(null)
    this.#onRow(row as string[])
    return true
  }

  feed(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
  }

  finish(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('error', reject)
      this.end(() => resolve())
    })
  }
}
