import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import type { Spend } from './spend.ts'

/** A request that was sent. Times are the queue's, in milliseconds, and never go back. */
export interface SentRequest {
  /** What was taken. */
  readonly cost: number
  /** What it did cost, where `cost` was an estimate and the reply told. */
  readonly actual?: number
  readonly sentAt: number
  /** Counts the requests of all queues in the order of their sending. */
  readonly order: number
}

/**
 * The arithmetic of one limit, without waiting: a queue asks it, and it holds no timers. All times are the queue's, in
 * milliseconds, and never go back.
 */
export interface Meter {
  /** The greatest cost that can ever be taken at once. */
  readonly maxCost: number
  /** What it throws fails the request that would wait. The earliest time at which `cost` may be taken; `now` or before: at once; `Infinity`: not before a request ends, or `changed` is called. */
  readyAt(cost: number, now: number): number
  /** Spends `cost` on a request that is sent now, and will be known by `order`. */
  take(cost: number, now: number, order: number): void
  /**
   * The request has been counted by the server, or has failed. Called once for each `take` that is not cancelled.
   * @param reply absent where there was none
   * @param wallNow the time of day, for the dates and epochs in a reply: milliseconds since 1970
   */
  settle?(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void
  /** The API refused the request. After `settle`, before `release`. */
  refuse?(refusal: QuotaRefusal, sent: SentRequest, now: number): void
  /** The request has ended, its body read. Called once for each `take` that is not cancelled, after `settle`. */
  release?(sent: SentRequest, now: number): void
  /** Undoes a `take`: nothing was sent. */
  cancel(cost: number, now: number, order: number): void
  /** Whether the meter is as if it were new: what is idle may be forgotten. Absent: it never is. */
  isIdle?(now: number): boolean
  /** What counts still of requests that were answered, in `most` entries at most. For the next process, which begins with it. */
  save?(now: number, wallNow: number, most: number): readonly Spend[]
  /** Counts what an earlier process spent: before the first `take`. What is over by now counts no more. */
  restore?(spent: readonly Spend[], now: number, wallNow: number): void
  /** Told once how to say that `readyAt` may answer otherwise now, though no request ended: where a meter asks a store, say. */
  onChange?(changed: () => void): void
}
