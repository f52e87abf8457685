// Where reading stands in a list whose pages overlap: plain JSON, stored with the rows that were read up to it.
import type { ListWindows } from '../../pagination/list-windows.ts'
import { type PageView, PaginationInvalidError, type Paginator } from '../../pagination/paginator.ts'
import { excerpt } from '../../pagination/response-value.ts'
import type { Json } from '../../ports/json.ts'

export interface Place {
  /** The record that the next page is to begin with, counted from 0. */
  readonly at: number
  /** What the last records that were read are known by, the last one first. */
  readonly known?: readonly string[]
  /** Records that the API gives at once, where fewer than asked for. */
  readonly most?: number
  /** The API cuts pages short: a short page is no sign of the end. */
  readonly cuts?: true
  /** Asked to see whether the list has ended; if not, reading goes on from the record that this counts. */
  readonly probe?: number
  /** What stood here was filtered away, or is not known: the page can't be recognised. */
  readonly gap?: true
  /** The place is looked for. */
  readonly lost?: Lost
  /** How often the list was begun anew. */
  readonly restarts?: number
}

export interface Lost {
  /** Where the place was looked for first. */
  readonly home: number
  readonly tries: number
  /** Nothing is behind what was looked at. */
  readonly noneBehind?: true
}

/** @throws PaginationInvalidError for a position that no reader of such a list has stored */
export function placeOf(position: Json | undefined, windows: ListWindows, url: string): Place {
  if (position === undefined) return { at: 0 }
  const index = windows.indexOf(position)
  if (index !== undefined) return { at: index, gap: true }
  if (isPlace(position)) return position
  throw new PaginationInvalidError(
    url,
    `the stored position ${excerpt(position)} is none of a list whose pages overlap: it stems from other options. Reset the stream's state, or put the former options back`,
  )
}

function isPlace(position: Json): position is Json & Place {
  return (
    typeof position === 'object' &&
    position !== null &&
    'at' in position &&
    Number.isSafeInteger(position.at) &&
    (!('known' in position) || Array.isArray(position.known))
  )
}

/** The requests of a counted list whose pages overlap. Where a page leads is for a `ListPlace` to say, which knows the records. */
export function overlapping({ windows, all, total }: Paginator): Paginator {
  if (windows === undefined) throw new Error('the pages of this list can not be made to overlap')
  const windowAt = (position: Json | undefined, url: string) => {
    const { at, most } = placeOf(position, windows, url)
    return { window: windows.window(at, most), most }
  }
  function* guesses(page: PageView, position: Json | undefined, records: number): Generator<Json> {
    const { window, most } = windowAt(position, page.url)
    let end = window.start + page.records.length
    while (end < records) {
      const at = end - 1
      yield { at, ...(most !== undefined && { most }) }
      const { start, length } = windows!.window(at, most)
      end = start + (length ?? page.records.length)
    }
  }
  return {
    windows,
    request(base, position) {
      const { at, most } = placeOf(position, windows, base.url)
      return windows.request(base, at, most)
    },
    next() {
      throw new Error('where a page of an overlapping list leads is told by its records')
    },
    place(position) {
      const { start, length } = windowAt(position, '').window
      return [start, length ?? null]
    },
    ...(all &&
      total && {
        all(page: PageView, position?: Json) {
          const records = windows.total(page)
          const { window } = windowAt(position, page.url)
          const count = page.records.length
          // A page that is short tells nothing about the length of the others; of pages of one record none overlap.
          if (records === undefined || count < Math.max(2, window.length ?? 2)) return undefined
          return guesses(page, position, records)
        },
      }),
  }
}
