// At most N requests in each window of a server that counts by the clock: from minute to minute, or from midnight to midnight (Q1).
//
// A request counts in each window that the server may have counted it in: from a guard before its sending to a guard after its answer, the
// guard being how far the server's clock may be from where we take it to be. While it is in flight it counts in every window.
//
// Proof that no window sees more than N: take N + 1 requests that the server counts in one window, and of them the one that was sent last,
// at g. Each of the others was sent before and is at g either in flight or answered; in either case it counts in the window. If the
// last one's own guard reaches the window, N are held in it at g, and it would not have been sent. If it doesn't, the window begins later,
// and the others were not answered before it: they are in flight at g, and in flight are never more than N.
//
// All N may go at once after a boundary, so nothing is lost but the guard, and only to those who spend everything before the next one.
import type { Meter, SentRequest } from './meter.ts'
import type { Spend } from './spend.ts'
import { type TimeGrid, type TimeWindow, timeGrid } from './time-grid.ts'

/** How the server's time of day lies to ours. */
export interface ServerTime {
  /** What the server's clock shows less what ours shows, in milliseconds. */
  readonly offsetMs: number
  /** How far off that may be, to both sides. */
  readonly errorMs: number
}

export interface FixedWindowOptions {
  readonly limit: number
  /** Length of the windows in milliseconds. */
  readonly perMs: number
  /** Where days begin. Default: UTC. */
  readonly timeZone?: string | undefined
  /** The time of day, in milliseconds since 1970. */
  readonly wallNow: () => number
  /** Default: the server's clock is ours, within a second, or within a tenth of the window where that is less. */
  readonly serverTime?: (() => ServerTime | undefined) | undefined
}

const rounding = 1e-6

export class FixedWindow implements Meter {
  readonly maxCost: number
  readonly #windowAt: TimeGrid
  readonly #wallNow: () => number
  readonly #serverTime: () => ServerTime | undefined
  readonly #unknown: ServerTime
  /** By the start of a window: what may have been counted in it, of requests that are no longer in flight. */
  readonly #counted = new Map<number, number>()
  #inFlight = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor({ limit, perMs, timeZone, wallNow, serverTime = () => undefined }: FixedWindowOptions) {
    this.maxCost = limit
    this.#windowAt = timeGrid(perMs, timeZone)
    this.#wallNow = wallNow
    this.#serverTime = serverTime
    this.#unknown = { offsetMs: 0, errorMs: Math.min(1000, perMs / 10) }
  }
  readyAt(cost: number, now: number): number {
    if (this.#inFlight + cost > this.maxCost + rounding) return Number.POSITIVE_INFINITY
    const { wall, guard } = this.#server()
    let ready = now
    for (const window of this.#windows(wall - guard, wall + guard)) {
      const counted = this.#counted.get(window.start) ?? 0
      if (this.#inFlight + counted + cost > this.maxCost + rounding) ready = now + window.end + guard - wall
    }
    return ready
  }
  take(cost: number): void {
    this.#inFlight += cost
  }
  settle({ cost, actual = cost }: SentRequest): void {
    this.#inFlight -= cost
    if (actual === 0) return
    const { wall, guard } = this.#server()
    this.#forget(wall - guard)
    // In those before the present one nothing more is sent, so they need not know of it.
    for (const { start } of this.#windows(wall - guard, wall + guard))
      this.#counted.set(start, (this.#counted.get(start) ?? 0) + actual)
  }
  cancel(cost: number): void {
    this.#inFlight -= cost
  }
  isIdle(): boolean {
    const { wall, guard } = this.#server()
    this.#forget(wall - guard)
    return this.#inFlight <= rounding && this.#counted.size === 0
  }
  save(): readonly Spend[] {
    const { wall, guard } = this.#server()
    this.#forget(wall - guard)
    return [...this.#counted].map(([start, cost]) => {
      const { end } = this.#windowAt(start)
      return { from: start, to: Math.max(start, Math.min(wall, end - 1)), cost }
    })
  }
  restore(spent: readonly Spend[]): void {
    const { wall, guard } = this.#server()
    const latest = wall + guard
    const { start } = this.#windowAt(wall - guard)
    for (const { from, to, cost } of spent) {
      if (to < start) continue
      // A clock that was set back since then: all that is known is that it was spent.
      const first = from > latest ? start : Math.max(start, from)
      for (const window of this.#windows(first, Math.min(to, latest)))
        this.#counted.set(window.start, (this.#counted.get(window.start) ?? 0) + cost)
    }
  }

  #server(): { wall: number; guard: number } {
    const { offsetMs, errorMs } = this.#serverTime() ?? this.#unknown
    // A clock that is set back would open windows again that were left.
    this.#latest = Math.max(this.#latest, this.#wallNow() + offsetMs)
    return { wall: this.#latest, guard: errorMs }
  }
  *#windows(from: number, to: number): Iterable<TimeWindow> {
    for (let window = this.#windowAt(from); ; window = this.#windowAt(window.end)) {
      yield window
      if (window.end > to) return
    }
  }
  #forget(before: number): void {
    for (const start of this.#counted.keys())
      if (this.#windowAt(start).end <= before) this.#counted.delete(start)
  }
}
