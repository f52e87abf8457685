// A budget that flows back evenly (Q4), as Shopify's, whose replies say how much of the bucket is used. There is no reset to wait for.
//
// What is left is counted by ourselves from the first report on: less with each request, more with time. A report only lowers it, to the reported number
// less what is in flight. What that counts twice is missing from the bucket, and not from what flows into it.
//
// Others may take what was there when a reply told of it. Each refusal that shows this leaves a request's cost more in the bucket, as a
// cushion: that costs no throughput, since what flows in is spent all the same.
import type { SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import type { RateReport } from './report.ts'
import type { BudgetLevel, BudgetOptions, ReportedMeter } from './reported-meter.ts'

/** Of the bucket. */
const largestCushion = 0.25

export class RestoredBudget implements ReportedMeter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #options: BudgetOptions
  #limit: number | undefined
  #perMs = 0
  #left = Number.POSITIVE_INFINITY
  /** When `#left` was true. */
  #at = 0
  #inFlight = 0
  #newest = Number.NEGATIVE_INFINITY
  /** Whether the newest report told that nothing was left. */
  #wasEmpty = false
  #cushion = 0
  #nextAt = Number.NEGATIVE_INFINITY

  constructor(options: BudgetOptions) {
    this.#options = options
  }
  readyAt(cost: number, now: number): number {
    this.#restore(now)
    const missing = Math.min(cost + this.#cushion, this.#limit ?? cost) - this.#left
    const ready = missing <= 0 ? now : now + missing / this.#perMs
    return Math.max(ready, this.#nextAt)
  }
  take(cost: number, now: number): void {
    this.#restore(now)
    this.#left -= cost
    this.#inFlight += cost
    if (this.#options.pace === 'spread' && this.#perMs > 0) this.#nextAt = now + cost / this.#perMs
  }
  cancel(cost: number, now: number): void {
    this.#restore(now)
    this.#left += cost
    this.#inFlight -= cost
  }
  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void {
    this.#inFlight -= sent.cost
    const report = reply === undefined ? undefined : this.#options.reportIn(reply, sent, now, wallNow)
    if (report !== undefined) this.observe(report, sent, now)
  }
  observe({ limit, remaining, restoredPerMs = 0 }: RateReport, sent: SentRequest, now: number): void {
    if (sent.order < this.#newest || restoredPerMs <= 0) return
    this.#newest = sent.order
    this.#restore(now)
    this.#limit = limit
    this.#perMs = restoredPerMs
    this.#left = Math.min(this.#left, remaining - this.#inFlight)
    this.#wasEmpty = remaining === 0
  }
  refuse(_refusal: QuotaRefusal, { order, cost }: SentRequest): void {
    if (order !== this.#newest || !this.#wasEmpty || this.#limit === undefined) return
    this.#cushion = Math.min(this.#limit * largestCushion, this.#cushion + cost)
  }
  isIdle(now: number): boolean {
    this.#restore(now)
    return this.#inFlight === 0 && this.#left >= (this.#limit ?? 0)
  }
  state(now: number): BudgetLevel | undefined {
    this.#restore(now)
    if (this.#limit === undefined) return undefined
    return {
      limit: this.#limit,
      remaining: Math.max(0, Math.floor(this.#left)),
      resetAt: now + Math.max(0, this.#limit - this.#left) / this.#perMs,
    }
  }
  #restore(now: number): void {
    if (this.#limit !== undefined)
      this.#left = Math.min(this.#limit, this.#left + Math.max(0, now - this.#at) * this.#perMs)
    this.#at = now
  }
}
