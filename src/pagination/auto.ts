// Automatic pagination: the first page tells how the list goes on. What was found is a part of the position, so that it is fixed for the
// list, and a run that resumes knows it.
import { z } from 'zod'
import type { Json } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { type Detection, detectPagination } from './detect/detect-pagination.ts'
import type { PaginatorOptions } from './options.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import { type PageView, PaginationInvalidError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { excerpt } from './response-value.ts'

export const autoOptions = z
  .strictObject({
    type: z.literal('auto').describe('The first page tells how the list goes on'),
    size: pageSize.optional(),
  })
  .describe(
    'Auto: the first page is searched for a Link header, a next URL, a token, or counts of pages or records. What is found is told, and can be written down as its own kind',
  )

export type AutoOptions = z.input<typeof autoOptions>

/** Options of automatic pagination, for a stream's `paginate`. */
export function auto(options: Omit<AutoOptions, 'type'> = {}): AutoOptions {
  return { type: 'auto', ...options }
}

/** What was found on the first page, and where reading stands by it. */
export type AutoPosition = { readonly found: { readonly [name: string]: Json }; readonly at: Json }

/**
 * A paginator that finds out by itself. `create` makes the one of what was found.
 * @throws PaginationInvalidError from `next`, where the first page says that there are more and nothing says how to ask for them
 */
export function autoPaginator(
  input: AutoOptions,
  create: (found: PaginatorOptions) => Paginator,
): Paginator<AutoPosition> {
  const withSize = sizeWriter(parseOptions(autoOptions, input).size)
  const detected = (page: PageView): Detection => {
    const detection = detectPagination(page)
    if (detection.options.type === 'none' && detection.says === 'more') {
      throw new PaginationInvalidError(
        page.url,
        `\`paginate: { type: auto }\` can't tell how this list goes on: ${detection.doubt}. Name its kind in \`paginate\``,
      )
    }
    return detection
  }
  const at = (found: PaginatorOptions, position: Json): AutoPosition => ({
    found: found as AutoPosition['found'],
    at: position,
  })
  return {
    request(base, position) {
      const sized = withSize(base)
      if (position === undefined) return sized
      if (!isAuto(position)) {
        throw new PaginationInvalidError(
          base.url,
          `the stored position ${excerpt(position)} is none of the paginator "auto": it stems from other options. Reset the stream's state, or put the former options back`,
        )
      }
      return create(inPlace(position.found as PaginatorOptions, base)).request(sized, position.at)
    },
    next(page, position) {
      const found = (position?.found as PaginatorOptions | undefined) ?? detected(page).options
      const next = create(found).next(page, position?.at)
      return next === undefined ? undefined : at(found, next)
    },
  }
}

/** What the position says was found, as in `next-url at links.next`; `undefined` where it is none of this paginator. */
export function describeFound(position: unknown): string | undefined {
  return isAuto(position) ? describeOptions(position.found as PaginatorOptions) : undefined
}

/** `next-url at links.next` */
export function describeDetection({ options, place }: Detection): string {
  return place === undefined ? 'one page' : `${options.type} at ${place}`
}

function describeOptions(options: PaginatorOptions): string {
  const place =
    options.type === 'next-url'
      ? options.url
      : options.type === 'cursor'
        ? options.token
        : options.type === 'page-number'
          ? (options.totalPages ?? options.totalRecords ?? options.more)
          : options.type === 'offset'
            ? (options.total ?? options.more)
            : options.type === 'keyset'
              ? options.more
              : options.type === 'link-header'
                ? 'the Link header'
                : undefined
  if (place === undefined) return options.type
  return `${options.type} at ${typeof place === 'string' ? place.replace(/^!/, '') : 'header' in place ? `header ${place.header}` : 'a URL'}`
}

/** A search that is sent as POST with a body takes in it what a GET takes in its query. */
function inPlace(found: PaginatorOptions, base: RequestSpec): PaginatorOptions {
  const { body } = base
  const takesFields = typeof body === 'object' && body !== null && !Array.isArray(body)
  if (base.method === 'GET' || !takesFields || !('param' in found) || typeof found.param !== 'string')
    return found
  return { ...found, param: { body: found.param } } as PaginatorOptions
}

function isAuto(position: unknown): position is AutoPosition {
  return (
    typeof position === 'object' &&
    position !== null &&
    'at' in position &&
    'found' in position &&
    typeof position.found === 'object' &&
    position.found !== null &&
    'type' in position.found
  )
}
