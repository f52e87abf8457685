import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { bodyFiles } from './body-files.ts'
import { charsetOf, decoderFor, hasUtf8Mark } from './charset.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import { defaultBodyLimits } from './limits.ts'

export interface ReadDocumentOptions {
  /** For messages; without secrets (S1). */
  readonly url: string
  /** Largest body as sent, in bytes. Default: what the client allows. */
  readonly maxBytes?: number
  /** Largest body once inflated, in bytes. Default: 256 MiB. */
  readonly maxPageSize?: number
  /** Charset of a body without a byte order mark. Default: the one of `content-type`, else UTF-8. */
  readonly encoding?: string
  /** Name of the file in a zip archive, with `*` for any text. Default: its only one. */
  readonly entry?: string
  /** Reads a charset that the body itself declares, from its first bytes. */
  readonly charsetInside?: (head: Buffer) => string | undefined
}

/** A body that was read whole. */
export interface DocumentText {
  readonly text: string
  readonly charset: string
  /** The inflated body as it came: two pages with equal bytes are the same page (R1). */
  readonly bytes: Buffer
}

/**
 * Reads a body whole, inflated and decoded. An empty one is an empty text.
 * @throws BodyUnreadableError a zip archive with no file or several; also what `bodyFiles` throws
 */
export async function readDocument(
  response: HttpResponse,
  options: ReadDocumentOptions,
): Promise<DocumentText> {
  const { url, encoding, entry, charsetInside, ...limits } = options
  let bytes: Buffer | undefined
  let name: string | undefined
  const all = { maxPageSize: defaultBodyLimits.maxPageSize, ...limits, url }
  for await (const file of bodyFiles(response, all, entry)) {
    if (bytes !== undefined) {
      throw new BodyUnreadableError(
        url,
        `answered a zip archive with several files, ${excerptOf(name ?? '')} and ${excerptOf(file.name ?? '')} among them, where one document was expected. Say which one to read with \`entry\` of \`format\``,
        file.name ?? '',
      )
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of file.bytes) chunks.push(chunk)
    bytes = chunks.length === 1 ? asBuffer(chunks[0]!) : Buffer.concat(chunks)
    name = file.name
  }
  if (bytes === undefined) {
    throw new BodyUnreadableError(
      url,
      'answered a zip archive without a file in it, where a document was expected',
      '',
    )
  }
  const charset = charsetOf(bytes, response.headers, encoding, charsetInside?.(bytes.subarray(0, 200)))
  return { text: decode(bytes, charset, url), charset, bytes }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A byte that is not valid in its charset becomes U+FFFD: one bad name in one record is no reason to stop. */
function decode(bytes: Buffer, charset: string, url: string): string {
  if (charset === 'utf-8') return bytes.toString('utf8', hasUtf8Mark(bytes) ? 3 : 0)
  return decoderFor(charset, url).decode(bytes)
}

/** The error for a body without content: one that was sent on purpose would be sent again, another may have broken off. */
export function emptyBody(response: HttpResponse, url: string, expected: string): Error {
  return firstHeader(response.headers, 'content-length') === '0' || response.status === 204
    ? new BodyUnreadableError(
        url,
        `answered ${response.status} with an empty body where ${expected} was expected. Check the path, and the parameters that the endpoint needs`,
        '',
      )
    : new BodyTruncatedError(url, 'it is empty')
}
