// How many requests may be in flight, found by how the API answers.
//
// By latency, as Netflix's concurrency-limits does in its Gradient2: while answers take no longer than `tolerance` times what they took at
// few requests, the limit grows, at first to its double, later by its root; where they take longer, requests queue at the server, and the limit shrinks in proportion. The
// median of a window of answers is compared, and only two slow windows in a row count, so that a heavy tail is no reason. What "few" took is
// learned up to `unhurried` in flight and no further: above it a slow answer may be our own doing.
//
// By refusals of concurrency: down to 0.7 of the limit; back to one below what was refused; beyond that rarely, after twice as long each
// time it is refused again.
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'

/** So many are in flight at first, and what they take is what an API takes unhurried. */
const unhurried = 10
const tolerance = 1.5
const smoothing = 0.2
const leastGradient = 0.5
/** Answers in a window, at least. */
const fewestAnswers = 32
/** A median that is higher by less than this is no slower. */
const chance = 1.25
/** Answers over which what an API takes at few requests is forgotten. */
const longWindow = 600
const backOff = 0.7
const firstProbeMs = 10_000
const longestProbeMs = 300_000

export class AdaptiveConcurrency implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #most: number
  #limit: number
  #inFlight = 0
  /** The most in flight in this window. */
  #peak = 0
  #latencies: number[] = []
  /** The median latency at few requests. */
  #usual: number | undefined
  #slowWindows = 0
  #everSlow = false
  /** The order of the last request that was sent. */
  #last = -1
  /** That at the last refusal: the refusals up to it are the same. */
  #noticed = -1
  /** What was not refused, since a refusal. */
  #ceiling = Number.POSITIVE_INFINITY
  #probeMs = firstProbeMs
  #probeAt = Number.NEGATIVE_INFINITY

  /** @param most requests in flight, never exceeded */
  constructor(most: number) {
    if (!(most >= 1)) throw new RangeError(`at least 1 request has to be in flight, not ${most}`)
    this.#most = most
    this.#limit = Math.min(most, unhurried)
  }

  /** Requests that may be in flight now. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  readyAt(_cost: number, now: number): number {
    return this.#inFlight < this.limit ? now : Number.POSITIVE_INFINITY
  }
  take(_cost: number, _now: number, order: number): void {
    this.#last = order
    this.#inFlight++
    this.#peak = Math.max(this.#peak, this.#inFlight)
  }
  cancel(): void {
    this.#inFlight--
  }
  release(): void {
    this.#inFlight--
  }

  /** From sending to the head of the response. */
  settle({ sentAt }: SentRequest, now: number, reply: QuotaReply | undefined): void {
    if (reply === undefined || reply.status >= 400) return
    this.#latencies.push(now - sentAt)
    const enough = this.#usual === undefined ? 2 * fewestAnswers : fewestAnswers
    if (this.#latencies.length >= Math.max(enough, 2 * this.#limit)) this.#judge(now)
  }

  refuse({ kind }: QuotaRefusal, { order }: SentRequest, now: number): void {
    if (kind !== 'concurrency' || order <= this.#noticed) return
    this.#noticed = this.#last
    this.#probeMs = this.limit > this.#ceiling ? Math.min(longestProbeMs, this.#probeMs * 2) : firstProbeMs
    this.#ceiling = Math.max(1, this.limit - 1)
    this.#probeAt = now + this.#probeMs
    this.#limit = Math.max(1, this.#limit * backOff)
    this.#begin()
  }

  #judge(now: number): void {
    const sorted = this.#latencies.sort((a, b) => a - b)
    const median = sorted[sorted.length >> 1]!
    const used = this.#peak >= this.#limit / 2
    const answers = sorted.length
    this.#learn(median, answers)
    this.#begin()
    // Who doesn't use the limit learns nothing of it.
    if (!used) return
    const gradient = Math.max(leastGradient, Math.min(1, (tolerance * this.#usual!) / Math.max(1, median)))
    this.#slowWindows = gradient < 1 ? this.#slowWindows + 1 : 0
    if (this.#slowWindows === 1) return
    if (gradient < 1) this.#everSlow = true
    const next = this.#limit * gradient + Math.sqrt(this.#limit)
    this.#limit = this.#bounded(
      gradient < 1 ? this.#limit + (next - this.#limit) * smoothing : this.#grown(next),
      now,
    )
  }

  /** Fast upwards until an end has shown, and one by one where a refusal has. */
  #grown(next: number): number {
    if (this.#ceiling < Number.POSITIVE_INFINITY) return this.#limit + 1
    return this.#everSlow ? next : this.#limit * 2
  }

  #bounded(limit: number, now: number): number {
    const ceiling = now >= this.#probeAt ? this.#ceiling + 1 : this.#ceiling
    if (limit > this.#ceiling && now >= this.#probeAt && this.#limit > this.#ceiling) {
      // A window above the ceiling was not refused: it is one higher.
      this.#ceiling++
      this.#probeAt = now + this.#probeMs
    }
    return Math.max(1, Math.min(limit, this.#most, ceiling))
  }

  #learn(median: number, answers: number): void {
    const few = this.#limit <= unhurried
    if (this.#usual === undefined) this.#usual = median
    // Slower at few requests: the API itself has become so. A little slower or faster is chance.
    else if (few || median < this.#usual * chance)
      this.#usual += (median - this.#usual) * Math.min(1, answers / longWindow)
  }

  #begin(): void {
    this.#latencies = []
    this.#peak = this.#inFlight
  }
}
