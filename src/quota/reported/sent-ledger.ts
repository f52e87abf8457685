// What was sent on a budget: what is in flight, what may not be in a number that was reported, and what belongs to the present window.

/** What was known of a request when it was sent. */
interface SentState {
  /** In flight beside it. */
  readonly alongside: number
  /** All that had been taken, with it. */
  readonly taken: number
}

export class SentLedger {
  #inFlight = 0
  /** All that was ever taken. */
  #taken = 0
  /** By the order of a request in flight. */
  readonly #sent = new Map<number, SentState>()

  /** Settled without a report that counts, and in none that came since: when, and what they cost. */
  #unshown: { readonly at: number; readonly cost: number }[] = []

  // Since the last reset.
  #resetSeenAt = Number.NEGATIVE_INFINITY
  #takenBefore = 0
  #unsettled = 0
  #firstTake: number | undefined
  #lastTake = 0
  /** How long after the first request of the window before its last one was sent. */
  #spreadBefore = 0

  get inFlight(): number {
    return this.#inFlight
  }
  /** What the server may have counted that no report has shown: in flight, or settled without one. */
  get unreported(): number {
    return this.#unshown.reduce((sum, { cost }) => sum + cost, this.#inFlight)
  }
  /** In flight, and sent since the last reset. */
  get unsettled(): number {
    return this.#unsettled
  }
  /** When the last reset was seen. */
  get resetSeenAt(): number {
    return this.#resetSeenAt
  }
  get spreadBefore(): number {
    return this.#spreadBefore
  }

  take(cost: number, order: number | undefined): void {
    if (order !== undefined) this.#sent.set(order, { alongside: this.#inFlight, taken: this.#taken + cost })
    this.#inFlight += cost
    this.#taken += cost
    this.#unsettled += cost
  }
  cancel(cost: number, order: number | undefined): void {
    if (order !== undefined) this.#sent.delete(order)
    this.#inFlight -= cost
    this.#unsettled = Math.max(0, this.#unsettled - cost)
  }
  settle(cost: number, sentAt: number): void {
    this.#inFlight -= cost
    if (sentAt >= this.#resetSeenAt) this.#unsettled = Math.max(0, this.#unsettled - cost)
  }
  /** After `settle`, once the reply is read. */
  forget(order: number): void {
    this.#sent.delete(order)
  }

  /** A request has been settled, and its reply shows nothing of the present window, which may have it all the same. */
  keepUnshown(cost: number, now: number): void {
    this.#unshown.push({ at: now, cost })
  }
  /** A report of a request that was sent at `sentAt` has come: whatever was settled before that, it has counted. */
  showUntil(sentAt: number): void {
    if (this.#unshown.length > 0) this.#unshown = this.#unshown.filter(({ at }) => at > sentAt)
  }

  /** A request that is part of the present window. */
  use(at: number): void {
    this.#firstTake ??= at
    this.#lastTake = Math.max(this.#lastTake, at)
  }
  passReset(now: number): void {
    this.#resetSeenAt = now
    this.#spreadBefore = this.#firstTake === undefined ? 0 : this.#lastTake - this.#firstTake
    this.#firstTake = undefined
    this.#takenBefore = this.#taken
    this.#unsettled = 0
    this.#unshown = []
  }

  /** What may not be in a request's report: what was in flight when it was sent, and what was sent after it. */
  uncountedIn(order: number): number {
    const known = this.#sent.get(order)
    return known === undefined ? this.unreported : known.alongside + this.#taken - known.taken
  }
  /** What the server has counted of the present window with a request: at least and at most. `undefined`: that isn't known. */
  countedWith(order: number, cost: number): { readonly least: number; readonly most: number } | undefined {
    const known = this.#sent.get(order)
    if (known === undefined) return undefined
    // Of those taken since the reset at least those that were not in flight beside it; of those from before it, any that were.
    const taken = Math.max(cost, known.taken - this.#takenBefore)
    return { least: Math.max(cost, taken - known.alongside), most: taken + known.alongside }
  }
}
