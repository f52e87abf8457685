// Reads a list that shifts. Each page is asked for so that it begins with the last record of the one before. A page that has none of
// the records that were read last is not handed on: the place is looked for in front of it and behind it, in steps of a page.
//
// Why nothing is lost: let the order of the records that stay be the same throughout. What was read of them is then a beginning of the
// list, and a page that has one record of it has everything that follows up to the page's end, whenever it was answered.
import { type ListWindow, type ListWindows, leastToOverlap } from '../../pagination/list-windows.ts'
import { PaginationStuckError } from '../../pagination/paginator.ts'
import type { Json, JsonRecord } from '../../ports/json.ts'
import type { FetchedPage } from './fetch-page.ts'
import { KnownRecords, type RecordCursor, type RecordIdentity } from './known-records.ts'
import type { CountedPage } from './list-count.ts'
import { type Place, placeOf } from './place-position.ts'

/** What a page has come to. */
export interface Followed {
  /** What of it is to be handed on. */
  readonly records: readonly JsonRecord[]
  /** Where reading goes on; `undefined` after the last page. */
  readonly next: Json | undefined
  /** The page was not recognised: nothing of it counts, and `next` is no position to store. */
  readonly isLost: boolean
  readonly counted: CountedPage
}

/** A list that has moved between two pages. */
export interface Shift {
  /** By how many records, those that came in front of the place less those that went; `null` where its last record is gone. */
  readonly by: number | null
  /** Pages that were read to find the place again. */
  readonly pages: number
}

export interface ListPlaceOptions {
  readonly identity: RecordIdentity
  /** Whether records must be handed on in the order of the list. */
  readonly inOrder: boolean
  /** What rises where a record moves to the end of the list because it changed. */
  readonly cursor?: RecordCursor | undefined
  readonly onShift?: (shift: Shift) => void
  /** Told once that the order is not stable. */
  readonly onReorder?: () => void
}

/** Pages that are looked at in front of a place that is lost, and as many behind it. */
const mostSearched = 16
/** How often a list is begun anew because its place was lost. */
const mostRestarts = 10
/** Pages in a row that have records, none that is new, and lead no farther, after which the list is taken for one that changes faster than it is read. */
const mostIdle = 300

/** The place in one list, which is read once. */
export class ListPlace {
  readonly #windows: ListWindows
  readonly #options: ListPlaceOptions
  readonly #known: KnownRecords
  /** Of the page that was recognised last. */
  #total: number | undefined
  #longest = 0
  #idle = 0
  /** The farthest of the records that were read, on the pages that brought none that is new. */
  #reached = 0
  #toldReorder = false
  /** Whether the page that was recognised last had fewer records than were asked for. */
  #wasShort = false

  constructor(windows: ListWindows, start: Json | undefined, options: ListPlaceOptions) {
    this.#windows = windows
    this.#options = options
    this.#known = new KnownRecords(options.identity, {
      inOrder: options.inOrder,
      fromStart: start === undefined,
      cursor: options.cursor,
    })
  }

  /**
   * Takes the page at `position`.
   * @throws PaginationStuckError where the place is lost again and again, or an empty page says that the list goes on (R5)
   */
  follow(page: FetchedPage, position: Json | undefined): Followed {
    const { view, records } = page
    let moved = 0
    let isAnew = false
    let place = placeOf(position, this.#windows, view.url)
    const window = this.#windows.window(place.at, place.most)
    const found = this.#known.recognise(records, place.known ?? [])
    const isReached = window.start + view.records.length > place.at

    if (found === undefined) {
      if (place.probe !== undefined && isReached && !place.cuts)
        return this.#lead([], { at: place.probe, cuts: true, ...this.#kept(place) })
      const isAccepted = window.start === 0 || place.gap || place.probe !== undefined
      if (!isAccepted) {
        const isFiltered = records.length === 0 && this.#windows.says(view, window) === 'more'
        return isFiltered ? this.#passOver(page, place, window) : this.#search(page, place, window)
      }
      if (window.start === 0 && position !== undefined) {
        const before = place
        place = this.#beginAgain(place, view.url)
        isAnew = place !== before
        moved = -1 - expectedAt(before)
      }
    } else {
      this.#tell(found, place, window)
      if (!place.gap) moved = window.start + found.lastAt - expectedAt(place) - found.between
    }

    const fresh = found?.fresh ?? (place.probe === undefined || isReached ? records : [])
    this.#countIdle(records, fresh, found?.reached ?? 0)
    if (this.#idle > mostIdle) throw this.#tooFast(view.url)
    this.#known.add(fresh, records)
    this.#longest = Math.max(this.#longest, view.records.length)
    this.#total = this.#windows.total(view)
    // What the API leaves out of a page looks as if others had come in front of the next one.
    if (moved > 0 && this.#wasShort) moved = 0
    this.#wasShort = window.length !== undefined && view.records.length < window.length
    const counted = { added: found?.added ?? fresh.length, moved, isAnew }
    // The end is where nothing stood behind the last record that was read.
    if (place.probe !== undefined && !isReached && this.#windows.says(view, window) !== 'more')
      return { records: fresh, next: undefined, isLost: false, counted }
    return { ...this.#goOn(page, place, window, fresh), counted }
  }

  /** A page that leads on through what was read, from where the place was found again, is not idle. */
  #countIdle(records: readonly JsonRecord[], fresh: readonly JsonRecord[], reached: number): void {
    if (fresh.length > 0) {
      this.#idle = 0
      this.#reached = 0
    } else if (reached > this.#reached) this.#reached = reached
    else if (records.length > 0) this.#idle++
  }

  #goOn(page: FetchedPage, place: Place, window: ListWindow, fresh: readonly JsonRecord[]): Followed {
    const { view } = page
    const count = view.records.length
    const says = this.#windows.says(view, window)
    if (says === 'end' || (count === 0 && says !== 'more'))
      return { records: fresh, next: undefined, isLost: false, counted: nothingCounted }
    if (count === 0) return this.#passOver(page, place, window)
    const end = window.start + count
    const isShort = window.length !== undefined && count < window.length
    const kept = this.#kept(place)
    // The API may allow smaller pages than were asked for.
    if (isShort && window.start === 0 && count >= leastToOverlap) kept.most = count
    if (says === 'more')
      return this.#lead(fresh, count === 1 ? { at: end, gap: true, ...kept } : { at: end - 1, ...kept })
    const isDoubtful = count === 1 || (isShort && (!place.cuts || fresh.length === 0))
    return this.#lead(fresh, isDoubtful ? { at: end, probe: end - 1, ...kept } : { at: end - 1, ...kept })
  }

  /** Goes on behind a page from which everything was filtered away. */
  #passOver({ view }: FetchedPage, place: Place, window: ListWindow): Followed {
    if (window.length === undefined) {
      throw new PaginationStuckError(
        view.url,
        `the page at record ${window.start} is empty, but the API says that more follow; set \`size\`, so that reading can go on behind the gap, or leave \`total\` and \`more\` out, to end at the first empty page`,
      )
    }
    return this.#lead([], { at: window.start + window.length, gap: true, ...this.#kept(place) })
  }

  #search({ view }: FetchedPage, place: Place, window: ListWindow): Followed {
    if (++this.#idle > mostIdle) throw this.#tooFast(view.url)
    const home = place.lost?.home ?? place.at
    const isBehind = window.start >= home
    const noneBehind = place.lost?.noneBehind || (isBehind && view.records.length === 0)
    const step = Math.max(1, window.length ?? this.#longest)
    const total = this.#windows.total(view)
    const moved = total !== undefined && this.#total !== undefined ? total - this.#total : 0
    let tries = place.lost?.tries ?? 0
    let at: number
    do {
      at = searchedAt(++tries, home, step, moved)
    } while ((noneBehind && at > home) || (at === home && tries > 1))
    const known = place.known ?? this.#known.stored()
    const restarts = place.restarts !== undefined && { restarts: place.restarts }
    const cuts = place.cuts && { cuts: place.cuts }
    const most = place.most !== undefined && { most: place.most }
    // Where the list begins there is nothing in front, so that it is read whatever it holds.
    if (tries > 2 * mostSearched) at = 0
    const search = { home, tries, ...(noneBehind && { noneBehind }) }
    return lost({ at, known, lost: search, ...restarts, ...cuts, ...most })
  }

  /** The list's beginning has none of the records that were read last. */
  #beginAgain(place: Place, url: string): Place {
    const { restarts = 0, lost: _lost, known: _known, ...rest } = place
    // Where all that was read is kept, all of it is gone, and nothing is read twice.
    const isAnew = place.lost !== undefined && !this.#known.isWhole
    this.#known.beginAgain()
    if (!isAnew) return place
    if (restarts >= mostRestarts) throw this.#lostAgain(url)
    return { ...rest, restarts: restarts + 1 }
  }

  #lead(records: readonly JsonRecord[], place: Place): Followed {
    const known = this.#known.stored()
    const next = positionOf(known.length > 0 ? { ...place, known } : place)
    return { records, next, isLost: false, counted: nothingCounted }
  }

  /** What holds of the list, wherever the place is. */
  #kept({ most, cuts, restarts, known }: Place): {
    -readonly [Name in keyof Omit<Place, 'at'>]: Place[Name]
  } {
    return {
      ...(most !== undefined && { most }),
      ...(cuts && { cuts }),
      ...(restarts !== undefined && { restarts }),
      ...(known !== undefined && { known }),
    }
  }

  #tell(
    { anchorAt, isReordered }: { readonly anchorAt: number | undefined; readonly isReordered: boolean },
    place: Place,
    window: ListWindow,
  ): void {
    const by = anchorAt === undefined ? null : window.start + anchorAt - expectedAt(place)
    const isProbe = place.probe !== undefined || place.gap
    if (by !== 0 && !isProbe) this.#options.onShift?.({ by, pages: place.lost?.tries ?? 0 })
    if (!isReordered || this.#toldReorder) return
    this.#toldReorder = true
    this.#options.onReorder?.()
  }

  #lostAgain(url: string): PaginationStuckError {
    return new PaginationStuckError(
      url,
      `none of the records that were read last is where the list should go on, nor within ${mostSearched} pages of it, and beginning anew did not help ${mostRestarts} times: the API gives its pages in no stable order. Ask it for one, as by \`query: { sort: id }\`, or let pages be counted alone, \`overlap: none\`, which may lose records`,
    )
  }

  #tooFast(url: string): PaginationStuckError {
    return new PaginationStuckError(
      url,
      `${mostIdle} pages in a row brought no record that had not been read, and led no farther: the list changes faster than it is read, or the API does not know the parameter that asks for the next page. Ask for larger pages, or check \`paginate.param\``,
    )
  }
}

/**
 * Where to look in the `tries`-th place: first where the total says that the place has moved, else half a page in front, since
 * that has what a few deletions have moved there and what follows it; then by turns in front and behind, farther and farther.
 */
function searchedAt(tries: number, home: number, step: number, moved: number): number {
  if (tries === 1) return Math.max(0, moved === 0 ? home - Math.ceil(step / 2) : home + moved)
  const pages = Math.floor(tries / 2)
  return tries % 2 === 0 ? Math.max(0, home - pages * step) : home + pages * step
}

/** Where the record that was read last stands, unless the list has moved. */
function expectedAt({ lost, probe, at }: Place): number {
  return lost?.home ?? probe ?? at
}

const nothingCounted: CountedPage = { added: 0 }

function lost(place: Place): Followed {
  return { records: [], next: positionOf(place), isLost: true, counted: nothingCounted }
}

function positionOf(place: Place): Json {
  // Every field of a place is JSON.
  return place as unknown as Json
}
