// At most N requests in any window of length w, as the server counts them (Q1).
//
// We know when a request was sent and when its answer came; the server counted it somewhere between. So a request holds its
// place while it is in flight, and for w after its answer. Proof that no server window, fixed or sliding, wherever it begins,
// sees more than N: take N + 1 requests, and of them the one that was sent last, at time g. Each of the others is at g either
// in flight or was answered at some r. Were all of them within w of the last one as the server counts, each would have r > g - w,
// so that N places were held at g, and it would not have been sent.
//
// The price is one answer time per window: N per (w + latency). It is nothing for windows of a minute (a latency of 200 ms: 0.3 %),
// and about a tenth for windows of a second at 125 ms. It is paid only where the quota is what slows the stream.
import type { Clock } from '../ports/runtime.ts'
import type { Meter, SentRequest } from './meter.ts'
import { QuotaQueue } from './queue.ts'
import type { Quota } from './quota.ts'

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

export class RequestWindow implements Meter {
  readonly maxCost: number
  readonly #heldMs: number
  #inFlight = 0
  /** Requests that were answered less than a window ago, oldest first: those of one millisecond are one entry. */
  #answered: { readonly at: number; cost: number }[] = []
  #oldest = 0
  #counted = 0

  constructor({ requests, perMs }: RequestWindowOptions) {
    if (!(requests > 0 && perMs > 0))
      throw new RangeError(`a request window takes numbers above 0: ${requests} requests, ${perMs} ms`)
    this.maxCost = requests
    this.#heldMs = perMs + Math.max(1, perMs * clockDrift)
  }
  readyAt(cost: number, now: number): number {
    this.#expire(now)
    let excess = this.#inFlight + this.#counted + cost - this.maxCost
    if (excess <= 0) return now
    for (let index = this.#oldest; index < this.#answered.length; index++) {
      const entry = this.#answered[index]!
      excess -= entry.cost
      if (excess <= 0) return entry.at + this.#heldMs
    }
    return Number.POSITIVE_INFINITY
  }
  take(cost: number): void {
    this.#inFlight += cost
  }
  settle({ cost }: SentRequest, now: number): void {
    this.#inFlight -= cost
    this.#counted += cost
    const newest = this.#answered.at(-1)
    if (newest?.at === now && this.#answered.length > this.#oldest) newest.cost += cost
    else this.#answered.push({ at: now, cost })
  }
  cancel(cost: number): void {
    this.#inFlight -= cost
  }
  #expire(now: number): void {
    while (this.#oldest < this.#answered.length) {
      const entry = this.#answered[this.#oldest]!
      if (entry.at + this.#heldMs > now) break
      this.#counted -= entry.cost
      this.#oldest++
    }
    if (this.#oldest > 1000 && this.#oldest * 2 > this.#answered.length) {
      this.#answered = this.#answered.slice(this.#oldest)
      this.#oldest = 0
    }
  }
}
