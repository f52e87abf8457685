// Offset pagination: the next page starts after the records that were read. The offset advances by the number of records
// that came, never by the number asked for: an API that allows fewer than `size.value` then costs requests, not records.
import { z } from 'zod'
import { depth, withDepth } from './depth.ts'
import { lastPage, shortNeedsSize } from './last-page.ts'
import { type ListWindows, overlap, overlapWithDepth } from './list-windows.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import { type PageView, PaginationStuckError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { checkPosition } from './position.ts'
import { requestValue, requestWriter } from './request-value.ts'
import { countReader, describePlace, responseValue } from './response-value.ts'

export const offsetOptions = z
  .strictObject({
    type: z.literal('offset').describe('Pages are named by the number of records before them'),
    param: requestValue
      .default('offset')
      .describe('Where the offset goes: a query parameter, `{ header }` or `{ body }`. Default "offset"'),
    first: z
      .union([z.literal(0), z.literal(1)])
      .default(0)
      .describe('Offset of the first record: 0, or 1 where the API counts from one. Default 0'),
    total: responseValue
      .optional()
      .describe(
        'Where a page holds the number of all records: a path of the body, or `{ header }`, as in `{ header: "x-total-count" }`. With it the list ends without a further request, and pages can be read side by side. Default: none',
      ),
    depth: depth.optional(),
    more: moreFlag.optional(),
    lastPage,
    overlap,
    size: pageSize.optional(),
  })
  .refine((options) => options.lastPage !== 'short' || options.size !== undefined, shortNeedsSize)
  .refine((options) => options.overlap !== 'anchor' || options.depth === undefined, overlapWithDepth)
  .describe('Offset: the number of records to skip')

export type OffsetOptions = z.input<typeof offsetOptions>

/** Options of offset pagination, for a stream's `paginate`. */
export function offset(options: Omit<OffsetOptions, 'type'> = {}): OffsetOptions {
  return { type: 'offset', ...options }
}

/**
 * A paginator that counts records. Its position is the offset of the page. What `all` names is right while every page but the
 * last is as long as the first: a reader of pages side by side compares each page's `next` with the position that follows it.
 */
export function offsetPaginator(input: OffsetOptions): Paginator<number> {
  const options = parseOptions(offsetOptions, input)
  const put = requestWriter(options.param)
  const withSize = sizeWriter(options.size)
  const readMore = moreReader(options.more)
  const readTotal = countReader(options.total)
  const { first } = options
  const size = options.size?.value
  const all = (page: PageView, position = first): Iterable<number> | undefined => {
    const total = readTotal(page)
    const count = page.records.length
    if (total === undefined || readMore(page) === false) return undefined
    if (position - first + count >= total) return []
    // A page that is short tells nothing about the length of the others.
    if (count === 0 || (size !== undefined && count < size)) return undefined
    return steps(position + count, first + total, count)
  }
  const windows: ListWindows = {
    window: (index) => ({ start: index, length: size }),
    request: (base, index) => put(withSize(base), index + first),
    says(page, { start }) {
      const more = readMore(page)
      if (more !== undefined) return more ? 'more' : 'end'
      const count = page.records.length
      const total = readTotal(page)
      if (total !== undefined) return start + count < total ? 'more' : 'end'
      return options.lastPage === 'short' && count < size! ? 'end' : undefined
    },
    total: readTotal,
    indexOf: (position) => (typeof position === 'number' ? position - first : undefined),
  }
  return withDepth(options.depth, {
    windows,
    request(base, position = first) {
      checkPosition(base, position, 'offset', 'number')
      return put(withSize(base), position)
    },
    next(page, position = first) {
      const more = readMore(page)
      if (more === false) return undefined
      const total = readTotal(page)
      const count = page.records.length
      if (count === 0) {
        // The page was filtered to nothing: the API itself says that records follow.
        const goesOn = more ?? (total !== undefined && position - first < total)
        if (!goesOn) return undefined
        if (size !== undefined) return position + size
        throw new PaginationStuckError(
          page.url,
          `the page at offset ${position} is empty, but ${more ? options.more : `${describePlace(options.total!)} = ${total}`} says that more follow; set \`size\`, so that reading can go on behind the gap, or leave ${more ? '`more`' : '`total`'} out, to end at the first empty page`,
        )
      }
      const following = position + count
      if (more === true) return following
      if (total !== undefined) return following - first < total ? following : undefined
      return options.lastPage === 'short' && count < size! ? undefined : following
    },
    ...(options.total !== undefined && { all, total: readTotal }),
  })
}

function* steps(from: number, to: number, by: number): Generator<number> {
  for (let at = from; at < to; at += by) yield at
}
