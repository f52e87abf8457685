import { type PageView, PaginationLoopError, type Paginator } from '../../pagination/paginator.ts'
import type { Json } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { ReadOptions } from '../../ports/source.ts'
import type { SliceReading } from '../progression.ts'
import { endEarly } from '../reactions/end-early.ts'
import type { FetchedPage, PageFetcher, PartSink } from './fetch-page.ts'

/**
 * Reads a slice from its position to its end. The next page is asked for as soon as its position is known, before the
 * present one is handed on: one page ahead, and no more; a streamed body is handed on part by part, and nothing is asked for
 * ahead of its end. Resolves at the end; rejects with what stopped it, after
 * everything that came before was handed on.
 */
export async function readSlice(
  reading: SliceReading,
  paginator: Paginator,
  base: RequestSpec,
  fetcher: PageFetcher,
  options: ReadOptions,
  /** Told of a first page that is the last. */
  onOnlyPage?: (page: PageView) => void,
): Promise<void> {
  const { signal, emit } = options
  // Aborted with the caller's signal, and when anything here throws: a request that is under way then stops.
  const inFlight = new AbortController()
  const stop = () => inFlight.abort(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', stop, { once: true })

  const parts: PartSink = {
    begin: () => reading.rewind?.(),
    async part(records, bytes) {
      try {
        await emit({ records: reading.take(records), bytes })
      } catch (error) {
        // The taker's error is none of the API's, which must not be asked again because of it.
        inFlight.abort(error)
        throw error
      }
    },
  }
  // A position that the paginator refuses fails here, too, once what came before was handed on.
  const ask = async (position: Json | undefined): Promise<FetchedPage> => {
    const request = paginator.request(reading.request(base, position === undefined), position)
    return fetcher.fetch(request, parts, inFlight.signal, reading.values)
  }

  try {
    let at = reading.start
    let previous: SeenPage | undefined
    let page = await ask(at)
    for (;;) {
      signal.throwIfAborted()
      const { end } = page
      if (end !== undefined) return await endEarly({ ...page, end }, at, reading, options)
      refuseRepetition(page, previous)
      const records = reading.take(page.records)
      const next = paginator.next(page.view, at)
      if (at === undefined && next === undefined) onOnlyPage?.(page.view)
      const progress = reading.progress({ view: page.view, at, next })
      const ahead = next === undefined || fetcher.streams ? undefined : ask(next)
      // Whatever becomes of it is seen where it is awaited; until then, or after an error here, nobody looks.
      ahead?.catch(() => {})
      await emit({ records, bytes: page.bytes, ...(progress !== undefined && { progress }) })
      if (next === undefined) return
      previous = page.body && { url: page.view.url, body: page.body }
      at = next
      page = await (ahead ?? ask(next))
    }
  } finally {
    signal.removeEventListener('abort', stop)
    inFlight.abort()
  }
}

/** What is kept of a page to know it again. */
export interface SeenPage {
  readonly url: string
  readonly body: Buffer
}

/** R1: two pages in a row with the same records are the same page, and reading on would never end. */
export function refuseRepetition(page: FetchedPage, previous: SeenPage | undefined): void {
  if (previous === undefined || page.view.records.length === 0) return
  if (page.body?.equals(previous.body)) {
    throw new PaginationLoopError(
      page.view.url,
      `this page is byte for byte the one before it, which came from ${previous.url}`,
    )
  }
}
