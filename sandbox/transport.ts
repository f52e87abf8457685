// The sandbox without a socket: a Transport for tests and simulations in one process.
import { SluiceError } from '../src/errors.ts'
import type { HttpResponse, Transport } from '../src/ports/runtime.ts'
import { BrokenConnectionError } from './body.ts'
import type { Sandbox } from './sandbox.ts'

/** The connection broke before the headers. Fields and codes are those of the transport over sockets. */
export class SandboxTransportError extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery = 'retry'
  readonly causeCode = 'ECONNRESET'
  readonly sent = true
  readonly url: string
  constructor(url: string, options: ErrorOptions) {
    super(`${url}: the sandbox broke the connection before the headers (ECONNRESET)`, options)
    this.url = url
  }
}

/** The body broke off, or ended before its Content-Length. */
export class SandboxBodyTruncatedError extends SluiceError {
  readonly code = 'BODY_TRUNCATED'
  readonly recovery = 'retry'
  readonly url: string
  readonly receivedBytes: number
  constructor(url: string, receivedBytes: number, problem: string, options?: ErrorOptions) {
    super(`${url}: the body broke off after ${receivedBytes} bytes: ${problem}`, options)
    this.url = url
    this.receivedBytes = receivedBytes
  }
}

/**
 * Sends each request to the sandbox. Rejects with a SandboxTransportError where the connection broke; the body rejects with a
 * SandboxBodyTruncatedError; an aborted signal rejects with its reason.
 */
export function sandboxTransport(sandbox: Sandbox): Transport {
  return async (request, signal) => {
    signal?.throwIfAborted()
    // Without the query, which may hold a credential (S1).
    const url = request.url.split('?', 1)[0] as string
    let response: HttpResponse
    try {
      response = await sandbox.handle(request, signal)
    } catch (error) {
      throw error instanceof BrokenConnectionError ? new SandboxTransportError(url, { cause: error }) : error
    }
    signal?.throwIfAborted()
    return { ...response, body: checked(url, response, signal) }
  }
}

async function* checked(
  url: string,
  response: HttpResponse,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0
  try {
    for await (const piece of response.body) {
      signal?.throwIfAborted()
      received += piece.length
      yield piece
    }
  } catch (error) {
    if (!(error instanceof BrokenConnectionError)) throw error
    throw new SandboxBodyTruncatedError(url, received, error.message, { cause: error })
  }
  const announced = response.headers['content-length']
  if (announced !== undefined && Number(announced) !== received) {
    throw new SandboxBodyTruncatedError(url, received, `${announced} were announced`)
  }
}
