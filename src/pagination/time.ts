// Time pagination: the next page starts at the greatest time of this one (Zendesk's time-based exports, `since` lists sorted by
// update time). The start is inclusive, so the records of that very time come again and are left to the key to merge:
// starting a moment later would lose those that share it.
import { z } from 'zod'
import { depth, withDepth } from './depth.ts'
import { persist } from './follow.ts'
import { shortNeedsSize } from './last-page.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { compareValues } from './order.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import { type PageView, PaginationLoopError, PaginationStuckError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { compilePath, path } from './path.ts'
import { checkPosition } from './position.ts'
import { extreme, missingField, type SortValue, sortValue } from './record-value.ts'
import { requestValue, requestWriter } from './request-value.ts'
import {
  describePlace,
  excerpt,
  type ResponseValue,
  responseReader,
  responseValue,
} from './response-value.ts'

export const timeOptions = z
  .strictObject({
    type: z.literal('time').describe('Pages start at the greatest time of the page before'),
    param: requestValue.describe(
      'Where the time goes in the next request: a query parameter, `{ header }` or `{ body }`, as in "start_time". It is sent in the form in which the API gave it',
    ),
    field: path
      .optional()
      .describe(
        'Required without `endTime`. Path of the time in a record, by which the list is sorted, oldest first',
      ),
    endTime: responseValue
      .optional()
      .describe(
        'Required without `field`. Where a page holds the time at which the next one starts: a path of the body, as in "end_time", or `{ header }`',
      ),
    depth: depth.optional(),
    more: moreFlag.optional(),
    lastPage: z
      .literal('short')
      .optional()
      .describe(
        '"short": a page with fewer records than `size.value` is the last, which saves one request, and loses records at an API that cuts pages short. Default: the last page is one that holds nothing later than its own start, and has room left',
      ),
    persist,
    size: pageSize
      .describe("Required without `more`. Page size to ask for, not above the API's maximum")
      .optional(),
  })
  .refine((options) => (options.field === undefined) !== (options.endTime === undefined), {
    path: ['field'],
    error: 'give `field` or `endTime`: one of them says where the next page starts',
  })
  .refine((options) => options.more !== undefined || options.size !== undefined, {
    path: ['size'],
    error:
      "give `more` or `size` (not above the API's maximum): without one of them the last page can't be told from a full page of one time",
  })
  .refine((options) => options.lastPage !== 'short' || options.size !== undefined, shortNeedsSize)
  .describe('Time: the next page starts at the greatest time of this one, inclusive')

export type TimeOptions = z.input<typeof timeOptions>

/** Options of time pagination, for a stream's `paginate`. */
export function time(options: Omit<TimeOptions, 'type'>): TimeOptions {
  return { type: 'time', ...options }
}

/** A paginator that advances by time. Its position is the time in the API's own form: text, or a plain number. */
export function timePaginator(input: TimeOptions): Paginator<SortValue> {
  const options = parseOptions(timeOptions, input)
  const put = requestWriter(options.param)
  const withSize = sizeWriter(options.size)
  const readMore = moreReader(options.more)
  const readTime = timeReader(options.field, options.endTime)
  const what = options.endTime === undefined ? options.field! : describePlace(options.endTime)
  const size = options.size?.value

  const paginator: Paginator<SortValue> = {
    request(base, position) {
      const sized = withSize(base)
      if (position === undefined) return sized
      checkPosition(base, position, 'time', 'text or a number')
      return put(sized, position)
    },
    next(page, position) {
      const more = readMore(page)
      if (more === false) return undefined
      const count = page.records.length
      const looksLast = count === 0 || (options.lastPage === 'short' && count < size!)
      if (more === undefined && looksLast) return undefined
      const following = readTime(page)
      if (following === undefined) {
        if (options.endTime !== undefined) throw missingField(page, what, 'the page has no')
        if (count > 0) throw missingField(page, what, 'no record has a')
        throw stuck(
          page,
          `${options.more} says that there are more pages, but this one is empty, so there is no time to go on from`,
        )
      }
      if (position === undefined) return following
      const order = compareValues(following, position)
      if (order > 0) return following
      if (order < 0) {
        throw new PaginationLoopError(
          page.url,
          `the page that starts at ${excerpt(position)} leads back to ${what} = ${excerpt(following)}`,
        )
      }
      // Nothing later than the page's own start: with room left in the page that is the end.
      if (more === undefined && count < size!) return undefined
      // R5.
      throw stuck(
        page,
        options.endTime === undefined
          ? `all ${count} records of the page share the time ${excerpt(position)}, at which it starts, and more may follow`
          : `${what} is ${excerpt(following)}, at which this page of ${count} records starts itself, and more may follow`,
      )
    },
  }
  const { persist: persists } = options
  return withDepth(options.depth, {
    ...paginator,
    ...(persists && {
      resume: (page: PageView, position: SortValue | undefined) => readTime(page) ?? position,
    }),
  })
}

function timeReader(field: string | undefined, endTime: ResponseValue | undefined) {
  if (endTime !== undefined) {
    const read = responseReader(endTime)
    return (page: PageView) => sortValue(read(page))
  }
  const read = compilePath(field!)
  return (page: PageView) => extreme(page.records, read, 1)
}

function stuck(page: PageView, problem: string): PaginationStuckError {
  return new PaginationStuckError(
    page.url,
    `${problem}; raise \`size.value\` until one page holds all records of one time, or use another paginator ("cursor", "keyset"), which needs no times`,
  )
}
