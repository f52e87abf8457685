// One answer of an API, for looking at: bounded, and apart from what it may mean.

import type { Client } from '../http/client.ts'
import { inflatedBody } from '../http/decode/inflate.ts'
import { BodyTooLargeError } from '../http/errors.ts'
import { firstHeader } from '../http/headers.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import { sniffFormat } from './sample-format.ts'

export interface Sample {
  /** As it was asked. */
  readonly url: string
  readonly status: number
  readonly headers: HttpHeaders
  readonly contentType: string
  /** The body's beginning, inflated. */
  readonly bytes: Buffer
  /** False where more followed that was not read. */
  readonly whole: boolean
}

/** A document is read whole up to here. */
const mostOfDocument = 64 << 20
/** Of rows and lines, so many bytes are enough. */
const enoughOfLines = 2 << 20

/**
 * Asks once.
 * @throws BodyTooLargeError where a document is larger than 64 MiB; what the client throws
 */
export function fetchSample(client: Client, request: RequestSpec, signal?: AbortSignal): Promise<Sample> {
  return client.request(
    request,
    async (response, url) => {
      const contentType = firstHeader(response.headers, 'content-type') ?? ''
      const chunks: Uint8Array[] = []
      let size = 0
      let whole = true
      for await (const chunk of inflatedBody(response, { url })) {
        chunks.push(chunk)
        size += chunk.length
        if (size < enoughOfLines) continue
        const { format } = sniffFormat(contentType, Buffer.from(chunks[0]!).toString())
        if (format === 'csv' || format === 'jsonl') {
          whole = false
          break
        }
        if (size > mostOfDocument)
          throw new BodyTooLargeError(url, 'the answer', 'maxPageSize', mostOfDocument)
      }
      const bytes = Buffer.concat(chunks)
      return { url, status: response.status, headers: response.headers, contentType, bytes, whole }
    },
    { ...(signal && { signal }) },
  )
}

/** The sample's bytes as a response that can be decoded. What broke off in the middle of a line ends before it. */
export function asResponse({ status, headers, bytes, whole }: Sample) {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers
  const body = whole ? bytes : bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
  return {
    status,
    headers: rest,
    body: (async function* () {
      if (body.length > 0) yield body
    })(),
    async discard() {},
  }
}
