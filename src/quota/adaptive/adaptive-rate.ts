// The rate of an API that says nothing of its limits, found by what it refuses.
//
// Off until the first refusal. Then all wait, and one request at a time asks whether the API accepts again, after one second, two, four …, or when
// it said (`Retry-After`). From one recovery to the next, whatever the kind of the limit, a window or a bucket of tokens, the API was used from
// empty to empty: what it accepted in that time is its rate. `rate-ceiling.ts` says at which rate requests go on.

import type { HttpHeaders } from '../../ports/runtime.ts'
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import { readReports } from '../reported/read-reports.ts'
import { RateCeiling } from './rate-ceiling.ts'
import { RateHistory } from './rate-history.ts'

/** What was found, to be kept until the next run: plain JSON. */
export interface LearnedRate {
  /** The most that the API takes, in the unit of costs. */
  readonly ratePerSecond: number
  /** When that was found, in milliseconds since 1970. */
  readonly at: number
}

export interface AdaptiveRateOptions {
  /** What an earlier run found. Nothing is sent while it is being read. Older than a week it is not believed. */
  readonly learned?: LearnedRate | Promise<LearnedRate | undefined> | undefined
  /** Uniform in [0, 1): spreads the probes of several processes. Default: none, all probes come at their time. */
  readonly random?: (() => number) | undefined
  /** Told when another rate was found. */
  readonly onLearned?: ((learned: LearnedRate) => void) | undefined
  /** Milliseconds since 1970: tells how old `learned` is. */
  readonly wallNow: number
}

const longestTrustMs = 7 * 86_400_000
const firstProbeMs = 1000
/** After pauses that turned out to be short, the first probe comes at once. */
const shortestProbeMs = 25
const secondProbeMs = 500
const longestProbeMs = 600_000
/** So much may be caught up when a timer was late. */
const lateMs = 20
/** `Retry-After` counts whole seconds. */
const roundingMs = 1000
/** A stretch with fewer requests is no measure of a rate. */
const fewestMeasured = 20
const mostOfShortCycle = 0.9
/** Fewer, at the first refusal of all, are no reason to pace what follows: it may have been a moment's. */
const fewestToBegin = 5

interface Pause {
  readonly since: number
  /** The wait before the next probe. */
  delayMs: number
  /** When the next probe may go. */
  until: number
  /** When the last request was sent that was refused. */
  refusedAt: number
  /** When the API said that it accepts again. */
  promisedAt: number | undefined
  /** It is a penalty, so that its length says nothing of the rate. */
  penalty: boolean
  /** The probe that is under way. */
  probe: { readonly order: number; readonly sentAt: number } | undefined
}

export class AdaptiveRate implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #random: () => number
  readonly #onLearned: ((learned: LearnedRate) => void) | undefined
  readonly #history = new RateHistory()
  readonly #ceiling = new RateCeiling()
  #loading: Promise<void> | undefined
  #pause: Pause | undefined
  /** The order of the last request that was sent. */
  #last = -1
  /** That at the beginning of the last pause: refusals up to it belong to that. */
  #noticed = -1
  #firstProbeMs = firstProbeMs
  /** When the next request is due. */
  #due = Number.NEGATIVE_INFINITY
  /** By order: requests that were answered, and not refused yet. */
  readonly #answered = new Set<number>()
  /** A refusal that the API's own report explains: others heed that. */
  #explained: number | undefined
  #wallNow: number
  #learnedAt = 0
  #refusedBefore = false
  /** A learned rate, until the first request shows what time it is. */
  #startRate: number | undefined

  constructor(options: AdaptiveRateOptions) {
    const { learned, random = () => 0.5, onLearned, wallNow } = options
    this.#random = random
    this.#onLearned = onLearned
    this.#wallNow = wallNow
    if (learned instanceof Promise) {
      this.#loading = learned.then(
        (found) => this.#load(found),
        () => this.#load(undefined),
      )
    } else this.#load(learned)
  }

  /** What has been found so far; `undefined` where nothing was ever refused. */
  learned(): LearnedRate | undefined {
    return this.#ceiling.known
      ? { ratePerSecond: Number((this.#ceiling.value * 1000).toPrecision(6)), at: this.#learnedAt }
      : undefined
  }

  #load(learned: LearnedRate | undefined): void {
    this.#loading = undefined
    if (learned === undefined || this.#wallNow - learned.at > longestTrustMs) return
    this.#learnedAt = learned.at
    this.#startRate = learned.ratePerSecond / 1000
  }
  onChange(changed: () => void): void {
    void this.#loading?.then(changed)
  }

  readyAt(_cost: number, now: number): number {
    if (this.#loading !== undefined) return Number.POSITIVE_INFINITY
    if (this.#pause !== undefined)
      return this.#pause.probe === undefined ? this.#pause.until : Number.POSITIVE_INFINITY
    return Math.max(now, this.#due)
  }

  take(cost: number, now: number, order: number): void {
    this.#last = order
    if (!this.#history.begun) this.#history.restart(now)
    if (this.#startRate !== undefined) {
      this.#ceiling.start(this.#startRate, now)
      this.#startRate = undefined
      this.#due = now
    }
    if (this.#pause !== undefined) this.#pause.probe = { order, sentAt: now }
    else if (this.#ceiling.known)
      this.#due = Math.max(this.#due, now - lateMs) + cost / this.#ceiling.rate(now)
  }

  settle({ order }: SentRequest, _now: number, reply: QuotaReply | undefined, wallNow: number): void {
    this.#wallNow = wallNow
    if (reply === undefined) return
    if (reply.status < 500) this.#answered.add(order)
    if (reply.status >= 400 && saysWhy(reply, wallNow)) this.#explained = order
  }

  refuse(
    { kind, retryAfterMs, penalty = false }: QuotaRefusal,
    { sentAt, order }: SentRequest,
    now: number,
  ): void {
    this.#answered.delete(order)
    if (kind !== 'rate' || (order === this.#explained && this.#pause === undefined)) return
    const pause = this.#pause
    const noticed = order <= this.#noticed
    if (pause === undefined && !noticed) {
      this.#ceiling.stop(now)
      this.#noticed = this.#last
    }
    this.#ceiling.refused()
    if (noticed) return
    const delayMs =
      pause === undefined
        ? this.#firstProbeMs
        : Math.min(longestProbeMs, Math.max(secondProbeMs, pause.delayMs * 2))
    this.#pause = {
      since: pause?.since ?? now,
      delayMs,
      until: Math.max(now + 1, now + (retryAfterMs ?? delayMs * (0.9 + 0.2 * this.#random()))),
      refusedAt: sentAt,
      penalty,
      // `Retry-After` counts whole seconds, rounded up.
      promisedAt:
        retryAfterMs === undefined
          ? undefined
          : sentAt + Math.max(retryAfterMs / 2, retryAfterMs - roundingMs / 2),
      probe: undefined,
    }
  }

  release({ order, cost }: SentRequest, now: number): void {
    const pause = this.#pause
    const probed = pause?.probe?.order === order
    if (this.#answered.delete(order)) {
      this.#history.add(cost, now)
      this.#ceiling.accepted(cost)
      if (probed) this.#recover(pause, pause.probe!.sentAt, now)
    } else if (probed) {
      // No answer, or one that says nothing of the rate: another asks.
      pause.probe = undefined
      pause.until = now + pause.delayMs
    }
  }

  cancel(cost: number, now: number, order: number): void {
    const pause = this.#pause
    if (pause !== undefined) {
      if (pause.probe?.order === order) pause.probe = undefined
    } else if (this.#ceiling.known && order > this.#noticed) this.#due -= cost / this.#ceiling.rate(now)
  }

  #recover(pause: Pause, probeAt: number, now: number): void {
    // The API came to accept somewhere between the last refusal and the probe: both counted as of their sending, the history as of the answers.
    // Of a penalty as much counts as would have been waited without it: the rest of a window may be a part of it.
    const pauseMs = pause.penalty ? Math.min(firstProbeMs, now - pause.since) : now - pause.since
    const acceptedAt = pause.penalty
      ? pause.refusedAt + pauseMs
      : (pause.promisedAt ?? (pause.refusedAt + probeAt) / 2)
    const end = acceptedAt + now - probeAt
    const begins = !this.#ceiling.known && this.#history.accepted < fewestToBegin && !this.#refusedBefore
    this.#refusedBefore = true
    this.#firstProbeMs =
      pause.delayMs === this.#firstProbeMs
        ? Math.max(shortestProbeMs, this.#firstProbeMs / 2)
        : Math.min(firstProbeMs, this.#firstProbeMs * 2)
    this.#pause = undefined
    if (begins) return
    const measured = Math.max(1 / pauseMs, this.#history.highestRate(end, pauseMs, fewestMeasured))
    // A short cycle is measured together with the next, and meanwhile believed no more than a little.
    const measures = !this.#ceiling.known || this.#history.accepted >= fewestMeasured
    this.#ceiling.recover(
      measures ? measured : Math.max(measured, this.#ceiling.value * mostOfShortCycle),
      // What a refusal costs, though.
      now - pause.since,
      now,
    )
    if (pause.penalty) this.#history.restart(now)
    else if (measures) this.#history.restart(end)
    this.#due = now + 1 / this.#ceiling.value
    this.#learnedAt = this.#wallNow
    this.#onLearned?.(this.learned()!)
  }
}

/** True where a refusal comes with a report that nothing is left, and how it comes back: then no adaptation is called for. */
function saysWhy({ headers }: QuotaReply, wallNow: number): boolean {
  return (
    readReports(headers, 'auto', wallNow).some(
      ({ remaining, reset, restoredPerMs }) =>
        remaining === 0 && (reset !== undefined || restoredPerMs !== undefined),
    ) ||
    (headers['retry-after'] !== undefined && saysNothingLeft(headers))
  )
}

/** Some replies that refuse name no reset, since `retry-after` says it. */
function saysNothingLeft(headers: HttpHeaders): boolean {
  return Object.keys(headers).some((name) => name.endsWith('remaining') && Number(headers[name]) === 0)
}
