// A bucket that holds `burst` and drains at `rate`, as the server keeps it: a request is refused if its cost no longer fits in (Q1).
//
// A request's water begins to drain when the server counts it, which we don't see. So it is taken to be poured in at e = (its answer) - R0,
// where R0 is the part of a round trip that every one has (`round-trip.ts`); while in flight it fills the bucket and doesn't drain.
//
// Proof that nothing is refused: the server refuses j if for some set S of requests, j among them, more than
// burst + rate * (c_j - c_i) is poured in, i being the one of S that is counted first, at c_i. Let m be the one of S with the least e.
// c_j - c_i >= c_j - c_m >= s_j - e_m (`round-trip.ts`), and all of S is poured in at e_m or later, or is in flight: our own bucket
// holds it, and would have overflowed at s_j. Where m is in flight, all of S is, and that alone never exceeds `burst`.
//
// The price is that what is in flight does not drain. A bucket that holds less than what the rate has in flight would be slowed by it: for
// such a one a request in flight is taken to be poured in when the slowest of the last round trips would have had it counted at the
// latest. That is as good as the longest round trip that was seen: spacing, and room for the jitter.

import type { QuotaReply } from '../quota.ts'
import type { Meter, SentRequest } from './meter.ts'
import { RoundTrip } from './round-trip.ts'
import { momentOf, type Spend } from './spend.ts'

export interface LeakyBucketOptions {
  /** What the bucket holds. */
  readonly burst: number
  /** What flows out in `perMs`. */
  readonly limit: number
  /** Milliseconds. */
  readonly perMs: number
}

/** What is added up from fractions is off by less than this. */
const rounding = 1e-6

/** Two clocks that both run within 50 ppm drift apart by this share. */
const clockDrift = 1e-4

export class LeakyBucket implements Meter {
  readonly maxCost: number
  /** Per millisecond. */
  readonly #rate: number
  readonly #roundTrip: RoundTrip
  /** What answered requests have left in the bucket, at `#at`. */
  #level = 0
  #at = Number.NEGATIVE_INFINITY
  /** Requests in flight, in the order of sending. */
  #flying: { readonly order: number; readonly sentAt: number; readonly cost: number }[] = []
  #inFlight = 0

  constructor({ burst, limit, perMs }: LeakyBucketOptions, roundTrip: RoundTrip = new RoundTrip()) {
    this.maxCost = burst
    this.#rate = (limit / perMs) * (1 - clockDrift)
    this.#roundTrip = roundTrip
  }
  readyAt(cost: number, now: number): number {
    const missing = this.#levelAt(now) + cost - this.maxCost
    if (missing <= rounding) return now
    const drained = now + missing / this.#rate
    if (this.#inFlight + cost <= this.maxCost + rounding || this.#isSmall()) return drained
    return Number.POSITIVE_INFINITY
  }
  take(cost: number, now: number, order: number): void {
    this.#flying.push({ order, sentAt: now, cost })
    this.#inFlight += cost
  }
  settle({ cost, actual = cost, sentAt, order }: SentRequest, now: number, reply?: QuotaReply): void {
    this.#land(cost, order)
    if (reply !== undefined) this.#roundTrip.observe(now - sentAt)
    const poured = Math.max(reply === undefined ? now : now - this.#roundTrip.least, this.#at)
    this.#level = Math.max(0, this.#level - this.#drained(this.#at, poured)) + actual
    this.#at = poured
  }
  cancel(cost: number, _now: number, order: number): void {
    this.#land(cost, order)
  }
  isIdle(now: number): boolean {
    return this.#flying.length === 0 && this.#levelAt(now) <= rounding
  }
  save(now: number, wallNow: number): readonly Spend[] {
    const level = this.#level - this.#drained(this.#at, now)
    return level > rounding ? [{ from: wallNow, to: wallNow, cost: level }] : []
  }
  restore(spent: readonly Spend[], now: number, wallNow: number): void {
    for (const { to, cost } of [...spent].sort((a, b) => a.to - b.to)) {
      const at = Math.max(this.#at, momentOf(to, now, wallNow))
      const level = Math.max(0, this.#level - this.#drained(this.#at, at)) + cost
      // No server's bucket holds more.
      this.#level = Math.min(this.maxCost, level)
      this.#at = at
    }
  }

  #levelAt(now: number): number {
    if (!this.#isSmall()) return Math.max(0, this.#level - this.#drained(this.#at, now)) + this.#inFlight
    const { jitter, least } = this.#roundTrip
    // A quarter more than was seen, and a millisecond for whole clocks.
    const latest = jitter * 1.25 + 1
    let level = this.#level
    let at = this.#at
    for (const { sentAt, cost } of this.#flying) {
      const late = now - sentAt > latest + least
      const poured = late ? now : Math.min(now, Math.max(at, sentAt + latest))
      level = Math.max(0, level - this.#drained(at, poured)) + cost
      at = poured
    }
    return Math.max(0, level - this.#drained(at, now))
  }
  /** Whether the rate has more in flight than the bucket holds, and it is known how long that flies. */
  #isSmall(): boolean {
    const { isKnown, mean } = this.#roundTrip
    return isKnown && this.maxCost < 2 * this.#rate * mean
  }
  #drained(from: number, to: number): number {
    return to > from ? (to - from) * this.#rate : 0
  }
  #land(cost: number, order: number): void {
    const index = this.#flying.findIndex((each) => each.order === order)
    this.#flying.splice(index, 1)
    this.#inFlight = this.#flying.length === 0 ? 0 : this.#inFlight - cost
  }
}
