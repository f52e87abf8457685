/**
 * The arithmetic of one limit, without waiting: a queue asks it, and it holds no timers. All times are the queue's, in
 * milliseconds, and never go back.
 */
export interface Meter {
  /** The greatest cost that can ever be taken at once. */
  readonly maxCost: number
  /** The earliest time at which `cost` may be taken; `now` or before: at once; `Infinity`: not before a request ends. */
  readyAt(cost: number, now: number): number
  /** Spends `cost` on a request that is sent now. */
  take(cost: number, now: number): void
  /** The request has been counted by the server, or has failed. Called once for each `take` that is not cancelled. */
  settle?(cost: number, now: number): void
  /** The request has ended, its body read. Called once for each `take` that is not cancelled, after `settle`. */
  release?(cost: number, now: number): void
  /** Undoes a `take`: nothing was sent. */
  cancel(cost: number, now: number): void
}
