// At most N requests in any window of length w, as the server counts them (Q1).
//
// We know when a request was sent and when its answer came; the server counted it somewhere between. So a request holds its
// place while it is in flight, and for w - R0 after its answer, where R0 is the part of a round trip that every one has (`round-trip.ts`).
//
// Proof that no server window, fixed or sliding, wherever it begins, sees more than N: take N + 1 requests, and of them j, the one that was
// sent last, at time s_j. Of the others at least one, i, holds no place at s_j, since N places would be held otherwise: it was answered
// at s_i + rtt_i <= s_j - w + R0. So s_j - s_i - (rtt_i - R0) >= w, which is what the server sees between the two at least.
//
// The price is rtt - R0, the jitter, once a window: N per (w + jitter). It is nothing for windows of a minute, and it is paid only where the
// quota is what slows the stream. As long as R0 is not known it is 0, which is safe at every server.
import type { Clock } from '../../ports/runtime.ts'
import { QuotaQueue } from '../queue.ts'
import type { Quota, QuotaReply } from '../quota.ts'
import type { Meter, SentRequest } from './meter.ts'
import { RoundTrip } from './round-trip.ts'
import { momentOf, type Spend } from './spend.ts'

export interface RequestWindowOptions {
  /** At most so many in any window. */
  readonly requests: number
  /** Length of the window in milliseconds. */
  readonly perMs: number
  /** For events and messages. Default: as in `700 requests per 60000 ms`. */
  readonly name?: string
}

/** A quota of at most `requests` in any window of `perMs`, wherever it begins. All of them may go at once. */
export function requestWindow(options: RequestWindowOptions, clock: Clock): Quota {
  const name = options.name ?? `${options.requests} requests per ${options.perMs} ms`
  return new QuotaQueue(name, [new RequestWindow(options)], clock)
}

/** Two clocks that both run within 50 ppm drift apart by this share; 1 ms besides, for timers and times are whole. */
const clockDrift = 1e-4

/** Costs that are fractions of what they were are added up with less than this error. */
const rounding = 1e-6

export class RequestWindow implements Meter {
  readonly maxCost: number
  readonly #windowMs: number
  readonly #roundTrip: RoundTrip
  #inFlight = 0
  /** Requests that were answered less than a window ago, oldest first: those of one millisecond are one entry. */
  #answered: { readonly at: number; cost: number }[] = []
  #oldest = 0
  #counted = 0

  constructor(
    { requests, perMs }: Omit<RequestWindowOptions, 'name'>,
    roundTrip: RoundTrip = new RoundTrip(),
  ) {
    if (!(requests > 0 && perMs > 0))
      throw new RangeError(`a request window takes numbers above 0: ${requests} requests, ${perMs} ms`)
    this.maxCost = requests
    this.#windowMs = perMs + Math.max(1, perMs * clockDrift)
    this.#roundTrip = roundTrip
  }
  /** Milliseconds after its answer for which a request holds its place. */
  get #heldMs(): number {
    return Math.max(0, this.#windowMs - this.#roundTrip.least)
  }
  readyAt(cost: number, now: number): number {
    this.#expire(now)
    let excess = this.#inFlight + this.#counted + cost - this.maxCost
    if (excess <= rounding) return now
    let latest = Number.NEGATIVE_INFINITY
    for (let index = this.#oldest; index < this.#answered.length; index++) {
      const entry = this.#answered[index]!
      excess -= entry.cost
      if (entry.at > latest) latest = entry.at
      if (excess <= rounding) return latest + this.#heldMs
    }
    return Number.POSITIVE_INFINITY
  }
  /** What was answered before `before` and holds its place still at `until`. */
  heldFrom(before: number, until: number): number {
    let held = 0
    for (let index = this.#oldest; index < this.#answered.length; index++) {
      const { at, cost } = this.#answered[index]!
      if (at < before && at + this.#heldMs > until) held += cost
    }
    return held
  }
  /** What may be taken now. */
  left(now: number): number {
    this.#expire(now)
    return this.maxCost - this.#inFlight - this.#counted
  }
  take(cost: number): void {
    this.#inFlight += cost
  }
  settle({ cost, actual = cost, sentAt }: SentRequest, now: number, reply?: QuotaReply): void {
    this.#inFlight -= cost
    this.#counted += actual
    if (reply !== undefined) this.#roundTrip.observe(now - sentAt)
    // What failed may be counted up to now, and has no rest of which the window could be the shorter.
    const at = reply === undefined ? now + this.#roundTrip.shortest : now
    const newest = this.#answered.at(-1)
    if (newest?.at === at && this.#answered.length > this.#oldest) newest.cost += actual
    else this.#answered.push({ at, cost: actual })
  }
  cancel(cost: number): void {
    this.#inFlight -= cost
  }
  isIdle(now: number): boolean {
    this.#expire(now)
    return this.#inFlight <= rounding && this.#oldest === this.#answered.length
  }
  save(now: number, wallNow: number, most: number): readonly Spend[] {
    this.#expire(now)
    const grain = this.#windowMs / Math.max(1, most - 1)
    const spent: { from: number; to: number; cost: number }[] = []
    for (let index = this.#oldest; index < this.#answered.length; index++) {
      const entry = this.#answered[index]!
      const at = wallNow - (now - entry.at)
      const newest = spent.at(-1)
      if (newest === undefined || at - newest.from >= grain)
        spent.push({ from: at, to: at, cost: entry.cost })
      else {
        newest.to = Math.max(newest.to, at)
        newest.cost += entry.cost
      }
    }
    return spent
  }
  restore(spent: readonly Spend[], now: number, wallNow: number): void {
    const entries = spent.map(({ to, cost }) => ({ at: momentOf(to, now, wallNow), cost }))
    for (const entry of entries.sort((a, b) => a.at - b.at)) {
      this.#answered.push(entry)
      this.#counted += entry.cost
    }
    this.#expire(now)
  }
  #expire(now: number): void {
    const before = now - this.#heldMs
    while (this.#oldest < this.#answered.length) {
      const entry = this.#answered[this.#oldest]!
      if (entry.at > before) break
      this.#counted -= entry.cost
      this.#oldest++
    }
    if (this.#oldest === this.#answered.length) {
      if (this.#oldest === 0) return
      this.#answered = []
      this.#oldest = 0
      this.#counted = 0
    } else if (this.#oldest > 1000 && this.#oldest * 2 > this.#answered.length) {
      this.#answered = this.#answered.slice(this.#oldest)
      this.#oldest = 0
    }
  }
}
