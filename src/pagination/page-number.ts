// Page-number pagination: `page=1`, `page=2`, …
import { z } from 'zod'
import { depth, withDepth } from './depth.ts'
import { lastPage, shortNeedsSize } from './last-page.ts'
import {
  type ListWindow,
  type ListWindows,
  leastToOverlap,
  overlap,
  overlapWithDepth,
  pageAround,
} from './list-windows.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { type PageSize, pageSize, sizeWriter } from './page-size.ts'
import type { PageHead, PageView, Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { checkPosition } from './position.ts'
import { requestValue, requestWriter } from './request-value.ts'
import { countReader, responseValue } from './response-value.ts'

export const pageNumberOptions = z
  .strictObject({
    type: z.literal('page-number').describe('Pages are numbered'),
    param: requestValue
      .default('page')
      .describe('Where the page number goes: a query parameter, `{ header }` or `{ body }`. Default "page"'),
    first: z
      .union([z.literal(0), z.literal(1)])
      .default(1)
      .describe('Number of the first page: 0 or 1. Default 1'),
    totalPages: responseValue
      .optional()
      .describe(
        'Where a page holds the number of all pages: a path of the body, or `{ header }`. With it the list ends without a further request, and pages can be read side by side. Default: none',
      ),
    totalRecords: responseValue
      .optional()
      .describe(
        'Where a page holds the number of all records: a path of the body, or `{ header }`. With it pages can be read side by side. A short last page takes one more request to see the end, unless `lastPage` is "short"; without `size`, an empty page is the last. Default: none',
      ),
    depth: depth.optional(),
    more: moreFlag.optional(),
    lastPage,
    overlap,
    size: pageSize.optional(),
  })
  .refine((options) => options.totalPages === undefined || options.totalRecords === undefined, {
    path: ['totalRecords'],
    error: 'give `totalPages` or `totalRecords`, not both',
  })
  .refine((options) => options.lastPage !== 'short' || options.size !== undefined, shortNeedsSize)
  .refine((options) => options.overlap !== 'anchor' || options.depth === undefined, overlapWithDepth)
  .refine((options) => options.overlap !== 'anchor' || (options.size?.value ?? 0) >= leastToOverlap, {
    path: ['overlap'],
    error: `\`overlap: anchor\` asks for pages of other sizes, so that they overlap: give \`size\`, with a \`value\` of ${leastToOverlap} or more`,
  })
  .describe('Page number: pages are counted')

export type PageNumberOptions = z.input<typeof pageNumberOptions>

/** Options of page-number pagination, for a stream's `paginate`. */
export function pageNumber(options: Omit<PageNumberOptions, 'type'> = {}): PageNumberOptions {
  return { type: 'page-number', ...options }
}

/** A paginator that counts pages. Its position is the number of the page. */
export function pageNumberPaginator(input: PageNumberOptions): Paginator<number> {
  const options = parseOptions(pageNumberOptions, input)
  const put = requestWriter(options.param)
  const withSize = sizeWriter(options.size)
  const readMore = moreReader(options.more)
  const readTotalPages = countReader(options.totalPages)
  const readTotalRecords = countReader(options.totalRecords)
  const { first } = options
  const size = options.size?.value

  const isLast = (pagesRead: number, count: number, totalPages?: number, totalRecords?: number): boolean => {
    if (totalPages !== undefined) return pagesRead >= totalPages
    // No page is longer than the API's real page size, so pages × this one's length never counts more than was read. The size
    // asked for would: at an API that allows fewer, the list would end too early.
    if (totalRecords !== undefined && count > 0 && pagesRead * count >= totalRecords) return true
    if (count === 0)
      return !(totalRecords !== undefined && size !== undefined && pagesRead * size < totalRecords)
    if (options.lastPage !== 'short' || count >= size!) return false
    return totalRecords === undefined || (pagesRead - 1) * size! + count >= totalRecords
  }
  const isCounted = options.totalPages !== undefined || options.totalRecords !== undefined
  const isCountedInHead =
    typeof options.totalPages === 'object' || (typeof options.totalRecords === 'object' && size !== undefined)

  const all = (page: PageView, position = first): Iterable<number> | undefined => {
    if (readMore(page) === false) return undefined
    const count = page.records.length
    let pages = readTotalPages(page)
    const records = readTotalRecords(page)
    if (pages === undefined && records !== undefined) {
      if ((position - first + 1) * count >= records) return []
      // A page that is short tells nothing about the length of the others.
      if (count === 0 || (size !== undefined && count < size)) return undefined
      pages = Math.ceil(records / count)
    }
    return pages === undefined ? undefined : numbers(position + 1, first + pages)
  }

  const ahead = (head: PageHead, position = first): number | undefined => {
    const page = { ...head, body: undefined, records: [] }
    const pagesRead = position - first + 1
    const pages = readTotalPages(page) ?? Math.ceil((readTotalRecords(page) ?? 0) / (size ?? 1))
    return pagesRead < pages ? position + 1 : undefined
  }

  return withDepth(options.depth, {
    ...(options.size !== undefined &&
      options.size.value >= leastToOverlap && { windows: windowsOf(options.size) }),
    request(base, position = first) {
      checkPosition(base, position, 'page-number', 'number')
      return put(withSize(base), position)
    },
    next(page, position = first) {
      const more = readMore(page)
      if (more === true) return position + 1
      if (more === false) return undefined
      const pagesRead = position - first + 1
      const last = isLast(pagesRead, page.records.length, readTotalPages(page), readTotalRecords(page))
      return last ? undefined : position + 1
    },
    ...(isCounted && { all }),
    ...(options.totalRecords !== undefined && { total: readTotalRecords }),
    ...(isCountedInHead && options.more === undefined && { ahead }),
  })

  function windowsOf({ param, value }: PageSize): ListWindows {
    const putSize = requestWriter(param)
    const window = (index: number, most = value): Required<ListWindow> => {
      const { page, size } = pageAround(index, Math.max(2, most))
      return { start: page * size, length: size }
    }
    return {
      window,
      request(base, index, most) {
        const { start, length } = window(index, most)
        return put(putSize(base, length!), start / length! + first)
      },
      says(page, { start, length }) {
        const more = readMore(page)
        if (more !== undefined) return more ? 'more' : 'end'
        const count = page.records.length
        const pages = readTotalPages(page)
        if (pages !== undefined) return start / length! + 1 < pages ? 'more' : 'end'
        const records = readTotalRecords(page)
        if (records !== undefined) return start + count < records ? 'more' : 'end'
        return options.lastPage === 'short' && count < length! ? 'end' : undefined
      },
      total: readTotalRecords,
      indexOf: (position) => (typeof position === 'number' ? (position - first) * value : undefined),
    }
  }
}

function* numbers(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at++) yield at
}
