import type { JsonRecord } from '../ports/json.ts'
import type { RequestPreview, Stream } from '../ports/source.ts'

export interface StreamPreview {
  readonly stream: string
  readonly request: RequestPreview
  readonly records: readonly JsonRecord[]
}

/** Reads the first records of a stream, from its beginning, and loads nothing. */
export async function previewStream(
  stream: Stream,
  limit: number,
  signal: AbortSignal,
): Promise<StreamPreview> {
  const records: JsonRecord[] = []
  let request: RequestPreview | undefined
  for await (const slice of stream.slices(new Map(), {})) {
    request ??= stream.preview(slice)
    const enough = new AbortController()
    const reading = stream.read(slice, {
      signal: AbortSignal.any([signal, enough.signal]),
      emit: async (page) => {
        records.push(...page.records.slice(0, limit - records.length))
        if (records.length >= limit) enough.abort()
      },
    })
    await reading.catch((error: unknown) => {
      if (!enough.signal.aborted) throw error
    })
    if (records.length >= limit) break
  }
  if (request === undefined) throw new Error(`${stream.name} has no slice to read`)
  return { stream: stream.name, request, records }
}
