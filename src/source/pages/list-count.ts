// Whether a list was read as a whole: what came of it against what its API says that there is.
import { z } from 'zod'
import { SluiceError } from '../../errors.ts'
import type { PaginatorOptions } from '../../pagination/options.ts'
import type { PageView } from '../../pagination/paginator.ts'
import { countReader, describePlace, responseValue } from '../../pagination/response-value.ts'

export const countOptions = z
  .strictObject({
    total: responseValue
      .optional()
      .describe(
        'Where a page holds the number of all records of its list: a path of the body, or `{ header }`. Default: `total` or `totalRecords` of `paginate`; without one of them nothing is compared',
      ),
    onMismatch: z
      .enum(['warn', 'fail', 'ignore'])
      .default('warn')
      .describe(
        'What follows where a list that was read from its first page to its last gave another number of records: "warn" tells of it, "fail" stops the stream before its last page is loaded, "ignore" does not compare. Default "warn"',
      ),
  })
  .describe('Compares the records of a list that was read as a whole with the number that the API names')

export type CountSettings = z.output<typeof countOptions>

/** A list gave another number of records than its API said. */
export class CountMismatchError extends SluiceError {
  readonly code = 'COUNT_MISMATCH'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly expected: number
  readonly found: number
  constructor(stream: string, { expected, found, place }: CountMismatch) {
    super(
      `${stream}: the list gave ${found} records, and the API says at \`${place}\` that there are ${expected}. Run it again with --full-refresh; if the number stays apart, the API counts what it does not show, or hides what it counts: look at the stream's filters and \`records\`, or set \`count.onMismatch: warn\``,
    )
    this.stream = stream
    this.expected = expected
    this.found = found
  }
}

export interface CountMismatch {
  /** What the API said, and of the numbers that this allows the nearest to what was found. */
  readonly expected: number
  readonly found: number
  /** Where it said so. */
  readonly place: string
}

/** What a page adds to the count of its list. */
export interface CountedPage {
  /** Records that were not read before in any version. */
  readonly added: number
  /** By how many records the place has moved since the page before: those that came in front of it and are not added, less those that went. Default: 0. */
  readonly moved?: number
  /** The list was begun anew, so that what is read from here on may have been counted before. */
  readonly isAnew?: boolean
}

/** Counts the records of one list. */
export interface ListCount {
  take(page: PageView, counted: CountedPage): void
  /** Asked behind the last page. `undefined` where nothing is wrong, or the API told no number. */
  mismatch(): CountMismatch | undefined
}

/**
 * `undefined` where there is nothing to compare with.
 *
 * What is compared: the number that the list had at first, give or take what came and went while it was read. A page whose number is another
 * than that of the page before tells how many came or went; where the place has moved by another number, the rest came or went
 * behind it. So a list of 40 that loses a record in front of the place and gains one behind it, its number the same, may give 40 or 41.
 */
export function listCount(
  count: CountSettings | undefined,
  paginate: PaginatorOptions | undefined,
  /** Whether a record that changes may come a second time, so that more than there are is no mismatch. */
  comesAgain = false,
): (() => ListCount) | undefined {
  if (count?.onMismatch === 'ignore') return undefined
  // A list that may end before its end has fewer.
  const isLeft = paginate !== undefined && 'depth' in paginate && paginate.depth?.beyond === 'end'
  const place = count?.total ?? (isLeft ? undefined : placeIn(paginate))
  if (place === undefined) return undefined
  const read = countReader(place)
  return () => {
    let found = 0
    let last: number | undefined
    let least = 0
    let most = 0
    let isAnew = false
    return {
      take(page, { added, moved = 0, isAnew: begunAnew = false }) {
        found += added
        isAnew ||= begunAnew
        const total = read(page) ?? last
        if (total === undefined) return
        if (last === undefined) {
          least = total
          most = total
        } else {
          const change = total - last
          least += Math.min(0, change, change - moved)
          most += Math.max(0, change, change - moved)
        }
        last = total
      },
      mismatch() {
        if (last === undefined || isAnew || (found >= least && (found <= most || comesAgain)))
          return undefined
        return { expected: found < least ? least : most, found, place: describePlace(place) }
      },
    }
  }
}

function placeIn(paginate: PaginatorOptions | undefined): CountSettings['total'] {
  if (paginate?.type === 'offset') return responseValue.optional().parse(paginate.total)
  if (paginate?.type === 'page-number') return responseValue.optional().parse(paginate.totalRecords)
  return undefined
}
