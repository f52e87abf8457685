// How deep a list may be read: some APIs refuse, repeat or cut off what lies beyond (Zendesk and HubSpot search 10,000 records, GitLab
// an offset of 50,000). A depth that is reached while the list goes on is R5, unless the config takes it for the end.
import { z } from 'zod'
import type { Json } from '../ports/json.ts'
import { type PageView, PaginationDepthError, type Paginator } from './paginator.ts'

export const depth = z
  .strictObject({
    pages: z.int().min(1).optional().describe('Most pages of one list, from 1. Default: any number'),
    records: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Most records of one list, from 1, before any filter of yours. The page that reaches it is read whole. Default: any number',
      ),
    beyond: z
      .enum(['fail', 'end'])
      .default('fail')
      .describe(
        'What follows where the list goes on beyond: "fail" stops the stream with an error, "end" takes it for the end, and what lies beyond is not read. Default "fail"',
      ),
  })
  .refine(({ pages, records }) => pages !== undefined || records !== undefined, {
    path: ['pages'],
    error: 'give `pages` or `records`: without one of them there is no depth',
  })
  .describe('How deep the API lets a list be read. Default: to its end')

export type Depth = z.output<typeof depth>

/** The position of a paginator, and how much of the list lies before it. */
type DeepPosition<P extends Json> = { readonly pages: number; readonly records: number; readonly at: P }

/**
 * A paginator that reads no deeper. Its position also counts what was read; a position that was stored without a count is taken up, and
 * counted from there. Without a depth it is the paginator itself.
 */
export function withDepth<P extends Json>(depth: Depth | undefined, paginator: Paginator<P>): Paginator<P> {
  if (depth === undefined) return paginator
  const { pages: mostPages = Infinity, records: mostRecords = Infinity, beyond } = depth

  /** The position behind so many pages and records; `undefined` where that is the end. */
  const deeper = (url: string, pages: number, records: number, at: P): P | undefined => {
    if (pages < mostPages && records < mostRecords) {
      const position: DeepPosition<P> = { pages, records, at }
      // To whoever stores it a position is opaque.
      return position as unknown as P
    }
    if (beyond === 'end') return undefined
    throw new PaginationDepthError(url, pages >= mostPages ? 'pages' : 'records', pages, records)
  }
  const inner = (position: P | undefined) => (isDeep<P>(position) ? position.at : position)
  // How many records a page has is not told by its head, and a position counts them; pages that overlap would be counted twice.
  const { all, resume, ahead: _ahead, windows: _windows, place: _place, ...counted } = paginator

  return {
    ...counted,
    request: (base, position) => paginator.request(base, inner(position)),
    next(page, position) {
      const next = paginator.next(page, inner(position))
      if (next === undefined) return undefined
      const before = countBefore(position)
      return deeper(page.url, before.pages + 1, before.records + page.records.length, next)
    },
    ...(all && {
      all(page: PageView, position?: P) {
        const positions = all(page, inner(position))
        return positions && reached(page, positions, position)
      },
    }),
    // What outlives the run is the position alone: the next run counts anew.
    ...(resume && { resume: (page: PageView, position: P | undefined) => resume(page, inner(position)) }),
  }

  function* reached(page: PageView, positions: Iterable<P>, position: P | undefined): Generator<P> {
    const before = countBefore(position)
    let count = 0
    for (const at of positions) {
      count++
      const next = deeper(page.url, before.pages + count, before.records + count * page.records.length, at)
      if (next === undefined) return
      yield next
    }
  }
}

function countBefore(position: Json | undefined): { readonly pages: number; readonly records: number } {
  return isDeep(position) ? position : { pages: 0, records: 0 }
}

function isDeep<P extends Json>(position: Json | undefined): position is Json & DeepPosition<P> {
  return (
    typeof position === 'object' &&
    position !== null &&
    'pages' in position &&
    typeof position.pages === 'number' &&
    'records' in position &&
    typeof position.records === 'number' &&
    'at' in position
  )
}
