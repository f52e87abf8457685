// How a reply becomes bytes on the wire, whole or broken.
import type { Clock, HttpResponse } from '../src/ports/runtime.ts'
import type { FaultKind } from './faults.ts'
import type { Reply } from './service.ts'

/** The connection broke: what a server does by destroying its socket. */
export class BrokenConnectionError extends Error {
  readonly code = 'ECONNRESET'
  constructor(when: 'before the headers' | 'in the middle of the body') {
    super(`the sandbox broke the connection ${when}`)
    this.name = 'BrokenConnectionError'
  }
}

const SLOW_PIECES = 4

export interface BodyFault {
  readonly kind: FaultKind | undefined
  readonly clock: Clock
  readonly slowMs: number
  readonly signal: AbortSignal | undefined
}

export function toResponse(reply: Reply, fault: BodyFault): HttpResponse {
  const headers: Record<string, string> = { ...reply.headers }
  let pieces: Iterable<Uint8Array>
  if (typeof reply.body === 'string') {
    const bytes = Buffer.from(reply.body)
    headers['content-length'] = `${bytes.length}`
    pieces = bytes.length === 0 ? [] : [bytes]
  } else {
    pieces = reply.body
    // Only a body that announces its length can fall short of it.
    if (fault.kind === 'short') fault = { ...fault, kind: 'truncate' }
  }
  return {
    status: reply.status,
    headers,
    body: reply.status === 200 ? damaged(pieces, fault) : whole(pieces),
    discard: async () => {},
  }
}

async function* whole(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces
}

function damaged(pieces: Iterable<Uint8Array>, fault: BodyFault): AsyncGenerator<Uint8Array> {
  switch (fault.kind) {
    case 'slow':
      return slow(pieces, fault)
    case 'truncate':
      return half(pieces, true)
    case 'short':
      return half(pieces, false)
    default:
      return whole(pieces)
  }
}

async function* slow(pieces: Iterable<Uint8Array>, fault: BodyFault): AsyncGenerator<Uint8Array> {
  let first = true
  for (const piece of pieces) {
    if (!first) {
      yield piece
      continue
    }
    first = false
    const step = Math.ceil(piece.length / SLOW_PIECES)
    for (let start = 0; start < piece.length; start += step) {
      await fault.clock.sleep(fault.slowMs / SLOW_PIECES, fault.signal)
      yield piece.subarray(start, start + step)
    }
  }
}

/** Half of a text; of a stream all but its last piece, and half of that. */
async function* half(pieces: Iterable<Uint8Array>, breaks: boolean): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined
  for (const piece of pieces) {
    if (held) yield held
    held = piece
  }
  if (held && held.length > 1) yield held.subarray(0, held.length >> 1)
  if (breaks) throw new BrokenConnectionError('in the middle of the body')
}
