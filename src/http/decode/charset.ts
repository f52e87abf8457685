import { TextDecoder } from 'node:util'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { firstHeader } from '../headers.ts'
import { BodyUnreadableError } from './errors.ts'

/** What of a decoder is used: bytes in, text out; `stream` keeps a character that is cut for the next call. */
export interface Decoder {
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string
}

/** The charset of a body, lower case: its byte order mark, else `configured`, else what `content-type` declares, else what the body says `inside`, else UTF-8. */
export function charsetOf(
  head: Uint8Array,
  headers: HttpHeaders,
  configured?: string,
  inside?: string,
): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (hasUtf8Mark(head)) return 'utf-8'
  return canonical(configured ?? declaredCharset(headers) ?? inside)
}

function declaredCharset(headers: HttpHeaders): string | undefined {
  const match = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(firstHeader(headers, 'content-type') ?? '')
  return match?.[1]?.toLowerCase()
}

/** ASCII is read as UTF-8, which extends it. */
function canonical(charset: string | undefined): string {
  return charset === undefined || /^(utf-?8|us-ascii|ascii)$/.test(charset) ? 'utf-8' : charset
}

/** Whether bodies in this charset can be read. */
export function isKnownCharset(charset: string): boolean {
  if (canonical(charset) === 'utf-8' || windows1252.test(charset)) return true
  try {
    new TextDecoder(charset)
    return true
  } catch {
    return false
  }
}

const windows1252 = /^(iso-?8859-1|latin-?1|windows-1252|cp1252)$/

export function hasUtf8Mark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

/** @throws BodyUnreadableError a charset that is not known */
export function decoderFor(charset: string, url: string): Decoder {
  if (windows1252.test(charset)) return { decode: decodeWindows1252 }
  try {
    return new TextDecoder(charset)
  } catch (cause) {
    throw new BodyUnreadableError(
      url,
      `answered in the charset ${JSON.stringify(charset)}, which is not known. Ask for utf-8 with an accept-charset header`,
      charset,
      { cause },
    )
  }
}

/** Bytes 0x80 to 0x9f: https://encoding.spec.whatwg.org/#windows-1252, which also reads what is called ISO-8859-1. */
const highControls = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

/** Our own, since Node 20's TextDecoder reads windows-1252 as if these bytes were control characters. */
function decodeWindows1252(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (char) => highControls[char.charCodeAt(0) - 0x80]!)
}

/** The bytes in UTF-8, whatever their charset. A byte order mark of UTF-8 is left in its place. */
export async function* utf8Bytes(
  bytes: AsyncIterable<Uint8Array>,
  headers: HttpHeaders,
  url: string,
  configured?: string,
): AsyncGenerator<Uint8Array> {
  let decoder: Decoder | undefined
  let head: Uint8Array | undefined
  let known = false
  for await (const chunk of bytes) {
    if (known) {
      yield decoder === undefined ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }))
      continue
    }
    head = head === undefined ? chunk : Buffer.concat([head, chunk])
    if (head.length < 3) continue
    known = true
    decoder = decoderUnlessUtf8(head, headers, url, configured)
    yield decoder === undefined ? head : Buffer.from(decoder.decode(head, { stream: true }))
  }
  if (known) {
    if (decoder !== undefined) yield Buffer.from(decoder.decode())
  } else if (head !== undefined) {
    decoder = decoderUnlessUtf8(head, headers, url, configured)
    yield decoder === undefined ? head : Buffer.from(decoder.decode(head))
  }
}

function decoderUnlessUtf8(
  head: Uint8Array,
  headers: HttpHeaders,
  url: string,
  configured: string | undefined,
): Decoder | undefined {
  const charset = charsetOf(head, headers, configured)
  return charset === 'utf-8' ? undefined : decoderFor(charset, url)
}
