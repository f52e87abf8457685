// How many requests may be in flight, found by how the API answers.
//
// A server that is not busy answers as quickly at twice as many requests in flight; one that is answers the same number in a time, each after
// twice as long. So latencies are compared that were measured one after the other, at a limit and at half of it: nothing has to be known of what
// an API takes by nature, and it may change. This is the gradient of Netflix's concurrency-limits and of Envoy, `limit × tolerance ×
// latency at few / latency at the limit`, with BBR's manner to measure the lower latency again now and then.
//
//   start    from 2 to its double as soon as so many were answered, until that is slower, or the most is reached;
//   steady   the limit holds; latency is watched;
//   below    half of the limit, for some answers: after `start`, where latency has changed, and from time to time, in a small share of all time;
//   above    in place of that, where the limit is 1: 2.
//
// Where the limit is not reached, since a quota or the readers bind, it says nothing, and nothing is compared without a reason.
//
// By refusals of concurrency: down to 0.7 of the limit, and back to one below what was refused (`concurrency-ceiling.ts`).
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import { ConcurrencyCeiling } from './concurrency-ceiling.ts'
import { LatencyWindow, type Slowdown, slowdown } from './latency-window.ts'

const first = 2
/** At a knee of 10, 12 are in flight: a place is never empty for the time that a request is on its way. */
const tolerance = 1.2
/** Twice as many in flight are worth it where throughput gains more than latency loses (the power of Kleinrock, throughput by latency). */
const worth = Math.SQRT2
/** Standard errors that a difference has to exceed: to shrink; to be rid of doubt; to look again. */
const certain = 3
const likely = 1.5
const remarkable = 3
const changedBy = 1.25
/** Answers of a steady window; of one that waits for a comparison; below. Twice the limit, at least. */
const steadyAnswers = 64
const hastyAnswers = 16
const fewestBelow = 8
const mostBelow = 64
const backOff = 0.7
/** `below` takes this share of the time, and less where it says the same again and again. */
const heldPerBelow = 25
/** Above, nothing is lost but some latency. */
const heldPerAbove = 8
const shortestHoldMs = 5000
const firstHeldLatencies = 100
const longestHoldMs = 600_000
/** Where more might be allowed. */
const longestHoldBelowMostMs = 120_000

export class AdaptiveConcurrency implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #most: number
  #limit: number
  #inFlight = 0
  #phase: 'start' | 'steady' | 'below' | 'above' = 'start'
  #window: LatencyWindow
  /** By order: the window in which a request was sent, and what was in flight then. */
  readonly #sent = new Map<number, { readonly window: LatencyWindow; readonly inFlight: number }>()
  /** The window that is to be compared with the present one. */
  #other: LatencyWindow | undefined
  /** The first steady window since a comparison: what latency is to stay at. */
  #usual: LatencyWindow | undefined
  /** Since when `below` or `above`. */
  #since = 0
  /** Whether latency has fallen: a reason to start again. */
  #quicker = false
  #compareAt = Number.NEGATIVE_INFINITY
  #sameAgain = 0
  #busyBefore = false
  /** Comparisons in a row that allowed for more. */
  #raises = 0
  /** The order of the last request that was sent. */
  #last = -1
  /** That at the last refusal: the refusals up to it are the same. */
  #noticed = -1
  readonly #ceiling = new ConcurrencyCeiling()

  /** @param most requests in flight, never exceeded */
  constructor(most: number) {
    if (!(most >= 1)) throw new RangeError(`at least 1 request has to be in flight, not ${most}`)
    this.#most = most
    this.#limit = Math.min(most, first)
    this.#window = new LatencyWindow(this.limit, Math.max(2, this.limit >> 1))
  }

  /** Requests that may be in flight, but for the time of a comparison. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  readyAt(_cost: number, now: number): number {
    return this.#inFlight < this.#window.level ? now : Number.POSITIVE_INFINITY
  }
  take(_cost: number, _now: number, order: number): void {
    this.#last = order
    this.#inFlight++
    const window = this.#window
    if (!window.isOpen) return
    if (this.#phase !== 'below' && this.#inFlight * 2 <= window.level) return
    window.send(this.#inFlight)
    this.#sent.set(order, { window, inFlight: this.#inFlight })
  }
  cancel(_cost: number, _now: number, order: number): void {
    this.#inFlight--
    this.#lose(order)
  }
  release(): void {
    this.#inFlight--
  }

  /** From sending to the head of the response. */
  settle({ sentAt, order }: SentRequest, now: number, reply: QuotaReply | undefined): void {
    if (reply === undefined || reply.status >= 400) {
      this.#lose(order)
      return
    }
    const window = this.#sent.get(order)?.window
    if (window === undefined) return
    this.#sent.delete(order)
    window.answer(now - sentAt)
    if (window === this.#window && window.isComplete) this.#judge(window, now)
  }

  refuse({ kind }: QuotaRefusal, { order }: SentRequest, now: number): void {
    if (kind !== 'concurrency' || order <= this.#noticed) return
    this.#noticed = this.#last
    const refused = this.#window.level
    this.#ceiling.refused(refused, now)
    this.#limit = Math.max(1, Math.min(this.#limit, refused * backOff))
    // Where it refuses, nothing is to be learned from half as many, unless it slows.
    this.#settleDown(now, longestHoldMs)
  }

  #lose(order: number): void {
    const sent = this.#sent.get(order)
    if (sent === undefined) return
    this.#sent.delete(order)
    sent.window.lose(sent.inFlight)
  }

  #judge(window: LatencyWindow, now: number): void {
    if (this.#phase === 'start') this.#goOn(window, now)
    else if (this.#phase === 'steady') this.#watch(window, now)
    else this.#compare(window, now)
  }

  #goOn(window: LatencyWindow, now: number): void {
    if (this.#other !== undefined && isSlower(slowdown(window, this.#other))) {
      this.#settleDown(now, 0)
      return
    }
    if (window.full > 0) {
      if (this.#other === undefined || slowdown(window, this.#other).difference < 0) this.#other = window
      const raised = this.#bounded(this.#limit * 2, now)
      if (raised === this.#limit) {
        this.#settleDown(now, Math.max(shortestHoldMs, window.summary().mean * firstHeldLatencies))
        return
      }
      this.#limit = raised
    }
    this.#window = new LatencyWindow(this.limit, Math.max(2, this.limit >> 1))
  }

  #watch(window: LatencyWindow, now: number): void {
    const usual = this.#usual
    const slower = usual !== undefined && hasChanged(slowdown(window, usual))
    const quicker = usual !== undefined && hasChanged(slowdown(usual, window))
    const binds = window.full >= 0.5
    if (slower || (binds && (quicker || now >= this.#compareAt))) {
      this.#quicker = quicker
      this.#beginComparison(window, now)
      return
    }
    this.#usual ??= window
    // Below what was refused, one by one.
    if (binds && this.#ceiling.known) this.#limit = this.#bounded(this.#limit + 1, now)
    this.#openSteady(now)
  }

  #beginComparison(window: LatencyWindow, now: number): void {
    const above = window.inFlight < 2
    if (above && this.#most < 2) {
      this.#settleDown(now, Number.POSITIVE_INFINITY)
      return
    }
    this.#other = window
    this.#since = now
    this.#phase = above ? 'above' : 'below'
    this.#window = new LatencyWindow(above ? 2 : Math.floor(window.inFlight / 2), fewestBelow)
  }

  #compare(window: LatencyWindow, now: number): void {
    const [high, low] = this.#phase === 'above' ? [window, this.#other!] : [this.#other!, window]
    const slow = slowdown(high, low)
    const busy = isSlower(slow)
    const free = slow.difference + likely * slow.error < Math.log(worth)
    if (!busy && !free && window.size < mostBelow) {
      window.extend(window.size * 2)
      return
    }
    const before = this.limit
    // Half as many were as slow, each: the end is not reached.
    let further = false
    if (busy || (free && slow.ratio > tolerance)) {
      this.#busyBefore = true
      this.#raises = 0
      this.#limit = this.#bounded((high.inFlight * tolerance) / slow.ratio, now)
      further = this.limit < before && slow.ratio > (high.inFlight / low.inFlight) * 0.85
    } else if (high.full >= 0.5 || this.#phase === 'above') {
      // In doubt the likelier holds: who stays below for want of certainty stays there.
      const allowed = free || slow.ratio < tolerance
      if (allowed && before < this.#most && !this.#ceiling.known && (this.#quicker || !this.#busyBefore)) {
        this.#phase = 'start'
        this.#other = undefined
        this.#goOn(high, now)
        return
      }
      this.#raises = free ? this.#raises + 1 : 1
      if (allowed) this.#limit = this.#raised(now)
    }
    this.#sameAgain = this.limit === before ? this.#sameAgain + 1 : 0
    const held = this.#phase === 'above' ? heldPerAbove : heldPerBelow
    const hold = Math.max(shortestHoldMs, (now - this.#since) * held)
    const longest = this.limit < this.#most ? longestHoldBelowMostMs : longestHoldMs
    this.#settleDown(now, further ? 0 : Math.min(longest, hold * 2 ** this.#sameAgain))
  }

  /** By a larger step each time. */
  #raised(now: number): number {
    const step = this.#ceiling.known ? 1 : Math.sqrt(this.#limit) * 2 ** (this.#raises - 1)
    return this.#bounded(Math.min(this.#limit * 2, Math.floor(this.#limit) + step), now)
  }

  #settleDown(now: number, holdMs: number): void {
    this.#phase = 'steady'
    this.#compareAt = now + holdMs
    this.#other = undefined
    this.#usual = undefined
    this.#quicker = false
    this.#openSteady(now)
  }

  #openSteady(now: number): void {
    const answers =
      now >= this.#compareAt ? Math.max(hastyAnswers, this.limit) : Math.max(steadyAnswers, 2 * this.limit)
    this.#window = new LatencyWindow(this.limit, answers)
  }

  #bounded(limit: number, now: number): number {
    return Math.max(1, Math.min(this.#ceiling.bound(limit, this.#limit, now), this.#most))
  }
}

function isSlower({ difference, error }: Slowdown): boolean {
  return difference - certain * error > Math.log(tolerance)
}

function hasChanged({ difference, error }: Slowdown): boolean {
  return difference - remarkable * error > Math.log(changedBy)
}
