import { pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { isSluiceError } from '../../errors.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTooLargeError, BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { BodyUnreadableError } from './errors.ts'

export interface InflateLimits {
  /** For messages. Redacted by the caller (S1). */
  readonly url: string
  /** Bytes as sent. Without it, no limit. */
  readonly maxBytes?: number
  /** Bytes once inflated. Without it, no limit. */
  readonly maxPageSize?: number
}

// Few, large chunks: each one costs a turn of the event loop.
const chunkSize = 128 * 1024

/** Each takes memory of its own and multiplies what the next one is given: a server that means well uses one, a proxy may add its own. */
const mostEncodings = 4

/**
 * The body's bytes, inflated (gzip, deflate, br, also one upon another), chunk by chunk and bounded: at no time does it hold
 * more than a few chunks, so a body that inflates without end is refused for the price of its limit.
 *
 * What begins with gzip's magic number is gunzipped whatever the headers say (a file `export.jsonl.gz` has no content-encoding),
 * and what is called gzip and does not begin with it is taken as it is (a proxy inflated it and left the header): JSON can't
 * begin with these bytes.
 *
 * @throws BodyTruncatedError fewer bytes than `content-length` says, a compressed stream that breaks off or is damaged, a reset
 * @throws BodyTooLargeError
 * @throws BodyUnreadableError an encoding that is not known
 */
export async function* inflatedBody(
  response: HttpResponse,
  limits: InflateLimits,
): AsyncGenerator<Uint8Array> {
  const { url, maxPageSize } = limits
  const encodings = (firstHeader(response.headers, 'content-encoding') ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity')
  if (encodings.length > mostEncodings) {
    throw new BodyUnreadableError(
      url,
      `answered with ${encodings.length} encodings one upon another (content-encoding: ${encodings.slice(0, mostEncodings).join(', ')}, …); ${mostEncodings} can be read. Ask for one of gzip, deflate and br with an accept-encoding header`,
      encodings.slice(0, mostEncodings).join(', '),
    )
  }
  if (encodings.length === 0) encodings.push('gzip')
  let body: AsyncIterable<Uint8Array> = sentBytes(response, limits)
  for (const encoding of encodings.reverse()) body = inflate(body, encoding, url)

  let inflated = 0
  let whole = false
  try {
    for await (const chunk of body) {
      inflated += chunk.length
      if (maxPageSize !== undefined && inflated > maxPageSize)
        throw new BodyTooLargeError(url, 'the inflated body', 'maxPageSize', maxPageSize)
      yield chunk
    }
    whole = true
  } finally {
    // Not awaited: the reader's own error is the one to report, and it need not wait for the other side.
    if (!whole) response.discard().catch(() => {})
  }
}

async function* sentBytes(response: HttpResponse, limits: InflateLimits): AsyncGenerator<Uint8Array> {
  const { url, maxBytes } = limits
  const length = firstHeader(response.headers, 'content-length')
  const declared = length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined
  const tooLarge = () => new BodyTooLargeError(url, 'the body as sent', 'maxBodySize', maxBytes!)
  if (maxBytes !== undefined && declared !== undefined && declared > maxBytes) throw tooLarge()
  let sent = 0
  try {
    for await (const chunk of response.body) {
      sent += chunk.length
      if (maxBytes !== undefined && sent > maxBytes) throw tooLarge()
      yield chunk
    }
  } catch (error) {
    if (isSluiceError(error) || isAbort(error)) throw error
    throw new BodyTruncatedError(url, `the connection failed after ${sent} bytes (${messageOf(error)})`, {
      cause: error,
    })
  }
  if (declared !== undefined && sent < declared)
    throw new BodyTruncatedError(url, `${sent} of ${declared} bytes arrived`)
}

/** The bytes, gunzipped where they begin as gzip does. */
export function gunzipped(bytes: AsyncIterable<Uint8Array>, url: string): AsyncIterable<Uint8Array> {
  return inflate(bytes, 'gzip', url)
}

async function* inflate(
  source: AsyncIterable<Uint8Array>,
  encoding: string,
  url: string,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const head = await iterator.next()
  if (head.done) return
  const first = head.value
  const rest = prepend(first, iterator)
  const inflater = inflaterFor(encoding, first, url)
  if (inflater === undefined) {
    yield* rest
    return
  }
  // The pipeline hands each side's failure to the other, and stops the one when the other stops; the loop gets the error.
  pipeline(rest, inflater, () => {})
  try {
    for await (const chunk of inflater) yield chunk as Uint8Array
  } catch (error) {
    if (isSluiceError(error) || isAbort(error)) throw error
    throw new BodyTruncatedError(url, `its ${encoding} data is incomplete or damaged (${messageOf(error)})`, {
      cause: error,
    })
  }
}

function inflaterFor(encoding: string, first: Uint8Array, url: string): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return first[0] === 0x1f && (first[1] ?? 0x8b) === 0x8b ? createGunzip({ chunkSize }) : undefined
    case 'deflate':
      // Some servers send the raw stream without zlib's two header bytes, the first of which ends in 8.
      return (first[0]! & 0x0f) === 8 ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize })
    case 'br':
      return createBrotliDecompress({ chunkSize })
    default:
      throw new BodyUnreadableError(
        url,
        `answered with content-encoding ${JSON.stringify(encoding)}; gzip, deflate and br can be read. Ask for one of these with an accept-encoding header`,
        encoding,
      )
  }
}

async function* prepend(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
