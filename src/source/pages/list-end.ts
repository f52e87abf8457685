// The end of a list that a misspelt path would look just like: a first page that is not the last, and nothing where the next page
// should be named. A paginator can't tell the two apart, since an API may leave the token out of its last page; what else the body
// holds mostly can.
import { nearest } from '../../options/nearest.ts'
import { type BodyField, fieldsOf } from '../../pagination/detect/body-fields.ts'
import { moreReader } from '../../pagination/more-flag.ts'
import type { PaginatorOptions } from '../../pagination/options.ts'
import type { PageView } from '../../pagination/paginator.ts'
import { compilePath, parsePath } from '../../pagination/path.ts'
import type { Value } from '../../ports/json.ts'

/** A list that ended at its first page, and may not have ended. */
export interface DoubtfulEnd {
  /** The option that names where the next page is named: `token` or `url`. */
  readonly option: 'token' | 'url'
  /** What it names, as in `next_cursor`. */
  readonly path: string
  /** Records on the page. */
  readonly records: number
  /** Paths of the body that look like what was meant, the likeliest first. Never what they hold (S1). */
  readonly found: readonly string[]
}

/** Looks at a first page behind which the paginator sees no other; `undefined` where that is as it should be. */
export type EndCheck = (firstPage: PageView) => DoubtfulEnd | undefined

/** Most paths that a warning names. */
const mostFound = 4
/** What fields are called by which APIs name a next page or say that there is one. */
const leadsOn = /next|cursor|more|continu|scroll|token|^after$|_after$|offset/i

/** Of a paginator that follows what the body names. Others need no such path. */
export function endCheck(options: PaginatorOptions | undefined): EndCheck {
  if (options?.type !== 'cursor' && options?.type !== 'next-url') return () => undefined
  const [option, place] =
    options.type === 'cursor' ? (['token', options.token] as const) : (['url', options.url] as const)
  if (typeof place !== 'string') return () => undefined
  const read = compilePath(place)
  const more = moreReader(options.more)
  const full = options.size?.value
  const named = String(parsePath(place)?.at(-1) ?? place)

  return (page) => {
    // Null and '' are what an API says at the end; a key that is not there at all may be one that is written otherwise.
    if (page.records.length === 0 || read(page.body) !== undefined || more(page) !== undefined)
      return undefined
    const likely = [...fieldsOf(page.body, page.records)].filter(
      ({ key }) => leadsOn.test(key) || nearest(named, [key]) !== undefined,
    )
    // An API that says that there is no more says so of whatever the path was meant to name.
    if (likely.some(({ key, value }) => /more/i.test(key) && value === false)) return undefined
    const found = likely.filter(({ value }) => holdsSomething(value))
    if (found.length === 0 && (full === undefined || page.records.length < full)) return undefined
    const near = nearest(
      named,
      found.map(({ key }) => key),
    )
    // The likeliest first: what is spelled alike, then what could be a token; a flag leads nowhere.
    const rank = ({ key, value }: BodyField) => (key === near ? 0 : typeof value === 'boolean' ? 2 : 1)
    return {
      option,
      path: place,
      records: page.records.length,
      found: found
        .toSorted((a, b) => rank(a) - rank(b))
        .slice(0, mostFound)
        .map(({ path }) => path),
    }
  }
}

function holdsSomething(value: Value): boolean {
  return value !== null && value !== '' && value !== false && value !== 0
}

/** Says why a page that was taken for the last may not be; `undefined` where that is as it should be. */
export type FlagCheck = (lastPage: PageView) => string | undefined

/** Flags by which APIs say that there are more pages. */
const moreFlags = /^(?:has_?)?(?:more|next(?:_?page)?)(?:_?(?:pages|results|items|records))?$/i

/**
 * Of a list whose API says that it goes on, in a flag that no option names. A list that may end before its end is not looked at: one
 * with a `depth` beyond which it is left, or with a cap.
 */
export function flagCheck(
  options: PaginatorOptions | undefined,
  slices: readonly { readonly by: string; readonly cap?: unknown }[] = [],
): FlagCheck {
  const isLeft = options !== undefined && 'depth' in options && options.depth?.beyond === 'end'
  const isCapped = slices.some(({ cap }) => cap !== undefined)
  const persists = options !== undefined && 'persist' in options && options.persist !== false
  if (options === undefined || isLeft || isCapped || persists) return () => undefined
  if (options.type === 'custom' || options.type === 'relay') return () => undefined
  if ('more' in options && options.more !== undefined) return () => undefined
  const takesFlag = options.type !== 'none' && options.type !== 'auto'
  const follows = options.type === 'cursor' || options.type === 'next-url' || options.type === 'link-header'

  return ({ body, records }) => {
    for (const { key, path, value } of fieldsOf(body, records)) {
      if (value !== true || !moreFlags.test(key)) continue
      const advice = !takesFlag
        ? 'If there are more records, say in `paginate` how the list goes on'
        : `Write \`more: ${path}\`, so that ${follows ? 'such a page that names no next one is an error' : 'the list is read on until it says otherwise'}`
      return `the list may go on: the page that was taken for the last says \`${path}: true\`. ${advice}`
    }
    return undefined
  }
}
