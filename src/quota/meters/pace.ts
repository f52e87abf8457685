// An even pace (the generic cell rate algorithm, ITU-T I.371): after each request the next is due once its share of the window has passed.
// It spreads what another meter bounds; by itself it promises nothing of what a server counts.
import type { Meter, SentRequest } from './meter.ts'

export interface PaceOptions {
  readonly limit: number
  /** Milliseconds over which `limit` is spread. */
  readonly perMs: number
  /** Cost that may go at once before the pace begins. Default: one request. */
  readonly burst?: number
}

/** Timers are late, and more so in short windows than would matter in long ones: so much is caught up, in milliseconds. */
const mostCaughtUp = 50

export class Pace implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  /** Milliseconds for each unit of cost. */
  readonly #interval: number
  readonly #burst: number
  readonly #slack: number
  /** When the next is due, of those that go evenly. */
  #due = Number.NEGATIVE_INFINITY

  constructor({ limit, perMs, burst = 0 }: PaceOptions) {
    this.#interval = perMs / limit
    this.#burst = burst
    this.#slack = Math.max(2, Math.min(perMs / 100, mostCaughtUp))
  }
  readyAt(cost: number, now: number): number {
    return Math.max(now, this.#due - Math.max(0, this.#burst - cost) * this.#interval)
  }
  take(cost: number, now: number): void {
    const from = this.#due > now - this.#slack ? this.#due : now
    this.#due = from + cost * this.#interval
  }
  settle({ cost, actual = cost }: SentRequest): void {
    this.#due += (actual - cost) * this.#interval
  }
  cancel(cost: number): void {
    this.#due -= cost * this.#interval
  }
  isIdle(now: number): boolean {
    return this.#due <= now
  }
}
