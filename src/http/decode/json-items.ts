// A JSON document that is too long to be held whole: the items of one list in it are parsed as they arrive, in blocks, and what is
// beside them is kept, to be parsed as a document of its own in which that list is empty.
import type { Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTooLargeError, BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { bodyFiles } from './body-files.ts'
import { utf8Bytes } from './charset.ts'
import { emptyBody } from './document.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import type { InflateLimits } from './inflate.ts'
import { parseJson } from './long-numbers.ts'
import { withoutMarkAndLines } from './skip-lines.ts'
import { wrongKind } from './wrong-kind.ts'

export interface ReadJsonItemsOptions extends InflateLimits {
  /** The keys that lead to the list. None where the body itself is the list. */
  readonly path: readonly string[]
  readonly encoding?: string
  readonly entry?: string
  /** Longest item, and longest rest of the document, in bytes. */
  readonly maxLineSize: number
  /** Items are handed on as soon as they make up this many bytes. */
  readonly batchBytes: number
  /** Takes items and their size in bytes; reading goes on when it resolves. */
  readonly onItems: (items: Value[], bytes: number) => Promise<void>
}

/** Items are parsed by the block. */
const blockBytes = 64 * 1024

const quote = 34
const comma = 44
const backslash = 92
const openList = 91
const closeList = 93
const openObject = 123
const closeObject = 125

/**
 * Reads the items of a list in a JSON document, never whole in memory. Gives the document around them, its list empty; where there is
 * no list at the path, that is the whole document. Long numbers keep their digits (R4).
 * @throws BodyTruncatedError a document that ends early
 * @throws BodyUnreadableError invalid JSON, or a body of another kind
 * @throws BodyTooLargeError an item, or what is beside the list, is longer than `maxLineSize`
 */
export async function readJsonItems(
  response: HttpResponse,
  options: ReadJsonItemsOptions,
): Promise<{ items: number; rest: Value }> {
  const { url, batchBytes, onItems, encoding, entry } = options
  let result: { items: number; rest: Value } | undefined
  for await (const file of bodyFiles(response, options, entry)) {
    const scanner = new ItemScanner(options)
    let items = 0
    const flush = async (atLeast: number) => {
      if (scanner.bytes < atLeast || scanner.items.length === 0) return
      const { items: batch, bytes } = scanner.take()
      items += batch.length
      await onItems(batch, bytes)
    }
    const bytes = utf8Bytes(file.bytes, response.headers, url, encoding)
    try {
      for await (const chunk of withoutMarkAndLines(bytes, 0)) {
        scanner.read(chunk)
        await flush(batchBytes)
      }
      const rest = scanner.end()
      if (rest === undefined) throw emptyBody(response, url, 'JSON')
      await flush(0)
      result = { items: items + (result?.items ?? 0), rest }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      const contentType = firstHeader(response.headers, 'content-type') ?? ''
      const other = wrongKind('json', url, contentType, scanner.head)
      if (other !== undefined) throw other
      const excerpt = excerptOf(scanner.failedText)
      throw new BodyUnreadableError(
        url,
        `answered invalid JSON (content-type: ${contentType || 'none'}), after ${items} records, in ${excerpt}. Check that the endpoint answers JSON`,
        excerpt,
        { cause: error },
      )
    }
  }
  return result ?? { items: 0, rest: null }
}

/** Tells the items of the list from what is beside it, and parses them. */
class ItemScanner {
  readonly #url: string
  readonly #path: readonly string[]
  readonly #maxLineSize: number

  /** Open containers; the outermost `#matched` of them are on the way to the list. */
  #depth = 0
  #matched = 0
  #inString = false
  #escaped = false
  /** The next value is at the next step of the path. */
  #isNext = true
  /** A key is read that may be the next step. */
  #key: number[] | undefined
  #mayBeKey = false
  /** Depth inside the list; 0 outside of it. */
  #list = 0

  #rest: Uint8Array[] = []
  #restBytes = 0
  /** Of the list: what isn't parsed yet, and the offset of its last comma. */
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #complete = -1

  items: Value[] = []
  /** Size of the items that were parsed and not taken. */
  bytes = 0
  /** What could not be parsed. */
  failedText = ''

  constructor({ url, path, maxLineSize }: ReadJsonItemsOptions) {
    this.#url = url
    this.#path = path
    this.#maxLineSize = maxLineSize
  }

  /** The beginning of the document. */
  get head(): string {
    return Buffer.concat(this.#rest).subarray(0, 1000).toString()
  }

  take(): { items: Value[]; bytes: number } {
    const { items, bytes } = this
    this.items = []
    this.bytes = 0
    return { items, bytes }
  }

  read(chunk: Uint8Array): void {
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (this.#inString) {
        if (this.#key !== undefined) this.#key.push(byte)
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) {
          this.#inString = false
          if (this.#key !== undefined) this.#endKey()
        }
        continue
      }
      switch (byte) {
        case quote:
          this.#inString = true
          if (this.#mayBeKey && this.#depth === this.#matched) this.#key = [quote]
          break
        case openList:
        case openObject:
          this.#depth++
          if (this.#isNext && this.#depth === this.#matched + 1) {
            const isList = this.#matched === this.#path.length
            if (byte === (isList ? openList : openObject)) this.#matched++
            if (isList && byte === openList) {
              this.#list = this.#depth
              this.#keep(chunk.subarray(from, at + 1))
              from = at + 1
            }
          }
          this.#isNext = false
          this.#mayBeKey = byte === openObject
          break
        case closeList:
        case closeObject:
          if (this.#depth === this.#list && this.#list > 0) {
            this.#hold(chunk.subarray(from, at))
            from = at
            this.#parse(this.#pendingBytes)
            this.#list = 0
          }
          if (this.#matched === this.#depth) this.#matched--
          this.#depth--
          this.#isNext = false
          break
        case comma:
          if (this.#list === 0) {
            this.#isNext = false
            this.#mayBeKey = this.#depth === this.#matched
          } else if (this.#depth === this.#list) this.#complete = this.#pendingBytes + at - from
          break
      }
    }
    if (this.#list === 0) this.#keep(chunk.subarray(from))
    else {
      this.#hold(chunk.subarray(from))
      if (this.#pendingBytes >= blockBytes && this.#complete >= 0) this.#parse(this.#complete)
      if (this.#pendingBytes > this.#maxLineSize) this.#refuse('a record of the JSON body')
    }
  }

  /** The document without the list's items; `undefined` where there is none. */
  end(): Value | undefined {
    const bytes = Buffer.concat(this.#rest)
    const text = bytes.toString()
    // What doesn't begin as JSON is no document that was cut.
    if ((this.#depth > 0 || this.#inString) && /^\s*[[{]/.test(text)) {
      throw new BodyTruncatedError(
        this.#url,
        `its JSON ends in the middle: ${excerptOf(text, Math.max(0, text.length - 60))}`,
      )
    }
    if (text.trim() === '') return undefined
    this.failedText = text
    return parseJson(text, bytes)
  }

  #endKey(): void {
    const text = Buffer.from(this.#key!).toString()
    this.#key = undefined
    this.#mayBeKey = false
    this.failedText = text
    this.#isNext = JSON.parse(text) === this.#path[this.#matched - 1]
  }

  #keep(bytes: Uint8Array): void {
    this.#rest.push(bytes)
    this.#restBytes += bytes.length
    if (this.#restBytes > this.#maxLineSize) this.#refuse('what is beside the records in the JSON body')
  }

  #hold(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
  }

  /** Parses what is pending up to `length`, where a comma or the end of the list is. */
  #parse(length: number): void {
    const all = Buffer.concat([Buffer.from('['), ...this.#pending, Buffer.from(' ')])
    const block = all.subarray(0, length + 2)
    const after = all.subarray(length + 2, -1)
    block[length + 1] = closeList
    this.#pending = after.length > 0 ? [after] : []
    this.#pendingBytes = after.length
    this.#complete = -1
    const text = block.toString()
    this.failedText = text
    const items = parseJson(text, block) as Value[]
    this.bytes += length
    if (this.items.length === 0) this.items = items
    else for (const item of items) this.items.push(item)
  }

  #refuse(what: string): never {
    throw new BodyTooLargeError(this.#url, what, 'maxLineSize', this.#maxLineSize)
  }
}
