// When a budget is full again, by the queue's time, as closely as its replies show.
//
// A reply that says "in t seconds", to a request sent at s and answered at r, was written at some x in [s, r]. Where t was rounded up, the
// reset is in (x + t - 1, x + t], so in (s + t - 1, r + t]; where down, one second later. Replies of one window are intersected: as t ticks from
// one number to the next between two of them, they show the moment to within the time between them. An epoch is bounded by what is known
// of the server's clock in the same way.
import type { ReportedReset } from './report.ts'
import type { ServerClock } from './server-clock.ts'

const drift = 1e-4

export class ResetMoment {
  /** What the value is a whole number of, rounded up or down. */
  readonly precisionMs: number
  /** By the server's clock, where it was told so. */
  readonly #epoch: number | undefined
  readonly #clock: ServerClock
  #earliest: number
  #latest: number

  constructor(reset: ReportedReset, sentAt: number, now: number, clock: ServerClock) {
    this.precisionMs = reset.precisionMs
    this.#clock = clock
    if ('at' in reset) {
      this.#epoch = reset.at
      this.#earliest = this.#latest = 0
    } else {
      this.#epoch = undefined
      this.#earliest = sentAt + reset.inMs - reset.precisionMs
      this.#latest = now + reset.inMs + Math.max(1, reset.inMs * drift)
    }
  }

  /** No earlier than this, if it was rounded up. */
  get earliest(): number {
    return this.#epoch === undefined ? this.#earliest : this.#clock.earliest(this.#epoch) - this.precisionMs
  }
  /** No later than this, if it was rounded up; `precisionMs` later if down. */
  get latest(): number {
    return this.#epoch === undefined ? this.#latest : this.#clock.latest(this.#epoch) + 1
  }

  /** How this one lies to `other`, of an earlier reply. */
  comparedTo(other: ResetMoment): 'same' | 'earlier' | 'later' {
    if (this.#epoch !== undefined && other.#epoch !== undefined) {
      if (this.#epoch === other.#epoch) return 'same'
      return this.#epoch > other.#epoch ? 'later' : 'earlier'
    }
    if (this.earliest > other.latest) return 'later'
    return this.latest < other.earliest ? 'earlier' : 'same'
  }

  /** Takes in what another reply says of the same moment. */
  tighten(other: ResetMoment): void {
    if (this.#epoch !== undefined || other.#epoch !== undefined) return
    const [earliest, latest] = [
      Math.max(this.#earliest, other.#earliest),
      Math.min(this.#latest, other.#latest),
    ]
    if (earliest > latest) return
    this.#earliest = earliest
    this.#latest = latest
  }
}
