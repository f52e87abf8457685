// What the kinds have in common that follow a next page named by the API (a token, a URL).
import { z } from 'zod'
import { emptyLastPage } from './last-page.ts'
import { moreFlag, moreReader } from './more-flag.ts'
import { type PageHead, type PageView, PaginationInvalidError, PaginationLoopError } from './paginator.ts'
import { excerpt } from './response-value.ts'

export const persist = z
  .boolean()
  .default(false)
  .describe(
    'Whether the position outlives the end of the list: the next run goes on from what the last page named. Only for APIs that promise it. Default false',
  )

export const followOptions = {
  more: moreFlag.optional(),
  lastPage: emptyLastPage,
  persist,
}

interface FollowOptions {
  readonly more?: string | undefined
  readonly lastPage?: 'empty' | undefined
  readonly persist: boolean
}

/** Finds what the page names as the next one: an opaque text. */
type NextReader = (page: PageView) => string | undefined

/**
 * The `next` and, where the position persists, the `resume` of a paginator that follows what `read` finds.
 * `what` names it in messages, as in "after_cursor". `isInHead`: `read` looks at the response's head alone; what it finds is then told
 * before the body has come, unless the body has a say in whether the list goes on.
 */
export function following(options: FollowOptions, what: string, read: NextReader, isInHead = false) {
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
    if (options.persist && named === position && page.records.length === 0 && flag === undefined)
      return undefined
    // R1. The first page has no position, but its own URL would lead to it again.
    if (named === position || named === page.url) {
      throw new PaginationLoopError(page.url, `${what} is ${excerpt(named)}, which led to this very page`)
    }
    return named
  }
  // An API may name nothing when it has nothing new: then the old position still holds.
  const resume = (page: PageView, position: string | undefined): string | undefined => read(page) ?? position
  const ahead = (head: PageHead, position: string | undefined): string | undefined => {
    const named = read({ ...head, body: undefined, records: [] })
    return named === position || named === head.url ? undefined : named
  }
  const bodyDecides = options.more !== undefined || options.lastPage !== undefined
  return { next, ...(options.persist && { resume }), ...(isInHead && !bodyDecides && { ahead }) }
}
