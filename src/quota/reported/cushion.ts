// Of a budget that others use, too, the last places may be gone when our request arrives, though a reply told of them. Each refusal that shows
// this leaves one place more to them, and each window gives a little of that back, so that refusals stay rare and little is left unused.

/** Of the budget: what is left to others at most, and what comes back of it with each window. */
const largest = 0.025
const givenBack = 0.0015
/** A place of a budget that is smaller than this is worth more than a refusal. */
const smallestLimit = 40

export class Cushion {
  #size = 0

  /** What stays in the budget. */
  get size(): number {
    return this.#size
  }
  sawRefusal(cost: number, limit: number | undefined): void {
    if (limit === undefined || limit < smallestLimit) return
    this.#size = Math.min(Math.max(1, limit * largest), this.#size + cost)
  }
  passReset(limit: number | undefined): void {
    if (this.#size > 0) this.#size = Math.max(0, this.#size - givenBack * (limit ?? 0))
  }
}
