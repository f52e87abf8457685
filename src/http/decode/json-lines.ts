import type { JsonRecord, Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTooLargeError, BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { bodyFiles } from './body-files.ts'
import { hasUtf8Mark, utf8Bytes } from './charset.ts'
import { BodyUnreadableError, excerptOf, htmlError, looksLikeHtml } from './errors.ts'
import type { InflateLimits } from './inflate.ts'
import { parseJson } from './long-numbers.ts'
import { wrongKind } from './wrong-kind.ts'

export interface ReadJsonLinesOptions extends InflateLimits {
  /** Charset of a body without a byte order mark. Default: the one of `content-type`, else UTF-8. */
  readonly encoding?: string
  /** Which files of a zip archive are read: a name with `*` for any text. Default: all. */
  readonly entry?: string
  /** Longest line, in bytes. */
  readonly maxLineSize: number
  /** Records are handed on as soon as their lines make up this many bytes. */
  readonly batchBytes: number
  /** Takes records and the size of their lines in bytes; reading goes on when it resolves. */
  readonly onRecords: (records: JsonRecord[], bytes: number) => Promise<void>
}

/** Lines are parsed by the block. Measured: larger blocks are slower, for their text no longer fits the young heap. */
const blockBytes = 64 * 1024
const newline = 10
const comma = 44
const openBrace = 123
const closeBrace = 125

/**
 * Reads a body of one JSON object a line, never whole in memory. Blank lines are skipped; the last line needs no newline;
 * an empty body has no records. Long numbers keep their digits (R4).
 *
 * Some exports end in the middle, under status 200, with a line such as `terminated early`: a last line that is not a JSON
 * object says that the body is not whole. Records of earlier lines have been handed on by then.
 *
 * @throws BodyTruncatedError the last line is no JSON object, or the connection broke
 * @throws BodyUnreadableError another line is no JSON object
 * @throws BodyTooLargeError a line is longer than `maxLineSize`
 */
export async function readJsonLines(
  response: HttpResponse,
  options: ReadJsonLinesOptions,
): Promise<{ records: number; byteLength: number }> {
  const total = { records: 0, byteLength: 0 }
  for await (const file of bodyFiles(response, options, options.entry)) {
    const { records, byteLength } = await readFile(file.bytes, response, options)
    total.records += records
    total.byteLength += byteLength
  }
  return total
}

async function readFile(
  bytes: AsyncIterable<Uint8Array>,
  response: HttpResponse,
  options: ReadJsonLinesOptions,
): Promise<{ records: number; byteLength: number }> {
  const { batchBytes, onRecords, url, encoding } = options
  const lines = new LineParser(options, firstHeader(response.headers, 'content-type') ?? '')
  const target = Math.min(blockBytes, batchBytes)
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  /** Offset in `pending` of the byte behind its last newline. */
  let complete = 0
  let batch: JsonRecord[] = []
  let batched = 0
  let records = 0
  let byteLength = 0

  const parse = async (length: number): Promise<void> => {
    const block = bracketed(pending, length)
    const rest = restOf(pending, length)
    pending = rest.length > 0 ? [rest] : []
    pendingBytes = rest.length
    complete = 0
    const parsed = lines.parse(block)
    batched += length
    records += parsed.length
    if (batch.length === 0) batch = parsed
    else for (const record of parsed) batch.push(record)
    if (batched >= batchBytes) await flush()
  }
  const flush = async (): Promise<void> => {
    const [full, bytes] = [batch, batched]
    batch = []
    batched = 0
    if (full.length > 0) await onRecords(full, bytes)
  }

  for await (const chunk of utf8Bytes(bytes, response.headers, url, encoding)) {
    byteLength += chunk.length
    const last = chunk.lastIndexOf(newline)
    if (last >= 0) complete = pendingBytes + last + 1
    pending.push(chunk)
    pendingBytes += chunk.length
    if (pendingBytes >= target && complete > 0) await parse(complete)
    if (pendingBytes - complete > options.maxLineSize) {
      // Lines that are waiting for their block come first: they count.
      if (complete > 0) await parse(complete)
      lines.refuseNextLine()
    }
  }
  if (pendingBytes > 0) await parse(pendingBytes)
  lines.end()
  await flush()
  return { records, byteLength }
}

/** The first `length` bytes of the chunks in a buffer of its own, with a byte to spare at both ends for the brackets. */
function bracketed(chunks: readonly Uint8Array[], length: number): Buffer {
  const block = Buffer.allocUnsafe(length + 2)
  let at = 1
  for (const chunk of chunks) {
    const part = at - 1 + chunk.length > length ? chunk.subarray(0, length - (at - 1)) : chunk
    block.set(part, at)
    at += part.length
  }
  block[0] = 91
  block[length + 1] = 93
  return block
}

/** A newline is in the newest chunk, or in the only one: what follows it is a part of that chunk, or of several after it. */
function restOf(chunks: readonly Uint8Array[], from: number): Uint8Array {
  let skip = from
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.length)
  }
  return rest.length === 1 ? rest[0]! : Buffer.concat(rest)
}

interface BadLine {
  readonly number: number
  readonly text: string
  readonly cause: unknown
}

/** Parses blocks of whole lines, and keeps count of them for messages. */
class LineParser {
  readonly #url: string
  readonly #maxLineSize: number
  readonly #contentType: string
  /** Lines of the blocks before. */
  #lines = 0
  #first = true
  /** A line that is no JSON object, and has been the last one until now. */
  #bad: BadLine | undefined

  constructor(options: { url: string; maxLineSize: number }, contentType: string) {
    this.#url = options.url
    this.#maxLineSize = options.maxLineSize
    this.#contentType = contentType
  }

  /** `block` begins and ends with a bracket; the lines between them become one array, parsed with one call. */
  parse(block: Buffer): JsonRecord[] {
    if (this.#first && hasUtf8Mark(block.subarray(1))) block.fill(32, 1, 4)
    this.#first = false
    const end = block.length - 1
    const starts: number[] = []
    const ends: number[] = []
    const stops: number[] = []
    const numbers: number[] = []
    let objects = true
    for (let start = 1; start < end; ) {
      const found = block.indexOf(newline, start)
      const stop = found < 0 || found > end ? end : found
      this.#lines++
      if (stop - start > this.#maxLineSize) this.#refuseLine(this.#lines)
      let from = start
      let to = stop
      while (from < to && block[from]! <= 32) from++
      while (to > from && block[to - 1]! <= 32) to--
      if (from < to) {
        objects &&= block[from] === openBrace && block[to - 1] === closeBrace
        starts.push(from)
        ends.push(to)
        stops.push(stop)
        numbers.push(this.#lines)
      }
      start = stop + 1
    }
    if (starts.length === 0) return []
    if (this.#bad !== undefined) this.#refuse(this.#bad)
    if (objects) {
      // A newline can't be inside a JSON string, so between two lines it can be replaced.
      for (let line = 0; line + 1 < stops.length; line++) block[stops[line]!] = comma
      try {
        const records = parseJson(block.toString(), block) as JsonRecord[]
        // Two lines that are wrong by themselves can make one value together; they don't make two.
        if (records.length === starts.length) return records
      } catch {
        // Line by line then, to find the one.
      }
    }
    return this.#parseEach(block, starts, ends, numbers)
  }

  #parseEach(block: Buffer, starts: number[], ends: number[], numbers: number[]): JsonRecord[] {
    const records: JsonRecord[] = []
    for (const [index, start] of starts.entries()) {
      const bytes = block.subarray(start, ends[index]!)
      const text = bytes.toString()
      let value: Value | undefined
      let cause: unknown
      try {
        value = parseJson(text, bytes)
      } catch (error) {
        cause = error
      }
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        records.push(value as JsonRecord)
        continue
      }
      const bad = { number: numbers[index]!, text, cause }
      if (index + 1 < starts.length || Array.isArray(value) || looksLikeHtml(text)) this.#refuse(bad)
      this.#bad = bad
    }
    return records
  }

  /** The body has ended. */
  end(): void {
    if (this.#bad === undefined) return
    const { number, text, cause } = this.#bad
    throw new BodyTruncatedError(
      this.#url,
      `its last line, line ${number}, is no JSON object: ${excerptOf(text)}`,
      { cause },
    )
  }

  /** The line that comes after the parsed ones is too long already, though it has not ended. */
  refuseNextLine(): never {
    return this.#refuseLine(this.#lines + 1)
  }

  #refuseLine(number: number): never {
    throw new BodyTooLargeError(
      this.#url,
      `line ${number} of the JSON Lines body`,
      'maxLineSize',
      this.#maxLineSize,
    )
  }

  #refuse({ number, text, cause }: BadLine): never {
    const other = number === 1 ? wrongKind('jsonl', this.#url, this.#contentType, text) : undefined
    if (other !== undefined && !text.startsWith('[') && !text.startsWith('{')) throw other
    if (looksLikeHtml(text)) throw htmlError(this.#url, this.#contentType, text, 'JSON Lines')
    const excerpt = excerptOf(text)
    const advice = text.startsWith('[')
      ? 'The endpoint seems to answer one JSON array: read it as JSON, not as JSON Lines'
      : 'Check that the endpoint answers JSON Lines, one object a line'
    throw new BodyUnreadableError(
      this.#url,
      `answered line ${number}, which is no JSON object: ${excerpt}. ${advice}`,
      excerpt,
      { cause },
    )
  }
}
