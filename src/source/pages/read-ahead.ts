import type { PageHead, PageView, Paginator } from '../../pagination/paginator.ts'
import type { Json } from '../../ports/json.ts'
import type { FetchedPage } from './fetch-page.ts'

export interface ReadAheadOptions {
  readonly paginator: Paginator
  /** Asks for a page. Fails, and does not throw, where the position is refused. */
  readonly ask: (
    position: Json | undefined,
    signal: AbortSignal,
    onHead: (head: PageHead) => void,
  ) => Promise<FetchedPage>
  /**
   * Most pages that are under way or held in memory at once, beside the one that is handed on. 1: none is asked for before the one in
   * front of it has been answered. 0: each is asked for when it is its turn.
   */
  readonly pages: number
}

/** A page that was asked for. */
interface Asked {
  readonly position: Json | undefined
  readonly page: Promise<FetchedPage>
  readonly abort: AbortController
  /** Asked for before it was known that the page in front of it had been answered. */
  readonly isEarly: boolean
  readonly head: Head
}

interface Head {
  /** The position behind, once the response's head has told it. */
  following: Json | undefined
  hasCome: boolean
}

/**
 * Asks for the pages of one slice ahead of their turn: those whose positions the paginator knows (`all`), or the one that a response's
 * head names (`ahead`). All of them are guesses until the page in front says the same; what it does not confirm is dropped.
 *
 * Order: an early page may have been answered before the one in front of it. Where the list changed in between, a record may be on
 * neither, so that an early page counts only if both name the same `total`; else it is asked for again. (Pages that overlap need no total: the record they share tells.)
 *
 * Waste: a wrong guess costs the pages behind it, and makes the window one page wide, which is no guess at all; each page that
 * proves to be where it was expected doubles the window.
 */
export class ReadAhead {
  readonly #paginator: Paginator
  readonly #ask: ReadAheadOptions['ask']
  readonly #most: number
  #width: number
  #current: Asked | undefined
  /** In order, behind the current one. */
  #queue: Asked[] = []
  /** Positions behind the queue. */
  #plan: Plan | undefined
  #believesHeads = true
  /** Whether the current page has not come yet. */
  #isWaiting = false
  /** Of the page that was read last. */
  #total: number | undefined
  #closed = false
  #closedFor: unknown

  constructor({ paginator, ask, pages }: ReadAheadOptions) {
    this.#paginator = paginator
    this.#ask = ask
    this.#most = pages
    this.#width = pages
  }

  /**
   * The page at `position`, to which `goOn` has led.
   * Rejects with what the page failed with: of a page that was asked for ahead this is the first that anybody hears of it.
   */
  async take(position: Json | undefined): Promise<FetchedPage> {
    const asked = this.#queue.shift() ?? this.#askFor(position, false)
    const page = await this.#wait(asked)
    if (!asked.isEarly || this.#paginator.total?.(page.view) === this.#total) return page
    this.#guessedWrong()
    return this.#wait(this.#askFor(position, false))
  }

  /** The current page was read, and the next one is at `next`: asks for it and for those behind it, and drops what was guessed wrong. */
  goOn(page: PageView, at: Json | undefined, next: Json | undefined): void {
    this.#total = this.#paginator.total?.(page)
    if (next === undefined || this.#most === 0) {
      this.#drop(0)
      this.#current = undefined
      return
    }
    const expected = this.#queue[0]?.position ?? this.#plan?.upcoming
    if (this.#isSame(expected, next)) this.#width = Math.min(this.#most, this.#width * 2)
    else if (expected !== undefined) this.#guessedWrong()
    this.#plan ??= this.#planBehind(page, at)
    if (this.#queue.length === 0) this.#queue.push(this.#askFor(this.#planned(next), false))
    this.#fill()
  }

  /** Stops everything that is under way. */
  close(reason?: unknown): void {
    this.#closed = true
    this.#closedFor = reason
    this.#current?.abort.abort(reason)
    for (const { abort } of this.#queue) abort.abort(reason)
  }

  async #wait(asked: Asked): Promise<FetchedPage> {
    this.#current = asked
    this.#isWaiting = true
    this.#fill()
    try {
      return await asked.page
    } finally {
      this.#isWaiting = false
    }
  }

  #fill(): void {
    while (!this.#closed) {
      const position = this.#nextGuess()
      if (position === undefined) return
      this.#queue.push(this.#askFor(position, this.#plan !== undefined))
    }
  }

  #nextGuess(): Json | undefined {
    const waiting = this.#queue.length
    // The current page is one of those at once, until it has come.
    if (this.#plan) return waiting + (this.#isWaiting ? 1 : 0) < this.#width ? this.#plan.take() : undefined
    if (!this.#believesHeads || waiting >= this.#most) return undefined
    return (this.#queue.at(-1) ?? this.#current)?.head.following
  }

  /** The positions behind those that were asked for already; `undefined` where they are not known, or are others. */
  #planBehind(page: PageView, at: Json | undefined): Plan | undefined {
    const plan = this.#most === 1 ? undefined : planOf(this.#paginator.all?.(page, at))
    return plan && this.#queue.every(({ position }) => this.#isSame(plan.take(), position!))
      ? plan
      : undefined
  }

  /** `next`, which is then no longer planned. */
  #planned(next: Json): Json {
    if (!this.#isSame(this.#plan?.take(), next)) this.#plan = undefined
    return next
  }

  #askFor(position: Json | undefined, isEarly: boolean): Asked {
    const abort = new AbortController()
    if (this.#closed) abort.abort(this.#closedFor)
    const head: Head = { following: undefined, hasCome: false }
    const page = this.#ask(position, abort.signal, (response) => this.#takeHead(head, response, position))
    // Whatever becomes of it is seen when it is its turn; until then, and where it is dropped, nobody looks.
    page.catch(() => {})
    return { position, page, abort, isEarly, head }
  }

  #takeHead(head: Head, response: PageHead, position: Json | undefined): void {
    if (this.#plan !== undefined || this.#paginator.ahead === undefined) return
    const place = this.#current?.head === head ? 0 : this.#queue.findIndex((each) => each.head === head) + 1
    if (place === 0 && this.#current?.head !== head) return
    // The page is read once more: what was asked for after its first head was answered before it.
    if (head.hasCome) this.#drop(place)
    head.hasCome = true
    try {
      head.following = this.#paginator.ahead(response, position)
    } catch {
      // Its `next` fails likewise, when it is its turn.
      head.following = undefined
    }
    this.#fill()
  }

  /** Whether both ask for the same page. */
  #isSame(a: Json | undefined, b: Json): boolean {
    if (a === undefined || a === b) return a === b
    const place = (position: Json) => this.#paginator.place?.(position) ?? position
    return JSON.stringify(place(a)) === JSON.stringify(place(b))
  }

  #guessedWrong(): void {
    if (this.#plan === undefined) this.#believesHeads = false
    else this.#width = 1
    this.#plan = undefined
    this.#drop(0)
  }

  /** Drops the queue from its place `from` on. */
  #drop(from: number): void {
    for (const { abort } of this.#queue.splice(from)) abort.abort()
  }
}

/** Positions yet to be asked for, in order. */
interface Plan {
  readonly upcoming: Json | undefined
  take(): Json | undefined
}

function planOf(positions: Iterable<Json> | undefined): Plan | undefined {
  if (positions === undefined) return undefined
  const iterator = positions[Symbol.iterator]()
  const pull = (): Json | undefined => {
    const { done, value } = iterator.next()
    return done ? undefined : value
  }
  let upcoming = pull()
  return {
    get upcoming() {
      return upcoming
    },
    take() {
      const taken = upcoming
      if (taken !== undefined) upcoming = pull()
      return taken
    },
  }
}
