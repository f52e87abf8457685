// Keyset pagination: the next page starts behind a field of the last record that was read (Stripe's `starting_after`,
// Discord's `after`). The API leaves out the record that is named; for one that repeats it, use "time".
import { z } from 'zod'
import { depth, withDepth } from './depth.ts'
import { lastPage, shortNeedsSize } from './last-page.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { compareValues } from './order.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import { PaginationLoopError, PaginationStuckError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { compilePath, path } from './path.ts'
import { checkPosition } from './position.ts'
import { extreme, missingField, type SortValue, sortValue } from './record-value.ts'
import { requestValue, requestWriter } from './request-value.ts'
import { excerpt } from './response-value.ts'

export const keysetOptions = z
  .strictObject({
    type: z.literal('keyset').describe('Pages start behind a field of the last record'),
    field: path
      .default('id')
      .describe(
        'Path of the field in a record. It must be unique, or records that share its value are lost between pages. Default "id"',
      ),
    param: requestValue.describe(
      'Where its value goes in the next request: a query parameter, `{ header }` or `{ body }`, as in "starting_after"',
    ),
    pick: z
      .enum(['last', 'first', 'max', 'min'])
      .default('last')
      .describe(
        'The record that leads on: the last of the page, the first where reading goes against the order of the pages (Stripe\'s `ending_before`), or the one with the greatest or least value where pages are not sorted in the direction of reading (Discord\'s `after` gives pages newest first: "max"; its `before`: "min"). Default "last"',
      ),
    depth: depth.optional(),
    more: moreFlag.optional(),
    lastPage,
    size: pageSize.optional(),
  })
  .refine((options) => options.lastPage !== 'short' || options.size !== undefined, shortNeedsSize)
  .describe('Keyset: the next page starts behind a field of the last record')

export type KeysetOptions = z.input<typeof keysetOptions>

/** Options of keyset pagination, for a stream's `paginate`. */
export function keyset(options: Omit<KeysetOptions, 'type'>): KeysetOptions {
  return { type: 'keyset', ...options }
}

/** A paginator that goes on behind a record. Its position is the field's value: text, or a plain number. */
export function keysetPaginator(input: KeysetOptions): Paginator<SortValue> {
  const options = parseOptions(keysetOptions, input)
  const read = compilePath(options.field)
  const put = requestWriter(options.param)
  const withSize = sizeWriter(options.size)
  const readMore = moreReader(options.more)
  const { field, pick } = options
  return withDepth(options.depth, {
    request(base, position) {
      const sized = withSize(base)
      if (position === undefined) return sized
      checkPosition(base, position, 'keyset', 'text or a number')
      return put(sized, position)
    },
    next(page, position) {
      const more = readMore(page)
      if (more === false) return undefined
      const last = pick === 'first' ? page.records[0] : page.records.at(-1)
      if (last === undefined) {
        if (more === undefined) return undefined
        throw new PaginationStuckError(
          page.url,
          `${options.more} says that there are more pages, but this one has no record to go on from; leave \`more\` out, to end at the first empty page, or use the paginator "cursor" if the API names the next page`,
        )
      }
      if (more === undefined && options.lastPage === 'short' && page.records.length < options.size!.value) {
        return undefined
      }
      const following = isPlace(pick)
        ? sortValue(read(last))
        : extreme(page.records, read, pick === 'max' ? 1 : -1)
      if (following === undefined) {
        throw missingField(page, field, isPlace(pick) ? `the ${pick} record has no` : 'no record has a')
      }
      if (position !== undefined && leadsBack(following, position, pick)) {
        throw new PaginationLoopError(
          page.url,
          `the page behind ${field} = ${excerpt(position)} leads on to ${field} = ${excerpt(following)}`,
        )
      }
      return following
    },
  })
}

type Pick = z.output<typeof keysetOptions>['pick']

/** Whether a record leads on by its place on the page, not by its value. */
function isPlace(pick: Pick): boolean {
  return pick === 'last' || pick === 'first'
}

/** R1. Pages in an order that is known must also move in its direction. */
function leadsBack(following: SortValue, position: SortValue, pick: Pick): boolean {
  if (isPlace(pick)) return String(following) === String(position)
  const order = compareValues(following, position)
  return pick === 'max' ? order <= 0 : order >= 0
}
