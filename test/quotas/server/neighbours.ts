/** Others who use the same credential. */
export interface Neighbour {
  readonly perSecond: number
  readonly for?: number | undefined
  readonly every?: number | undefined
}

interface Asking {
  readonly neighbour: Neighbour
  /** When it asks next. */
  next: number
}

/** The times at which neighbours ask, a Poisson process each; they are asked for in order. */
export class Neighbours {
  readonly #each: Asking[]
  readonly #random: () => number
  readonly #start: number

  constructor(neighbours: readonly Neighbour[], random: () => number, start: number) {
    this.#random = random
    this.#start = start
    this.#each = neighbours.map((neighbour) => ({ neighbour, next: this.#after(neighbour, start) }))
  }

  /** Calls `ask` for each request of theirs up to `now`. */
  catchUp(now: number, ask: (at: number) => void): void {
    for (;;) {
      const first = this.#each.reduce<Asking | undefined>(
        (a, b) => (a === undefined || b.next < a.next ? b : a),
        undefined,
      )
      if (first === undefined || first.next > now) return
      const at = first.next
      first.next = this.#after(first.neighbour, at)
      ask(at)
    }
  }

  #after(neighbour: Neighbour, at: number): number {
    const next = at + (-Math.log(1 - this.#random()) / neighbour.perSecond) * 1000
    const { for: burstMs, every } = neighbour
    if (burstMs === undefined || every === undefined) return next
    // Between two bursts nothing is asked: what falls there is asked in the next one.
    const phase = (next - this.#start) % every
    return phase < burstMs ? next : next - phase + every
  }
}
