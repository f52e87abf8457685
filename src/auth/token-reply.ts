// What token endpoints and logins answer, as unlike as they are.
import { looksLikeHtml } from '../http/decode/errors.ts'
import type { HttpHeaders, HttpResponse } from '../ports/runtime.ts'
import { quotable, TokenRefusedError } from './token-error.ts'

/** The endpoint may answer later: it was overloaded, or its reply did not arrive whole. */
export class TransientTokenError extends Error {
  /** The reply's headers: they may say when to ask again. */
  readonly headers: HttpHeaders
  constructor(message: string, headers: HttpHeaders = {}, options?: ErrorOptions) {
    super(message, options)
    this.headers = headers
  }
}

/** A token reply is a few kilobytes; whatever sends more is something else. */
const maxReplyBytes = 1 << 20

/**
 * The whole body, as text.
 * @param check what to check where it is far too long
 * @throws TokenRefusedError
 */
export async function readReplyText(response: HttpResponse, place: string, check: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.length
    if (size > maxReplyBytes) {
      throw new TokenRefusedError(
        `${place} answered ${response.status} with more than ${maxReplyBytes} bytes: check that ${check}`,
        response.status,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export type Reply = Readonly<Record<string, unknown>>

/** A JSON object or a form; `undefined` where the text is neither. */
export function parseReply(text: string, contentType: string): Reply | undefined {
  if (contentType.includes('x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text))
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Reply) : undefined
  } catch {
    return undefined
  }
}

/**
 * What a success is that has no token where it was expected. Of an object its fields are named, and of a page its beginning is quoted; any other
 * text may be the token itself (S1).
 */
export function describeReply(reply: Reply | undefined, text: string, secrets: Iterable<string>): string {
  if (reply) return `the fields ${quotable(Object.keys(reply).join(', ') || '(none)', secrets)}`
  if (text === '') return 'an empty body'
  if (looksLikeHtml(text)) return quotable(text, secrets, 120)
  return `${Buffer.byteLength(text)} bytes that are no JSON object`
}

export interface ServerError {
  readonly name: string
  readonly description: string | undefined
}

/** The error that a reply tells of, whatever its status. */
export function serverError(reply: Reply): ServerError | undefined {
  const { error } = reply
  const description = typeof reply['error_description'] === 'string' ? reply['error_description'] : undefined
  if (typeof error === 'string' && error !== '') return { name: error, description }
  if (typeof error === 'object' && error !== null) {
    const inner = error as Reply
    const name = inner['code'] ?? inner['type'] ?? inner['status'] ?? 'error'
    return {
      name: String(name),
      description: description ?? (typeof inner['message'] === 'string' ? inner['message'] : undefined),
    }
  }
  // Slack: {"ok": false} under 200
  return reply['ok'] === false ? { name: 'error', description } : undefined
}

export function describeError({ name, description }: ServerError): string {
  return description === undefined ? name : `${name} (${description})`
}

/** RFC 6749 §4.1.2.1's two, the device flow's slow_down, and Slack's own. */
const transientErrors = new Set([
  'temporarily_unavailable',
  'server_error',
  'slow_down',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'ratelimited',
])

/** Whether the server may well answer later. */
export function isTransient(status: number, error: ServerError | undefined): boolean {
  return (
    status === 408 ||
    status === 429 ||
    status >= 500 ||
    (error !== undefined && transientErrors.has(error.name))
  )
}
