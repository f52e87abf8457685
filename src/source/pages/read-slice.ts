import type { PageView, Paginator } from '../../pagination/paginator.ts'
import { PositionGuard } from '../../pagination/position-guard.ts'
import type { Json } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { ReadOptions } from '../../ports/source.ts'
import { onlySlice, type SliceReading } from '../progression.ts'
import { endEarly } from '../reactions/end-early.ts'
import type { FetchedPage, PageFetcher, PartSink } from './fetch-page.ts'
import type { CountMismatch, ListCount } from './list-count.ts'
import type { Followed, ListPlace } from './list-place.ts'
import { ReadAhead } from './read-ahead.ts'
import { RepetitionGuard } from './repeated-page.ts'

export interface SliceRequests {
  readonly paginator: Paginator
  /** What each request is made from. */
  readonly base: RequestSpec
  readonly fetcher: PageFetcher
  /** Most pages that are under way or held in memory at once, beside the one that is handed on. */
  readonly pages: number
  /** Told of the page that is taken for the last of its list, and whether it is the first, too. */
  readonly onLastPage?: (page: PageView, isOnly: boolean) => void
  /** Counts a list that is read from its beginning; what it comes to is told. Default: nothing is counted. */
  readonly count?: (() => ListCount) | undefined
  /** @throws CountMismatchError where that is to stop the stream */
  readonly onMismatch?: (mismatch: CountMismatch, slice: string) => void
  /** Keeps the place in a list whose pages overlap, read from `start` on. Default: pages follow one another. */
  readonly placeFrom?: ((start: Json | undefined) => ListPlace) | undefined
}

export interface SliceReadOptions extends ReadOptions {
  /** The slice's key, for events. */
  readonly slice?: string
}

/**
 * Reads a slice from its position to its end. The next page is asked for as soon as its position is known, before the
 * present one is handed on, and where more positions are known, so are more pages: `pages` ahead, and no more. They are handed on in
 * the order of the list, each with the progress that is true once it is committed. A streamed body is handed on part by part, and
 * nothing is asked for ahead of its end. Resolves at the end; rejects with what stopped it, after everything that came before was
 * handed on.
 */
export async function readSlice(
  reading: SliceReading,
  { paginator, base, fetcher, pages, onLastPage, count, onMismatch, placeFrom }: SliceRequests,
  options: SliceReadOptions,
): Promise<void> {
  const { signal, emit } = options
  const parts: PartSink = {
    begin: () => reading.rewind?.(),
    async part(records, bytes, rejects = []) {
      try {
        await emit({ records: reading.take(records), bytes, ...(rejects.length > 0 && { rejects }) })
      } catch (error) {
        // The taker's error is none of the API's, which must not be asked again because of it.
        ahead.close(error)
        throw error
      }
    },
  }
  const ahead = new ReadAhead({
    paginator,
    pages: fetcher.streams ? 0 : pages,
    // A position that the paginator refuses fails here, too, once what came before was handed on.
    ask: async (position, abort, onHead) =>
      fetcher.fetch(
        paginator.request(reading.request(base, position === undefined), position),
        parts,
        abort,
        { onHead, values: reading.values },
      ),
  })
  const stop = () => ahead.close(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', stop, { once: true })

  try {
    let at = reading.start
    const counted = at === undefined ? count?.() : undefined
    const follow = placeFrom === undefined ? followPages(paginator, at) : followPlace(placeFrom(at), reading)
    for (;;) {
      const page = await ahead.take(at)
      signal.throwIfAborted()
      const { end } = page
      if (end !== undefined) return await endEarly({ ...page, end }, at, reading, options)
      const followed = follow(page, at)
      if (followed.isLost) {
        const elsewhere = followed.next()
        ahead.goOn(page.view, at, elsewhere)
        at = elsewhere
        continue
      }
      counted?.take(page.view, followed.counted)
      const records = reading.take(followed.records)
      const next = followed.next()
      // A reading that has seen enough ends in the middle of its list.
      if (next === undefined && reading.isEnough?.() !== true) {
        onLastPage?.(page.view, at === undefined)
        const mismatch = counted?.mismatch()
        if (mismatch !== undefined) onMismatch?.(mismatch, options.slice ?? onlySlice)
      }
      const progress = reading.progress({ view: page.view, at, next })
      ahead.goOn(page.view, at, next)
      await emit({
        records,
        bytes: page.bytes,
        ...(page.sides !== undefined && { sides: page.sides }),
        ...(page.rejects !== undefined && { rejects: page.rejects }),
        ...(progress !== undefined && { progress }),
      })
      if (next === undefined) return
      at = next
    }
  } finally {
    signal.removeEventListener('abort', stop)
    ahead.close()
  }
}

interface Page extends Pick<Followed, 'records' | 'isLost' | 'counted'> {
  /** Asked once its records were taken, which may say that the reading has seen enough. */
  next(): Json | undefined
}

type Follow = (page: FetchedPage, at: Json | undefined) => Page

/** R1. */
function followPages(paginator: Paginator, start: Json | undefined): Follow {
  const guard = new PositionGuard(start)
  const repetition = new RepetitionGuard()
  return (page, at) => {
    repetition.take(page, at)
    return {
      records: page.records,
      isLost: false,
      counted: { added: page.records.length },
      next() {
        const next = paginator.next(page.view, at)
        guard.follow(next, page.view, page.body)
        return next
      },
    }
  }
}

/** R1. A place that is looked for may well be found where it was before, so that only the positions of empty pages tell a circle. */
function followPlace(place: ListPlace, reading: SliceReading): Follow {
  const guard = new PositionGuard(undefined)
  const repetition = new RepetitionGuard(true)
  return (page, at) => {
    const { records, isLost, counted, next } = place.follow(page, at)
    if (!isLost) {
      repetition.take(page, at)
      if (page.records.length === 0) guard.follow(next, page.view, page.body)
    }
    return { records, isLost, counted, next: () => (!isLost && reading.isEnough?.() ? undefined : next) }
  }
}
