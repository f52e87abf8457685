// Lists that are counted can be asked for so that each page begins with the last record of the one before: where it does not, records
// came or went in front of the place. Records are counted from 0 here, whatever the API counts from.
import { z } from 'zod'
import type { Json } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { PageView } from './paginator.ts'

export const overlap = z
  .enum(['anchor', 'none'])
  .optional()
  .describe(
    'Whether pages overlap, so that a list that shifts while it is read loses nothing: "anchor" begins each page with the last record of the one before, and finds the place again where it is not there; "none" counts alone, and a record that is deleted meanwhile hides another one. "anchor" takes a `key`, and a stable order. Default: "anchor" with `type: offset` where there is a `key`, no `depth`, no `cap`, no side table without a key, and no `size.value` below 10; else "none"',
  )

export const overlapWithDepth = {
  path: ['overlap'],
  error:
    'with `depth` pages are counted as the API counts them, and must not overlap: leave out one of the two',
}

/** The records that one request gives: `start` counts those before them; `length` is undefined where the API alone knows it. */
export interface ListWindow {
  readonly start: number
  readonly length: number | undefined
}

/** How the pages of a counted list are asked for so that they overlap. Pure, as a paginator is. */
export interface ListWindows {
  /** The page that has the record at `index`, and the most behind it. `most`: records that the API gives at once, where fewer than asked for. */
  window(index: number, most?: number): ListWindow
  request(base: RequestSpec, index: number, most?: number): RequestSpec
  /** What the page says of the list behind it; `undefined` where it says nothing. */
  says(page: PageView, window: ListWindow): 'end' | 'more' | undefined
  total(page: PageView): number | undefined
  /** The index of a position that was stored by a reader whose pages did not overlap. */
  indexOf(position: Json): number | undefined
}

/**
 * Pages of any size up to this one end together where the number of records is a multiple of all those sizes; of 20 that is at 232,792,560
 * records, of 10 at 2,520.
 */
export const leastToOverlap = 20

/**
 * The page of a list cut into equal pages that has the record at `index` and most of what follows it. A page that begins at
 * the index alone would need a size that divides it; so the size is chosen, at most `most`, that has the least in front of the index.
 * @param most 2 or more
 */
export function pageAround(index: number, most: number): { readonly page: number; readonly size: number } {
  let best = most
  let cost = Infinity
  // What a smaller page lacks counts like what lies in front of the index.
  for (let less = 0; less < cost && most - less >= 2; less++) {
    const size = most - less
    const before = index % size
    if (before > size - 2 || less + before >= cost) continue
    best = size
    cost = less + before
  }
  return { page: Math.floor(index / best), size: best }
}
