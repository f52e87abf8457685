// Next-URL pagination: each page's body holds the URL of the next one; a page that holds none is the last.
// The URL is followed whole: it carries its own query, so the first request's parameters are not added to it.
import { z } from 'zod'
import type { RequestSpec } from '../ports/request.ts'
import { depth, withDepth } from './depth.ts'
import { following, followOptions, keepQuery, persistedUrl, persistUrl } from './follow.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import { type PageView, PaginationInvalidError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { checkPosition } from './position.ts'
import { describePlace, excerpt, responseValue } from './response-value.ts'
import { endValues, isInHead, tokenPlaceReader } from './token-place.ts'

export const nextUrlOptions = z
  .strictObject({
    type: z.literal('next-url').describe('Pages are named by a URL in the body'),
    url: responseValue.describe(
      'Where a page holds the URL of the next one, absolute or relative: a path of the body, as in "links.next" or "[\'@odata.nextLink\']", or `{ header }` (for a `Link` header: "link-header"). The list ends where it is missing, null, false or empty',
    ),
    endValues,
    depth: depth.optional(),
    ...followOptions,
    persist: persistUrl,
    keepQuery,
    size: pageSize.optional(),
  })
  .describe('Next URL: the body holds the URL of the next page')

export type NextUrlOptions = z.input<typeof nextUrlOptions>

/** Options of next-URL pagination, for a stream's `paginate`. */
export function nextUrl(options: Omit<NextUrlOptions, 'type'>): NextUrlOptions {
  return { type: 'next-url', ...options }
}

/** A paginator that follows URLs of the body. Its position is the absolute URL. Whether its origin may be asked is for the source to say (R3). `cleanUrl` takes out of it what must not be stored (S1). */
export function nextUrlPaginator(
  input: NextUrlOptions,
  cleanUrl: (url: string) => string = (url) => url,
): Paginator<string> {
  const options = parseOptions(nextUrlOptions, input)
  const what = describePlace(options.url)
  const read = tokenPlaceReader(options.url, options.endValues)
  const absolute = (page: PageView, url: string, place: string) => cleanUrl(resolveUrl(page, url, place))
  const named = (page: PageView) => {
    const url = read(page)
    return url === undefined ? undefined : absolute(page, url, what)
  }
  return withDepth(
    options.depth,
    urlPaginator(
      'next-url',
      sizeWriter(options.size),
      following(
        options,
        { what, read: named, isInHead: isInHead(options.url) },
        persistedUrl(options.persist, absolute),
      ),
      options.keepQuery,
    ),
  )
}

/** A paginator whose position is the URL to ask. */
export function urlPaginator(
  kind: string,
  first: (base: RequestSpec) => RequestSpec,
  rest: Pick<Paginator<string>, 'next' | 'resume' | 'ahead'>,
  keepsQuery: boolean,
): Paginator<string> {
  return {
    request(base, position) {
      if (position === undefined) return first(base)
      checkPosition(base, position, kind, 'text')
      return { ...base, url: position, query: keepsQuery ? missingIn(position, first(base).query) : {} }
    },
    ...rest,
  }
}

/** The parameters that a URL does not have itself: none is there twice. */
function missingIn(url: string, query: RequestSpec['query']): RequestSpec['query'] {
  const { searchParams } = new URL(url)
  return Object.fromEntries(Object.entries(query).filter(([name]) => !searchParams.has(name)))
}

/**
 * A page's link as an absolute URL, without its fragment.
 * @throws PaginationInvalidError where it is no http or https URL
 */
export function resolveUrl(page: PageView, link: string, what: string): string {
  const url = URL.canParse(link, page.url) ? new URL(link, page.url) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new PaginationInvalidError(
      page.url,
      `${what} should hold the next page's URL, but holds ${excerpt(link)}; if that is a token, use the paginator "cursor"`,
    )
  }
  url.hash = ''
  return url.href
}
