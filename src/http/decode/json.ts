import type { Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { charsetOf, decoderFor, hasUtf8Mark } from './charset.ts'
import { BodyUnreadableError, excerptOf, htmlError, looksLikeHtml } from './errors.ts'
import { inflatedBody } from './inflate.ts'
import { defaultBodyLimits } from './limits.ts'
import { parseJson, parseKeepingLongNumbers } from './long-numbers.ts'

export interface ReadJsonOptions {
  /** For messages; without secrets (S1). */
  readonly url: string
  /** Largest body as sent, in bytes. Default: what the client allows. */
  readonly maxBytes?: number
  /** Largest body once inflated, in bytes. Default: 256 MiB. */
  readonly maxPageSize?: number
}

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
  const { url } = options
  const chunks: Uint8Array[] = []
  for await (const chunk of inflatedBody(response, {
    maxPageSize: defaultBodyLimits.maxPageSize,
    ...options,
  }))
    chunks.push(chunk)
  const bytes = chunks.length === 1 ? asBuffer(chunks[0]!) : Buffer.concat(chunks)
  const charset = charsetOf(bytes, response.headers)
  const text = decode(bytes, charset, url)
  try {
    const value = charset === 'utf-8' ? parseJson(text, bytes) : parseKeepingLongNumbers(text)
    return { value, bytes, byteLength: bytes.length }
  } catch (error) {
    throw explain(error, text, response, url)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A byte that is not valid in its charset becomes U+FFFD: one bad name in one record is no reason to stop. */
function decode(bytes: Buffer, charset: string, url: string): string {
  if (charset === 'utf-8') return bytes.toString('utf8', hasUtf8Mark(bytes) ? 3 : 0)
  return decoderFor(charset, url).decode(bytes)
}

function explain(error: unknown, text: string, response: HttpResponse, url: string): Error {
  if (!(error instanceof SyntaxError)) return error as Error
  const contentType = firstHeader(response.headers, 'content-type') ?? ''
  if (text.trim() === '') return emptyBody(response, url)
  if (looksLikeHtml(text)) return htmlError(url, contentType, text)
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
    `answered invalid JSON (content-type: ${contentType || 'none'}) at position ${position}, near ${excerpt}. Check that the path is right and that the endpoint answers JSON`,
    excerpt,
    { cause: error },
  )
}

function emptyBody(response: HttpResponse, url: string): Error {
  const meant = response.status === 204 || firstHeader(response.headers, 'content-length') === '0'
  return meant
    ? new BodyUnreadableError(
        url,
        `answered ${response.status} with an empty body where JSON was expected. Check the path, and the parameters that the endpoint needs`,
        '',
      )
    : new BodyTruncatedError(url, 'it is empty')
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
