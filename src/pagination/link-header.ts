// Link-header pagination (RFC 8288; GitHub, GitLab, Okta, Shopify): the header names the next page's URL.
// A page whose header names none is the last. The URL is followed whole, whatever its path: GitHub rewrites it.
import { z } from 'zod'
import { depth, withDepth } from './depth.ts'
import { following, followOptions, keepQuery, persistedUrl, persistUrl } from './follow.ts'
import { parseLinkHeader } from './link-header-parser.ts'
import { resolveUrl, urlPaginator } from './next-url.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import type { PageView, Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'

export const linkHeaderOptions = z
  .strictObject({
    type: z.literal('link-header').describe('Pages are named by the Link header'),
    rel: z
      .string()
      .min(1)
      .default('next')
      .describe('Relation type of the link to follow, in any case. Default "next"'),
    depth: depth.optional(),
    ...followOptions,
    persist: persistUrl,
    keepQuery,
    size: pageSize.optional(),
  })
  .describe('Link header: the response header `Link` holds the URL of the next page')

export type LinkHeaderOptions = z.input<typeof linkHeaderOptions>

/** Options of link-header pagination, for a stream's `paginate`. */
export function linkHeader(options: Omit<LinkHeaderOptions, 'type'> = {}): LinkHeaderOptions {
  return { type: 'link-header', ...options }
}

/** A paginator that follows the `Link` header. Its position is the absolute URL. Whether its origin may be asked is for the source to say (R3). `cleanUrl` takes out of it what must not be stored (S1). */
export function linkHeaderPaginator(
  input: LinkHeaderOptions,
  cleanUrl: (url: string) => string = (url) => url,
): Paginator<string> {
  const options = parseOptions(linkHeaderOptions, input)
  const rel = options.rel.toLowerCase()
  const what = `the Link header's rel="${rel}"`
  const absolute = (page: PageView, url: string, place: string) => cleanUrl(resolveUrl(page, url, place))
  const read = (page: PageView): string | undefined => {
    const link = parseLinkHeader(page.headers['link']).find(
      // A link with another anchor speaks of another resource (RFC 8288, section 3.2).
      ({ rels, params }) =>
        rels.includes(rel) && (params['anchor'] === undefined || isSame(params['anchor'], page.url)),
    )
    return link && absolute(page, link.target, what)
  }
  return withDepth(
    options.depth,
    urlPaginator(
      'link-header',
      sizeWriter(options.size),
      following(options, { what, read, isInHead: true }, persistedUrl(options.persist, absolute)),
      options.keepQuery,
    ),
  )
}

function isSame(anchor: string, url: string): boolean {
  return URL.canParse(anchor, url) && new URL(anchor, url).href === new URL(url).href
}
