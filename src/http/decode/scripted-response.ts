// For the tests of decoders: a response around bytes, cut into chunks.
import type { SluiceError } from '../../errors.ts'
import type { HttpHeaders, HttpResponse } from '../../ports/runtime.ts'

export const url = 'https://api.test/export?part=1'

export function responseOf(
  body: string | Uint8Array,
  { headers = {}, size = 50, status = 200 }: { headers?: HttpHeaders; size?: number; status?: number } = {},
): HttpResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return {
    status,
    headers,
    body: (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
    discard: async () => {},
  }
}

/** What a reading fails with. */
export async function failureOf(reading: Promise<unknown>): Promise<SluiceError> {
  return reading.then(
    () => {
      throw new Error('it was read')
    },
    (error: SluiceError) => error,
  )
}
