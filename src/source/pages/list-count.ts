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
  /** What the API said, the number that is nearest to what was found. */
  readonly expected: number
  readonly found: number
  /** Where it said so. */
  readonly place: string
}

/** Counts the records of one list. */
export interface ListCount {
  /** Takes a page, with how many records it had that were new. */
  take(page: PageView, records: number): void
  /** Asked behind the last page. `undefined` where nothing is wrong, or the API told no number. */
  mismatch(): CountMismatch | undefined
}

/** `undefined` where there is nothing to compare with. */
export function listCount(
  count: CountSettings | undefined,
  paginate: PaginatorOptions | undefined,
): (() => ListCount) | undefined {
  if (count?.onMismatch === 'ignore') return undefined
  // A list that may end before its end has fewer.
  const isLeft = paginate !== undefined && 'depth' in paginate && paginate.depth?.beyond === 'end'
  const place = count?.total ?? (isLeft ? undefined : placeIn(paginate))
  if (place === undefined) return undefined
  const read = countReader(place)
  return () => {
    let found = 0
    let least: number | undefined
    let most = 0
    return {
      take(page, records) {
        found += records
        const total = read(page)
        if (total === undefined) return
        least = Math.min(least ?? total, total)
        most = Math.max(most, total)
      },
      mismatch() {
        // What came or went while the list was read lies between what its pages said.
        if (least === undefined || (found >= least && found <= most)) return undefined
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
