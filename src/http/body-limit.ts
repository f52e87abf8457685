import type { HttpResponse } from '../ports/runtime.ts'
import { BodyTooLargeError } from './errors.ts'

export interface LimitedResponse extends HttpResponse {
  /** True once the body was read to its end. */
  readonly complete: boolean
  /** Bytes that have come. */
  readonly received: number
}

/**
 * The response with a cap on its body as it is sent, still compressed; the cap on what it inflates to is the decoder's.
 * @throws BodyTooLargeError at once where `content-length` announces more, else as soon as more has arrived
 */
export function limitBody(response: HttpResponse, maxBytes: number, url: string): LimitedResponse {
  const announced = Number(response.headers['content-length'])
  if (announced > maxBytes)
    throw new BodyTooLargeError(url, `the body (${announced} bytes)`, 'maxBodySize', maxBytes)
  return new Limited(response, maxBytes, url)
}

class Limited implements LimitedResponse {
  readonly status: number
  readonly headers: HttpResponse['headers']
  readonly body: AsyncIterable<Uint8Array>
  complete = false
  received = 0
  readonly #response: HttpResponse

  constructor(response: HttpResponse, maxBytes: number, url: string) {
    this.status = response.status
    this.headers = response.headers
    this.#response = response
    this.body = this.#read(maxBytes, url)
  }
  discard(): Promise<void> {
    return this.complete ? Promise.resolve() : this.#response.discard()
  }
  async *#read(maxBytes: number, url: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#response.body) {
      this.received += chunk.byteLength
      if (this.received > maxBytes) throw new BodyTooLargeError(url, 'the body', 'maxBodySize', maxBytes)
      yield chunk
    }
    this.complete = true
  }
}
