// The sandbox without a socket: a Transport for tests and simulations in one process.
import { SluiceError } from '../src/errors.ts'
import type { HttpRequest, HttpResponse, Transport } from '../src/ports/runtime.ts'
import { BrokenConnectionError } from './body.ts'
import type { Sandbox } from './sandbox.ts'

/** What the transport over sockets throws too when the server breaks the connection: the client may try again. */
export class SandboxTransportError extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery = 'retry'
  readonly url: string
  constructor(url: string, problem: string, options?: ErrorOptions) {
    super(`${url}: ${problem}`, options)
    this.url = url
  }
}

/**
 * Sends each request to the sandbox. A broken connection, before or inside the body, and a body that is shorter than its Content-Length
 * reject with a SandboxTransportError; an aborted signal rejects with its reason.
 */
export function sandboxTransport(sandbox: Sandbox): Transport {
  return async (request, signal) => {
    signal?.throwIfAborted()
    try {
      const response = await sandbox.handle(request, signal)
      signal?.throwIfAborted()
      return { ...response, body: checked(request, response, signal) }
    } catch (error) {
      throw translated(request, error)
    }
  }
}

async function* checked(
  request: HttpRequest,
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
    throw translated(request, error)
  }
  const announced = response.headers['content-length']
  if (announced !== undefined && Number(announced) !== received) {
    throw new SandboxTransportError(
      addressOf(request),
      `the body ended after ${received} of ${announced} bytes`,
    )
  }
}

function translated(request: HttpRequest, error: unknown): unknown {
  if (!(error instanceof BrokenConnectionError)) return error
  return new SandboxTransportError(addressOf(request), error.message, { cause: error })
}

/** Without the query, which may hold a credential (S1). */
const addressOf = (request: HttpRequest): string => request.url.split('?', 1)[0] as string
