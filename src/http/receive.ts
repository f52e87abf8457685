import { constants, gunzipSync } from 'node:zlib'
import type { Clock, HttpHeaders, HttpResponse, Transport } from '../ports/runtime.ts'
import type { Answer } from './answer.ts'
import { parseErrorBody } from './api-message.ts'
import { limitBody } from './body-limit.ts'
import type { Call, Send } from './layer.ts'
import type { Redactor } from './redact.ts'
import { RedirectReceived, redirectTarget } from './redirect.ts'
import { statusError } from './status-error.ts'

export interface ReceiveOptions {
  /** Largest body as it is sent, in bytes. */
  readonly maxBodySize: number
  readonly redactor: Redactor
  readonly clock: Clock
  /** Sees the head of every response, refusals included. */
  readonly onHead: (status: number, headers: HttpHeaders, call: Call) => void
}

/** How much of an error response's body is read, in bytes. */
const errorBodyBytes = 16_384

/** The innermost part of the chain: sends, hands a success to the consumer, and makes everything else an error. */
export function receive(transport: Transport, options: ReceiveOptions): Send {
  return async (call, consume) => {
    const response = await transport(call.request, call.signal)
    options.onHead(response.status, response.headers, call)
    if (response.status < 200 || response.status >= 300) throw await refusal(response, call, options)
    const limited = await discardOnError(response, async () =>
      limitBody(response, options.maxBodySize, call.url),
    )
    const charge: Parameters<typeof consume>[2] = (cost) => call.permit?.charge?.(cost)
    try {
      const result = await discardOnError(limited, () => consume(limited, call.url, charge))
      if (!limited.complete) await limited.discard()
      return result
    } finally {
      charge({ bytes: limited.received })
    }
  }
}

/** An early end of reading gives the connection back, whatever ended it. */
async function discardOnError<T>(response: HttpResponse, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    await response.discard().catch(() => {})
    throw error
  }
}

async function refusal(response: HttpResponse, call: Call, options: ReceiveOptions): Promise<Error> {
  const { status, headers } = response
  const target = redirectTarget(status, headers, call.url)
  if (target !== undefined) {
    await response.discard().catch(() => {})
    call.permit?.charge?.({ bytes: announcedBytes(headers) })
    return new RedirectReceived(status, target)
  }
  const { text, bytes } = await readStart(response, call.signal)
  const body = parseErrorBody(text)
  // What a refusal weighs counts as anything else does, and some say what they did cost (Q1).
  call.permit?.charge?.({ bytes, body })
  const answer: Answer = {
    method: call.request.method,
    url: options.redactor.url(call.url),
    status,
    headers,
    body,
    text: () => text,
  }
  return statusError(answer, {
    now: options.clock.now(),
    about: call.about,
    ruling: call.react?.(answer),
    redact: options.redactor.text,
  })
}

/**
 * The start of an error's body as text, and what the body weighs: as it announces itself, where it was not read to its end. A body that
 * breaks off is shown as far as it came.
 */
async function readStart(
  response: HttpResponse,
  signal: AbortSignal | undefined,
): Promise<{ readonly text: string; readonly bytes: number }> {
  const chunks: Uint8Array[] = []
  let length = 0
  let cut = false
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk)
      length += chunk.byteLength
      cut = length >= errorBodyBytes
      if (cut) break
    }
  } catch {
    signal?.throwIfAborted()
  }
  await response.discard().catch(() => {})
  const bytes = cut ? Math.max(length, announcedBytes(response.headers)) : length
  return { text: textOf(Buffer.concat(chunks)), bytes }
}

/** What a body weighs as its head says; 0 where it doesn't. */
function announcedBytes(headers: HttpHeaders): number {
  const announced = Number(headers['content-length'])
  return Number.isFinite(announced) ? Math.max(0, announced) : 0
}

function textOf(sent: Buffer): string {
  let bytes = sent
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 })
    } catch {
      return ''
    }
  }
  return bytes.toString('utf8', 0, errorBodyBytes)
}
