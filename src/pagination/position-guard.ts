// R1 over more than one page: lists that lead back to where they were, A → B → A or A → B → … → B, by positions. The last few are kept, so
// that short circles are seen before anything is read twice; longer ones are found in constant memory by Brent's algorithm (R. P. Brent,
// "An improved Monte Carlo factorization algorithm", 1980, section 2), once round or twice.
import type { Json } from '../ports/json.ts'
import { type PageView, PaginationLoopError, PaginationStuckError } from './paginator.ts'
import { excerpt } from './response-value.ts'

/** Positions that are kept as they are. */
const recent = 32
/** Pages without records, each byte for byte the one before, after which a list that still goes on is taken for one that has no end. */
const mostSameEmptyPages = 1000

/** Watches one reading of one list. */
export class PositionGuard {
  readonly #recent: (string | undefined)[] = []
  #at = 0
  #anchor: string | undefined
  #steps = 0
  #power = 1
  #sameEmpty = 0
  #lastEmpty: Buffer | undefined

  /** `start`: the position of the first page that is read; `undefined` at the list's beginning. */
  constructor(start: Json | undefined) {
    if (start !== undefined) this.#keep(JSON.stringify(start))
  }

  /**
   * Takes the position behind `page`. `body`: the page as it came, where it is at hand.
   * @throws PaginationLoopError for one that was met before (R1)
   * @throws PaginationStuckError where page after page is the same and empty, and the list goes on
   */
  follow(next: Json | undefined, page: PageView, body?: Buffer): void {
    if (next === undefined) return
    const key = JSON.stringify(next)
    if (this.#recent.includes(key) || key === this.#anchor) {
      throw new PaginationLoopError(
        page.url,
        `it leads on to ${excerpt(next)}, which was read before: the list runs in a circle`,
      )
    }
    this.#keep(key)
    if (page.records.length > 0) {
      this.#sameEmpty = 0
      this.#lastEmpty = undefined
      return
    }
    this.#sameEmpty = body !== undefined && this.#lastEmpty?.equals(body) ? this.#sameEmpty + 1 : 1
    this.#lastEmpty = body
    if (this.#sameEmpty < mostSameEmptyPages) return
    throw new PaginationStuckError(
      page.url,
      `${mostSameEmptyPages} pages in a row were the same and empty, and the list still goes on; check \`more\` and the totals in \`paginate\`, or leave them out, to end at the first empty page`,
    )
  }

  #keep(key: string): void {
    this.#recent[this.#at] = key
    this.#at = (this.#at + 1) % recent
    if (++this.#steps < this.#power) return
    this.#anchor = key
    this.#steps = 0
    this.#power *= 2
  }
}
