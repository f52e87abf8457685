import type { Meter } from '../meters/meter.ts'

/** Nobody asks before a moment that the API named. */
export class Pause implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  #until = Number.NEGATIVE_INFINITY

  /** A shorter pause does not shorten a longer one. */
  extend(until: number): void {
    this.#until = Math.max(this.#until, until)
  }
  readyAt(_cost: number, now: number): number {
    return Math.max(now, this.#until)
  }
  take(): void {}
  cancel(): void {}
  isIdle(now: number): boolean {
    return now >= this.#until
  }
}
