import { ConfigError } from '../errors.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestPreview, Slice, Stream } from '../ports/source.ts'

export interface StreamPreview {
  readonly stream: string
  /** The first request that was sent. */
  readonly request: RequestPreview
  readonly records: readonly JsonRecord[]
  /** Slices that were read, of how many there are; `null` where nobody knows without asking the API. */
  readonly slices: { readonly read: number; readonly all: number | null }
  /** True where there may be records that a preview does not look for. */
  readonly gaveUp: boolean
}

/** Pages without a record, one after the other, after which a preview looks no further. */
const MOST_EMPTY_PAGES = 10

/**
 * Reads the first records of a stream, as if nothing were loaded, and loads nothing. Of several slices the last is read first: most
 * likely it holds records, where a stream in windows of time may begin with years of none.
 */
export async function previewStream(
  stream: Stream,
  limit: number,
  signal: AbortSignal,
): Promise<StreamPreview> {
  const slices: Slice[] = []
  // Slices that the API is asked for may be many: of those the first ones are looked at.
  const { slicing } = stream
  for await (const slice of stream.slices(new Map(), {}, signal)) {
    if (slice.closing) continue
    slices.push(slice)
    if (slicing !== undefined && slices.length > MOST_EMPTY_PAGES) break
  }
  if (slicing === undefined) slices.reverse()
  const [first] = slices
  if (first === undefined) {
    throw new ConfigError(stream.name, `there is no slice to look at: it has ${slicing ?? 'none'}`)
  }

  const records: JsonRecord[] = []
  let read = 0
  let emptyPages = 0
  let gaveUp = false
  for (const slice of slices) {
    read++
    const enough = new AbortController()
    const before = emptyPages
    const reading = stream.read(slice, {
      signal: AbortSignal.any([signal, enough.signal]),
      emit: async (page) => {
        records.push(...page.records.slice(0, limit - records.length))
        emptyPages = page.records.length === 0 ? emptyPages + 1 : 0
        gaveUp = emptyPages >= MOST_EMPTY_PAGES
        if (gaveUp || records.length >= limit) enough.abort()
      },
    })
    await reading.catch((error: unknown) => {
      if (!enough.signal.aborted) throw error
    })
    // A slice that gave no page was asked for all the same.
    if (records.length === 0 && emptyPages === before) emptyPages++
    gaveUp ||= emptyPages >= MOST_EMPTY_PAGES && read < slices.length
    if (gaveUp || records.length >= limit) break
  }
  return {
    stream: stream.name,
    request: stream.preview(first),
    records,
    slices: { read, all: slicing === undefined ? slices.length : null },
    gaveUp: gaveUp && records.length < limit,
  }
}
