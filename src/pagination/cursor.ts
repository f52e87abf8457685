// Cursor pagination: each page holds a token that leads to the next one; a page that holds none is the last.
// Short and empty pages go on as long as they hold a token (Slack's pages may be empty before the last one).
import { z } from 'zod'
import type { RequestSpec } from '../ports/request.ts'
import { depth, withDepth } from './depth.ts'
import { following, followOptions, persistWith } from './follow.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import type { PageHead, Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { checkPosition } from './position.ts'
import { type RequestValue, requestValue, requestWriter } from './request-value.ts'
import {
  describeTokenPlace,
  endValues,
  isInHead,
  isInUrl,
  tokenPlace,
  tokenPlaceReader,
} from './token-place.ts'

export const cursorOptions = z
  .strictObject({
    type: z.literal('cursor').describe('Pages are named by a token'),
    token: tokenPlace.describe(
      'Where a page holds the token of the next one: a path of the body, as in "meta.after_cursor", `{ header }`, or a parameter of a URL, `{ url: "links.next", param: "cursor" }`. The list ends where it is missing, null, false or empty',
    ),
    endValues,
    param: requestValue.describe(
      'Where the token goes in the next request: a query parameter, `{ header }` or `{ body }`',
    ),
    depth: depth.optional(),
    ...followOptions,
    persist: persistWith(
      z.strictObject({
        token: tokenPlace.describe(
          'Where the last page holds the token that the next run begins with, as in "nextSyncToken"',
        ),
        param: requestValue
          .optional()
          .describe(
            'Where that token goes in every request of the next run, as in "syncToken". Default: where the token of a page goes',
          ),
      }),
    ),
    encoded: z
      .boolean()
      .optional()
      .describe(
        'Whether the API sends the token URL-encoded: true decodes it before it goes into a request, false sends it as it came. Default: a token for a query parameter is decoded where it has %XX in it and nothing else that would need encoding',
      ),
    size: pageSize.optional(),
  })
  .describe('Cursor: each page holds a token that leads to the next')

export type CursorOptions = z.input<typeof cursorOptions>

/** Options of cursor pagination, for a stream's `paginate`. */
export function cursor(options: Omit<CursorOptions, 'type'>): CursorOptions {
  return { type: 'cursor', ...options }
}

/** Where reading stands in a run that began with a sync token of a parameter of its own; without `at`, at its first page. */
export type SyncPosition = { readonly since: string; readonly at?: string }

/**
 * A paginator that follows tokens. Its position is the token as the API sent it, as text with all of its digits (R4). With a sync token
 * that goes into a parameter of its own, it is that token and the page's.
 */
export function cursorPaginator(input: CursorOptions): Paginator<string | SyncPosition> {
  const options = parseOptions(cursorOptions, input)
  const { token, param, persist, endValues: ends } = options
  const apart = typeof persist === 'object' ? persist : undefined
  const put = tokenWriter(param, options.encoded, !isInUrl(token))
  const putSince =
    apart?.param === undefined ? undefined : tokenWriter(apart.param, options.encoded, !isInUrl(apart.token))
  const withSize = sizeWriter(options.size)
  const follow = following(
    options,
    {
      what: describeTokenPlace(token),
      read: tokenPlaceReader(token, ends),
      isInHead: isInHead(token),
    },
    apart && { what: describeTokenPlace(apart.token), read: tokenPlaceReader(apart.token) },
  )
  const { resume, ahead } = follow

  const paginator: Paginator<string | SyncPosition> = {
    request(base, position) {
      const sized = withSize(base)
      if (position === undefined) return sized
      if (putSince === undefined || !isSync(position)) {
        checkPosition(base, position, 'cursor', 'text')
        return put(sized, position as string)
      }
      const since = putSince(sized, position.since)
      return position.at === undefined ? since : put(since, position.at)
    },
    next(page, position) {
      const next = follow.next(page, isSync(position) ? position.at : position)
      return next !== undefined && isSync(position) ? { since: position.since, at: next } : next
    },
    ...(ahead && {
      ahead(head: PageHead, position: string | SyncPosition | undefined) {
        const next = ahead(head, isSync(position) ? position.at : position)
        return next !== undefined && isSync(position) ? { since: position.since, at: next } : next
      },
    }),
  }
  if (resume === undefined) return withDepth(options.depth, paginator)
  return withDepth(options.depth, {
    ...paginator,
    resume(page, position) {
      if (putSince === undefined) return resume(page, position as string | undefined)
      const since = resume(page, isSync(position) ? position.since : undefined)
      return since === undefined ? undefined : { since }
    },
  })
}

function isSync(position: unknown): position is SyncPosition {
  return (
    typeof position === 'object' &&
    position !== null &&
    'since' in position &&
    typeof position.since === 'string' &&
    (!('at' in position) || typeof position.at === 'string')
  )
}

/** Puts a token into a request, decoded where the API sent it encoded. A token out of a URL is decoded already. */
function tokenWriter(
  place: RequestValue,
  encoded: boolean | undefined,
  mayBeEncoded: boolean,
): (base: RequestSpec, token: string) => RequestSpec {
  const put = requestWriter(place)
  const mayDecode = encoded ?? (typeof place === 'string' && mayBeEncoded)
  return (base, token) =>
    put(base, mayDecode && (encoded || looksEncoded.test(token)) ? decode(token) : token)
}

// Query parameters are encoded on their way out: a token that is encoded already would be encoded twice. One that holds
// only what encoding leaves alone, and at least one %XX, is encoded; base64, JSON and JWT hold no %.
const looksEncoded = /^[\w.!~*'()-]*(?:%[\da-f]{2}[\w.!~*'()-]*)+$/i

function decode(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    // %XX that is no UTF-8 is no URL encoding of a text.
    return token
  }
}
