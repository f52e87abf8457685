// What the kinds have in common that follow a next page named by the API (a token, a URL).
import { z } from 'zod'
import { emptyLastPage } from './last-page.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { type PageHead, type PageView, PaginationInvalidError, PaginationLoopError } from './paginator.ts'
import { describePlace, excerpt, responseValue, tokenReader } from './response-value.ts'

export const persist = z
  .boolean()
  .default(false)
  .describe(
    'Whether the position outlives the end of the list: the next run goes on from what the last page named. Only for APIs that promise it. Default false',
  )

/** `persist` of a kind whose API may name the next run's beginning elsewhere than the next page: `place` says where. */
export function persistWith<T extends z.ZodType>(place: T) {
  return z
    .union([z.boolean(), place])
    .default(false)
    .describe(
      'Whether the position outlives the end of the list: true where the next run goes on from what the last page named, or the place where the last page names it apart (a sync token, a delta link). Only for APIs that promise it. Default false',
    )
}

export const persistUrl = persistWith(
  z.strictObject({
    url: responseValue.describe(
      'Where the last page holds the URL that the next run begins with, as in "[\'@odata.deltaLink\']"',
    ),
  }),
)

export const keepQuery = z
  .boolean()
  .default(false)
  .describe(
    "Whether the first request's query parameters are added to the next URL where it lacks them, for an API that leaves its filters out of it. Those that the URL has stay as they are. Default false: the URL is asked as it is",
  )

export const followOptions = {
  more: moreFlag.optional(),
  lastPage: emptyLastPage,
}

interface FollowOptions {
  readonly more?: string | undefined
  readonly lastPage?: 'empty' | undefined
  readonly persist: boolean | object
}

/** What a place of the response holds, and its name for messages. */
export interface NamedReader {
  readonly what: string
  readonly read: NextReader
  /** True where it looks at the response's head alone. */
  readonly isInHead?: boolean
}

/** Finds what the page names as the next one: an opaque text. */
type NextReader = (page: PageView) => string | undefined

/** The last page's own place of the next run's beginning, where `persist` names one. */
export function persistedUrl(
  persist: z.output<typeof persistUrl>,
  absolute: (page: PageView, url: string, what: string) => string,
): NamedReader | undefined {
  if (typeof persist === 'boolean') return undefined
  const what = describePlace(persist.url)
  const read = tokenReader(persist.url)
  return {
    what,
    read(page) {
      const url = read(page)
      return url === undefined ? undefined : absolute(page, url, what)
    },
  }
}

/**
 * The `next` and, where the position persists, the `resume` of a paginator that follows what `read` finds.
 * `what` names it in messages, as in "after_cursor". `isInHead`: `read` looks at the response's head alone; what it finds is then told
 * before the body has come, unless the body has a say in whether the list goes on. `apart` finds what the next run begins with, where
 * that is named apart.
 */
export function following(
  options: FollowOptions,
  { what, read, isInHead = false }: NamedReader,
  apart?: NamedReader,
) {
  const more = moreReader(options.more)
  const next = (page: PageView, position: string | undefined): string | undefined => {
    const flag = more(page)
    if (flag === false) return undefined
    if (flag === undefined && options.lastPage === 'empty' && page.records.length === 0) return undefined
    const named = read(page)
    if (named === undefined) {
      if (flag === undefined) return undefined
      throw new PaginationInvalidError(
        page.url,
        `${options.more} says that there are more pages, but ${what} names none; name the right place of the next page`,
      )
    }
    // A position that persists stands still while there is nothing new.
    if (options.persist !== false && named === position && page.records.length === 0 && flag === undefined)
      return undefined
    // R1. The first page has no position, but its own URL would lead to it again.
    if (named === position || named === page.url) {
      throw new PaginationLoopError(page.url, `${what} is ${excerpt(named)}, which led to this very page`)
    }
    return named
  }
  // An API may name nothing when it has nothing new: then the old position still holds.
  const resume = (page: PageView, position: string | undefined): string | undefined => {
    const named = (apart?.read ?? read)(page) ?? position
    if (apart === undefined || named !== position || (position !== undefined && page.records.length === 0))
      return named
    throw new PaginationInvalidError(
      page.url,
      `the list has ended, and ${apart.what} holds nothing, where \`persist\` looks for what the next run begins with; name the right place`,
    )
  }
  const ahead = (head: PageHead, position: string | undefined): string | undefined => {
    const named = read({ ...head, body: undefined, records: [] })
    return named === position || named === head.url ? undefined : named
  }
  const bodyDecides = options.more !== undefined || options.lastPage !== undefined
  return {
    next,
    ...(options.persist !== false && { resume }),
    ...(isInHead && !bodyDecides && { ahead }),
  }
}
