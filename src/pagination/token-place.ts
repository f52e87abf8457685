// Where a page holds the token of the next one: a place of the response, or a query parameter of a URL that stands there.
import { z } from 'zod'
import { type PageView, PaginationInvalidError } from './paginator.ts'
import { describePlace, excerpt, responseValue, tokenReader } from './response-value.ts'

export const tokenPlace = z
  .union(
    [
      responseValue,
      z.strictObject({
        url: responseValue.describe(
          'Where a page holds the URL: a path of the body, as in "links.next", or `{ header }`',
        ),
        param: z.string().min(1).describe('The query parameter of that URL that is the token'),
      }),
    ],
    {
      error:
        'name a path of the body, as in "meta.next", a header, as in { header: "x-next" }, or a parameter of a URL that stands there, as in { url: "links.next", param: "cursor" }',
    },
  )
  .meta({ title: 'token place' })

/** `'meta.next'`, `{ header: 'x-next' }`, or `{ url: 'links.next', param: 'cursor' }`: a parameter of the URL at `links.next`. */
export type TokenPlace = z.output<typeof tokenPlace>

export const endValues = z
  .array(z.union([z.string(), z.number()]).transform(String))
  .default([])
  .describe(
    'What a page holds there when there is none after it, beside null, false, an empty text and nothing at all: as in ["0"] or ["END"]. A number is compared as text. In a header the text null says so without being named. Default none',
  )

/** Whether a token comes from a URL, where it is encoded and gets decoded. */
export function isInUrl(place: TokenPlace): place is Extract<TokenPlace, { url: unknown }> {
  return typeof place === 'object' && 'url' in place
}

/** Whether the head of a response tells the token, so that its body need not be waited for. */
export function isInHead(place: TokenPlace): boolean {
  const from = isInUrl(place) ? place.url : place
  return typeof from === 'object'
}

/** For messages: `meta.next`, `header x-next`, or `cursor in the URL at links.next`. */
export function describeTokenPlace(place: TokenPlace): string {
  return isInUrl(place) ? `${place.param} in the URL at ${describePlace(place.url)}` : describePlace(place)
}

/**
 * Reads a token; `undefined` after the last page.
 * @throws PaginationInvalidError where what stands there is no token, or the URL lacks the parameter
 */
export function tokenPlaceReader(
  place: TokenPlace,
  ends: readonly string[] = [],
): (page: PageView) => string | undefined {
  const isEnd = (text: string) => ends.includes(text)
  if (!isInUrl(place)) {
    const read = tokenReader(place)
    return (page) => {
      const text = read(page)
      return text === undefined || isEnd(text) ? undefined : text
    }
  }
  const read = tokenReader(place.url)
  const { param } = place
  return (page) => {
    const text = read(page)
    if (text === undefined || isEnd(text)) return undefined
    const url = URL.canParse(text, page.url) ? new URL(text, page.url) : undefined
    const token = url?.searchParams.get(param)
    if (token === undefined || token === null) {
      const names = [...new Set(url?.searchParams.keys() ?? [])]
      throw new PaginationInvalidError(
        page.url,
        `${describePlace(place.url)} should hold a URL with the query parameter ${param}, but ${url === undefined ? `holds ${excerpt(text)}` : `its URL has ${names.length === 0 ? 'no parameters' : `the parameters ${names.join(', ')}`}`}; name the right one in \`token.param\``,
      )
    }
    return token === '' || isEnd(token) ? undefined : token
  }
}
