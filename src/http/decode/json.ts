import type { Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { emptyBody, type ReadDocumentOptions, readDocument } from './document.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import { parseJson, parseKeepingLongNumbers } from './long-numbers.ts'
import { wrongKind } from './wrong-kind.ts'

export type ReadJsonOptions = ReadDocumentOptions

export interface JsonBody {
  readonly value: Value
  /** The inflated body as it came: two pages with equal bytes are the same page (R1). */
  readonly bytes: Buffer
  /** Length of the inflated body. */
  readonly byteLength: number
}

/**
 * Reads a JSON body whole. Long numbers keep their digits (R4).
 *
 * A body that ends before its JSON does is taken for a broken connection and may be retried, for proxies and servers that
 * die in the middle often close without an error. HTML and JSON with a mistake inside were sent on purpose: they are not.
 *
 * @throws BodyTruncatedError
 * @throws BodyTooLargeError
 * @throws BodyUnreadableError
 */
export async function readJson(response: HttpResponse, options: ReadJsonOptions): Promise<JsonBody> {
  const { text, charset, bytes } = await readDocument(response, options)
  try {
    const value = charset === 'utf-8' ? parseJson(text, bytes) : parseKeepingLongNumbers(text)
    return { value, bytes, byteLength: bytes.length }
  } catch (error) {
    throw explain(error, text, response, options.url)
  }
}

function explain(error: unknown, text: string, response: HttpResponse, url: string): Error {
  if (!(error instanceof SyntaxError)) return error as Error
  const contentType = firstHeader(response.headers, 'content-type') ?? ''
  if (text.trim() === '') return emptyBody(response, url, 'JSON')
  const other = wrongKind('json', url, contentType, text)
  if (other !== undefined) return other
  if (endsEarly(error, text))
    return new BodyTruncatedError(
      url,
      `its JSON ends in the middle, after ${text.length} characters: ${excerptOf(text, Math.max(0, text.length - 60))}`,
      { cause: error },
    )
  const position = positionOf(text)
  const from = Math.max(0, position - 40)
  const excerpt = excerptOf(text, from)
  return new BodyUnreadableError(
    url,
    `answered invalid JSON (content-type: ${contentType || 'none'}) at position ${position}, near ${excerpt}. ${advice(text, position)}`,
    excerpt,
    { cause: error },
  )
}

function advice(text: string, position: number): string {
  const rest = text.slice(position)
  const name = /^(NaN|Infinity)\b/.exec(rest)?.[0]
  if (name !== undefined) {
    return `${name} is no JSON: no value stands for it that would be right for each reader, so the API has to leave it out or send null`
  }
  return 'Check that the path is right and that the endpoint answers JSON'
}

/** True where the text is the beginning of a JSON text. V8 gives a position in some of its messages only. */
function endsEarly(error: SyntaxError, text: string): boolean {
  if (/^(Unexpected end of JSON|Unterminated string)/.test(error.message)) return true
  const match = /at position (\d+)/.exec(error.message)
  return match !== null && Number(match[1]) >= text.trimEnd().length
}

/** Where the first mistake is: up to it, each beginning of the text is the beginning of a JSON text. Costs some 20 parses. */
function positionOf(text: string): number {
  let good = 0
  let bad = text.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isBeginning(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    return endsEarly(error as SyntaxError, text)
  }
}
