// One budget that an API reports (Q4): so many requests until a reset.
//
// Before the reset: the lowest number that was reported, less what is in flight. That is never too much, whatever kind of window the server
// has: after the last request that it counted, of those whose replies have come, at least the lowest reported number was left, since what
// flows back only adds to it; and all that it has counted since is in flight. So a report never refills a budget, and a reply that was
// overtaken does no harm: it reports more than the one that overtook it. In flight is counted what may be in the reported number already,
// which its own reply will show.
//
// After the reset: the whole limit, where replies have shown that windows are fixed; else one request goes ahead, and its reply tells.
//
// Where limit and window are told, a window of our own says besides what may be sent: `told-window.ts`.
import type { SentRequest } from '../meters/meter.ts'
import type { QuotaReply } from '../quota.ts'
import { Cushion } from './cushion.ts'
import type { RateReport } from './report.ts'
import type { BudgetLevel, BudgetOptions, ReportedMeter } from './reported-meter.ts'
import { ResetManners } from './reset-manners.ts'
import { ResetMoment } from './reset-moment.ts'
import { SentLedger } from './sent-ledger.ts'
import { ToldWindow } from './told-window.ts'

/** Where an API doesn't say when a budget is full again, it is asked again after so long. */
const unknownResetMs = 60_000
/** A request is kept back for a reset that is no further away than this. */
const longestKeepMs = 120_000
/** Of a window of our own that is shorter than this, it isn't worth finding out whether the server's is fixed. */
const shortestProbed = 10_000
/** An API that leaves reports out at times has ceased to report a budget after so many replies without. */
const silence = 10
/** A refusal so soon after a reset says that the reset was expected too early. */
const soonMs = 2000

export class Budget implements ReportedMeter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #options: BudgetOptions
  readonly #manners = new ResetManners()
  /** `silent`: nothing is known; `counting`: until the reset; `after`: it has passed, and no reply has told of the new window. */
  #phase: 'silent' | 'counting' | 'after' = 'silent'
  #limit: number | undefined
  readonly #sent = new SentLedger()
  readonly #window = new ToldWindow()
  readonly #cushion = new Cushion()
  /** The number that was reported last. */
  #told = 0
  /** What may be spent in this window, what no report has shown included. */
  #lowest = Number.POSITIVE_INFINITY
  /** The lowest number that was reported in this window, and when its reply came. */
  #reported = Number.POSITIVE_INFINITY
  #reportedAt = Number.NEGATIVE_INFINITY
  #reset: ResetMoment | undefined
  /** Counts requests: the last one whose reply has come. */
  #newest = Number.NEGATIVE_INFINITY
  /** Replies without a report since the last one with one, and whether reports ever came back after such. */
  #bare = 0
  #isBareAtTimes = false
  #nextAt = Number.NEGATIVE_INFINITY
  #lastEmpty: number | undefined

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  readyAt(cost: number, now: number): number {
    this.#roll(now)
    const own = this.#window.readyAt(cost, now)
    const reported = own !== undefined && own <= now ? now : this.#reportedReadyAt(cost, now)
    // A reset that was told is not the end of a window that slides: it counts once windows have shown to be fixed.
    const ready = own === undefined ? reported : this.#manners.resetsFully ? Math.min(own, reported) : own
    return Math.max(now, ready, this.#nextAt)
  }
  take(cost: number, now: number, order?: number): void {
    this.#roll(now)
    if (this.#options.pace === 'spread') this.#nextAt = now + this.#share(cost, now)
    this.#sent.take(cost, order)
    // What is sent after the reset that was told finds out what has become of the window, and is no part of it.
    if (this.#phase !== 'counting' || now < this.#toldAt()) this.#sent.use(now)
    this.#window.take(cost)
  }
  cancel(cost: number, _now: number, order?: number): void {
    this.#sent.cancel(cost, order)
    this.#window.cancel(cost)
  }
  isIdle(now: number): boolean {
    this.#roll(now)
    return this.#sent.inFlight === 0 && this.#phase !== 'counting'
  }

  state(now: number): BudgetLevel | undefined {
    this.#roll(now)
    if (this.#phase === 'silent') return undefined
    if (this.#phase === 'after' || this.#reset === undefined) {
      if (this.#limit === undefined) return undefined
      return { limit: this.#limit, remaining: this.#limit, resetAt: undefined }
    }
    const left = this.#left
    const remaining = Number.isFinite(left) ? Math.max(0, left) : this.#told
    return { limit: this.#limit, remaining, resetAt: this.#reset.latest }
  }

  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void {
    const report = reply === undefined ? undefined : this.#options.reportIn(reply, sent, now, wallNow)
    this.#sent.settle(sent.cost, sent.sentAt)
    this.#window.settle(sent, now, reply)
    if (report !== undefined) this.#observe(report, sent, now, true)
    this.#sent.forget(sent.order)
    if (report !== undefined) return
    if (reply !== undefined && reply.status < 400) this.#bare++
    const hasCeased = this.#bare >= (this.#isBareAtTimes ? silence : 1)
    if (this.#phase === 'after' && hasCeased) this.#forget()
    // The server may have counted it all the same.
    else if (this.#phase !== 'silent') this.#sent.keepUnshown(sent.cost, now)
  }

  observe(report: RateReport, sent: SentRequest, now: number): void {
    this.#sent.use(sent.sentAt)
    this.#observe(report, sent, now, false)
  }
  #observe(report: RateReport, sent: SentRequest, now: number, counted: boolean): void {
    this.#told = report.remaining
    this.#lastEmpty = report.remaining === 0 ? sent.order : undefined
    if (report.limit !== undefined) this.#limit = report.limit
    this.#tellWindow(report, sent, now, counted)
    if (this.#bare > 0) this.#isBareAtTimes = true
    this.#bare = 0
    const told = report.reset ?? { inMs: unknownResetMs, precisionMs: 1 }
    const reset = new ResetMoment(told, sent.sentAt, now, this.#options.serverClock)
    const overtaken = sent.order < this.#newest
    this.#newest = Math.max(this.#newest, sent.order)
    this.#roll(now)
    this.#sent.showUntil(sent.sentAt)
    const remaining =
      report.unit === 'other' && report.remaining > 0 ? Number.POSITIVE_INFINITY : report.remaining
    if (reset.latest + this.#manners.lateness(reset.precisionMs) <= now) {
      if (this.#phase === 'after') this.#sent.keepUnshown(sent.cost, now)
    } else if (this.#phase === 'silent') this.#begin(remaining, reset, sent, now)
    else if (this.#phase === 'after') this.#observeAfter(remaining, reset, sent, now)
    else
      this.#observeBefore(remaining, reset, sent, now, {
        overtaken,
        delay: 'inMs' in told ? told.inMs : undefined,
      })
    if (this.#phase === 'counting' && Number.isFinite(remaining)) this.#seeOthers(remaining, overtaken, now)
  }

  refuse(_refusal: unknown, sent: SentRequest): void {
    // Where the reply says that something is left, the request was refused by another limit.
    if (this.#lastEmpty !== sent.order) return
    this.#window.sawRefusal()
    this.#cushion.sawRefusal(sent.cost, this.#limit)
    if (sent.sentAt - this.#sent.resetSeenAt < soonMs) this.#manners.wasRefused()
  }

  // The reported number.

  get #left(): number {
    return this.#lowest - this.#sent.unreported
  }

  #reportedReadyAt(cost: number, now: number): number {
    if (this.#phase === 'silent') return now
    if (this.#phase === 'after') return this.#afterReadyAt(cost, now)
    const left = this.#left - this.#cushion.size
    if (left >= cost && !(left - cost < 1 && this.#keepsLast(now))) return now
    const resetAt = this.#resetAt()
    return left >= cost ? Math.min(resetAt, Math.max(now, this.#toldAt())) : resetAt
  }
  #afterReadyAt(cost: number, now: number): number {
    const free = Number.isFinite(this.#lowest) ? this.#left : 0
    if (free >= cost + this.#cushion.size) return now
    if (this.#sent.unsettled > 0) return Number.POSITIVE_INFINITY
    const { windowMs, isTrusted } = this.#window
    if (windowMs === undefined || !isTrusted || this.#manners.resetsFully) return now
    // Our own window says more exactly what a sliding one allows. A fixed one is full by now, which one request will show.
    return windowMs < shortestProbed
      ? Number.POSITIVE_INFINITY
      : this.#sent.resetSeenAt + Math.max(1000, windowMs / 100)
  }
  /** The moment that was told, less the time that a request takes to arrive. */
  #toldAt(): number {
    const early = this.#manners.isOnTime ? this.#options.roundTrip.least : 0
    return this.#reset!.latest - early
  }
  /** From when on a request is counted after the reset, for certain. */
  #resetAt(): number {
    return this.#toldAt() + this.#manners.lateness(this.#reset!.precisionMs)
  }
  /** The last request of a window waits for the reset that is told. It is allowed in any case, and its reply shows what has become of the budget. */
  #keepsLast(now: number): boolean {
    const reset = this.#reset!
    if (
      this.#window.windowMs !== undefined ||
      !(this.#limit! > 1) ||
      !this.#manners.isRoundingUnknown(reset.precisionMs)
    )
      return false
    const wait = this.#toldAt() - now
    return wait > 0 && wait <= longestKeepMs
  }

  #roll(now: number): void {
    if (this.#phase === 'counting' && now >= this.#resetAt()) this.#passReset(now)
  }
  #passReset(now: number): void {
    this.#phase = 'after'
    this.#sent.passReset(now)
    this.#cushion.passReset(this.#limit)
    this.#nextAt = Number.NEGATIVE_INFINITY
    const whole = this.#manners.resetsFully && this.#options.pace === 'burst' ? this.#limit : undefined
    this.#lowest = whole ?? Number.POSITIVE_INFINITY
  }
  /** Takes the number of a report for the level, whatever was reported before it: of a reply that no later one has overtaken. */
  #begin(remaining: number, reset: ResetMoment, sent: SentRequest, now: number): void {
    this.#phase = 'counting'
    this.#reported = remaining
    this.#reportedAt = now
    // Not in the number may be what was in flight when this request was sent, and what was sent after it.
    const uncounted = this.#sent.uncountedIn(sent.order)
    const whole = this.#manners.resetsFully ? this.#lowest : Number.POSITIVE_INFINITY
    this.#lowest = Math.min(whole, remaining - uncounted + this.#sent.unreported)
    this.#reset = reset
  }

  #observeAfter(remaining: number, reset: ResetMoment, sent: SentRequest, now: number): void {
    const old = this.#reset!
    const isNew = sent.sentAt >= this.#sent.resetSeenAt
    if (!isNew && this.#window.windowMs === undefined && reset.comparedTo(old) !== 'later') {
      this.#sent.keepUnshown(sent.cost, now)
      return
    }
    if (isNew) this.#learnFullness(remaining, sent, now)
    this.#begin(remaining, reset, sent, now)
  }

  #observeBefore(
    remaining: number,
    reset: ResetMoment,
    sent: SentRequest,
    now: number,
    { overtaken, delay }: { overtaken: boolean; delay: number | undefined },
  ): void {
    const current = this.#reset!
    const order = reset.comparedTo(current)
    const afterTold = sent.sentAt - this.#toldAt()
    // This request was counted after the lowest report had been written: of one window it would have to report less.
    const refilled =
      !overtaken && sent.sentAt >= this.#reportedAt && remaining >= this.#reported && remaining > 0
    const told = order === 'later' || (order === 'same' && delay !== undefined)
    if (refilled && told && now >= current.earliest) {
      if (now < current.earliest + current.precisionMs / 2) this.#manners.sawRoundedUp()
      this.#passReset(now)
      this.#learnFullness(remaining, sent, now)
      this.#begin(remaining, reset, sent, now)
      return
    }
    if (afterTold >= 0 && reset.precisionMs > 1 && (delay === undefined ? order === 'same' : delay === 0))
      this.#manners.sawNoReset()
    // Windows that are fixed don't move.
    if (order === 'later' && !overtaken && now < current.earliest) this.#manners.sawMove()
    if (overtaken && order === 'earlier') return
    // Where windows slide, the next place to come back may be so near to the last that both are taken for the same moment.
    const { resetsFully, maySlide } = this.#manners
    const fixed = resetsFully || (reset.precisionMs > 1 && this.#limit !== undefined && !maySlide)
    if (order === 'same' && fixed) current.tighten(reset)
    else if (
      order !== 'earlier' &&
      remaining <= this.#reported &&
      (!overtaken || reset.latest > current.latest)
    )
      this.#reset = reset
    if (remaining > this.#reported) return
    this.#lowest = Math.min(this.#lowest, remaining)
    this.#reported = remaining
    this.#reportedAt = now
  }

  #learnFullness(remaining: number, { sentAt, order, cost }: SentRequest, now: number): void {
    const counted = this.#sent.countedWith(order, cost)
    if (this.#limit === undefined || remaining > this.#limit || counted === undefined) return
    if (remaining < this.#limit - counted.most) {
      this.#manners.sawNotFull()
      return
    }
    if (remaining < this.#limit - counted.least) return
    // A window that slides would hold the last requests still: as long after its first place came back as they were sent after the first.
    // Both, and our own window, are known but for a round trip.
    const late = 2 * (now - sentAt)
    const ownLate = late + 50 + (this.#window.windowMs ?? 0) / 100
    const sure = remaining + this.#window.heldFrom(sentAt, now + ownLate) > this.#limit
    if (sure || now + late - this.#reset!.earliest < this.#sent.spreadBefore) this.#manners.sawFull(sure)
  }

  #forget(): void {
    this.#phase = 'silent'
    this.#sent.showUntil(Number.POSITIVE_INFINITY)
    this.#lowest = Number.POSITIVE_INFINITY
  }

  /** The part of the time until the reset that belongs to `cost` of what remains. */
  #share(cost: number, now: number): number {
    if (this.#phase !== 'counting') return 0
    const left = this.#left
    return left > 0 && Number.isFinite(left) ? (Math.max(0, this.#resetAt() - now) * cost) / left : 0
  }

  #seeOthers(remaining: number, overtaken: boolean, now: number): void {
    const until = this.#resetAt()
    const { windowMs } = this.#window
    if (windowMs === undefined) return
    // By the newest report others are seen once what they took is more than what is in flight. The lowest one leaves no doubt, but holds back
    // what a window that slides has given back since; and in a short window also a fixed one's last requests, for a round trip.
    const isSure = windowMs >= shortestProbed && !this.#manners.maySlide
    if (isSure || !this.#window.isComplete(now)) this.#window.seeOthers(this.#left, this.#left, until, now)
    else if (!overtaken) this.#window.seeOthers(remaining, remaining - this.#sent.unreported, until, now)
  }
  #tellWindow({ windowMs }: RateReport, sent: SentRequest, now: number, counted: boolean): void {
    const limit = this.#limit
    if (windowMs === undefined || limit === undefined || limit === 0 || this.#options.pace === 'spread')
      return
    this.#window.tell({ limit, windowMs }, sent, now, { inFlight: this.#sent.inFlight, counted })
  }
}
