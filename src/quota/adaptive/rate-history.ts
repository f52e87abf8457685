/** A moment, and all that had been accepted by then. */
interface Mark {
  readonly at: number
  readonly accepted: number
}

/** Marks lie apart by this share of their age, so that some sixty reach back a day. */
const grain = 1 / 8
const shortestMs = 50

/** How much was accepted since any moment, the more exactly the later that was. Times in milliseconds. */
export class RateHistory {
  #marks: Mark[] = []
  #accepted = 0

  get begun(): boolean {
    return this.#marks.length > 0
  }
  /** Since the restart. */
  get accepted(): number {
    return this.#accepted - (this.#marks[0]?.accepted ?? 0)
  }

  /** Forgets what was before `at`. */
  restart(at: number): void {
    this.#marks = [{ at, accepted: this.#accepted }]
  }

  add(cost: number, now: number): void {
    const newest = this.#marks.at(-1)
    if (newest !== undefined && now - newest.at >= shortestMs) {
      this.#marks.push({ at: now, accepted: this.#accepted })
      this.#thin(now)
    }
    this.#accepted += cost
  }

  /**
   * The highest rate, per millisecond, among the stretches that end at `end`: the whole, and each later part that lasts `shortest` and holds
   * `fewest`. Where the rate rose on the way, the whole says too little of what was allowed at its end.
   */
  highestRate(end: number, shortest: number, fewest: number): number {
    let highest = 0
    for (const [index, { at, accepted }] of this.#marks.entries()) {
      const length = end - at
      const count = this.#accepted - accepted
      if (length <= 0 || (index > 0 && (length < shortest || count < fewest))) break
      highest = Math.max(highest, count / length)
    }
    return highest
  }

  #thin(now: number): void {
    const kept: Mark[] = []
    for (const [index, mark] of this.#marks.entries()) {
      const before = kept.at(-1)
      const behind = this.#marks[index + 1]
      if (before === undefined || behind === undefined || behind.at - before.at >= (now - mark.at) * grain)
        kept.push(mark)
    }
    this.#marks = kept
  }
}
