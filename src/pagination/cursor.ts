// Cursor pagination: each page holds a token that leads to the next one; a page that holds none is the last.
// Short and empty pages go on as long as they hold a token (Slack's pages may be empty before the last one).
import { z } from 'zod'
import { following, followOptions } from './follow.ts'
import { pageSize, sizeWriter } from './page-size.ts'
import type { Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { checkPosition } from './position.ts'
import { requestValue, requestWriter } from './request-value.ts'
import { describePlace, responseValue, tokenReader } from './response-value.ts'

export const cursorOptions = z
  .strictObject({
    type: z.literal('cursor').describe('Pages are named by a token'),
    token: responseValue.describe(
      'Where a page holds the token of the next one: a path of the body, as in "meta.after_cursor", or `{ header }`. The list ends where it is missing, null or empty. Where 0 means the end, name the same place in `more` too',
    ),
    param: requestValue.describe(
      'Where the token goes in the next request: a query parameter, `{ header }` or `{ body }`',
    ),
    ...followOptions,
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

/** A paginator that follows tokens. Its position is the token as the API sent it, as text with all of its digits (R4). */
export function cursorPaginator(input: CursorOptions): Paginator<string> {
  const options = parseOptions(cursorOptions, input)
  const put = requestWriter(options.param)
  const withSize = sizeWriter(options.size)
  const mayDecode = options.encoded ?? typeof options.param === 'string'
  return {
    request(base, position) {
      const sized = withSize(base)
      if (position === undefined) return sized
      checkPosition(base, position, 'cursor', 'text')
      return put(
        sized,
        mayDecode && (options.encoded || looksEncoded.test(position)) ? decode(position) : position,
      )
    },
    ...following(
      options,
      describePlace(options.token),
      tokenReader(options.token),
      typeof options.token !== 'string',
    ),
  }
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
