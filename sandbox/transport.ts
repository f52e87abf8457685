// The sandbox without a socket: a Transport for tests and simulations in one process.
import { BodyTruncatedError, TransportError } from '../src/http/errors.ts'
import type { HttpResponse, Transport } from '../src/ports/runtime.ts'
import { BrokenConnectionError } from './body.ts'
import type { Sandbox } from './sandbox.ts'

/**
 * Sends each request to the sandbox. Fails as the transport over sockets does: with a TransportError where the connection broke, with a
 * BodyTruncatedError inside the body, with the signal's reason when it is aborted.
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
      if (!(error instanceof BrokenConnectionError)) throw error
      throw new TransportError(url, error.code, error.message, { sent: true, cause: error })
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
    throw new BodyTruncatedError(url, `${received} bytes arrived, then ${error.message}`, { cause: error })
  }
  const announced = response.headers['content-length']
  if (announced !== undefined && Number(announced) !== received) {
    throw new BodyTruncatedError(url, `${received} of ${announced} bytes arrived`)
  }
}
