import type { Clock } from '../ports/runtime.ts'
import { steadyTime } from '../ports/steady-time.ts'
import type { QueuedQuota } from './combine.ts'
import { acquireTogether, type Line, serve } from './line.ts'
import type { Meter, SentRequest } from './meters/meter.ts'
import type { Take } from './permit.ts'
import type { Permit, QuotaAsk, QuotaRefusal, QuotaReply } from './quota.ts'
import { Ranks } from './rank.ts'
import { Standing } from './standing.ts'
import { leastMsBehind, type QuotaLimit, type QuotaSize, type QuotaUse, quotaLimit } from './usage.ts'

/** Longest sleep asked of a clock: timers hold 2^31 ms, and what they can't hold they do at once. */
const longestSleepMs = 2_000_000_000

/** What a queue is told of as: a limit of its name, by default. */
export interface QuotaAccount {
  /** Queues of one limit are parts of it. */
  readonly limit?: QuotaLimit
  /** Absent where it is not known. */
  readonly size?: QuotaSize | undefined
  /** What a request took. Default: its cost, of this queue. */
  readonly usesOf?: (sent: SentRequest, queue: QuotaQueue) => readonly QuotaUse[]
}

let queues = 0

/** A quota of any number of meters, all of which hold at once. Alone or with others, it is waited for in lines: see `line.ts` (Q2). */
export class QuotaQueue implements QueuedQuota {
  /** Tells it from other queues, also of its limit. */
  readonly id = queues++
  readonly name: string
  /** The greatest cost that can ever be taken at once. */
  readonly maxCost: number
  /** The lines in which somebody waits for this queue, alone or among others. */
  readonly lines = new Map<string, Line>()
  /** The firsts of those lines, as far as they have come to this queue. */
  readonly standing = new Standing()
  readonly ranks = new Ranks()
  /** What it is told of as. */
  readonly limit: QuotaLimit
  /** Milliseconds on a time of its own, which never goes back. */
  readonly now: () => number
  readonly #meters: readonly Meter[]
  readonly #clock: Clock
  #timer: AbortController | undefined
  #timerAt = Number.POSITIVE_INFINITY

  readonly #size: QuotaSize | undefined
  readonly #usesOf: QuotaAccount['usesOf']

  /** @throws TypeError where there is no clock */
  constructor(name: string, meters: readonly Meter[], clock: Clock, account: QuotaAccount = {}) {
    if (clock === undefined)
      throw new TypeError(
        `the quota ${name} needs a clock to keep time by: give the runtime's, as in systemRuntime().clock`,
      )
    this.name = name
    this.limit = account.limit ?? quotaLimit(name)
    this.#size = account.size
    this.#usesOf = account.usesOf
    this.#meters = meters
    this.#clock = clock
    this.now = steadyTime(clock)
    this.maxCost = Math.min(Number.POSITIVE_INFINITY, ...meters.map((meter) => meter.maxCost))
    for (const meter of meters) meter.onChange?.(() => this.lines.size > 0 && serve([this]))
  }

  /** @throws QuotaImpossibleError a cost that no wait makes possible */
  acquire(ask: QuotaAsk = {}): Promise<Permit> {
    return acquireTogether(this.takesOf(ask), ask)
  }

  takesOf({ cost = 1 }: QuotaAsk): readonly Take[] {
    return [{ queue: this, cost }]
  }

  /** When all meters allow `cost`: `now` or before: at once; `Infinity`: not before a request ends. */
  readyAt(cost: number, now: number): number {
    let at = now
    for (const meter of this.#meters) {
      const ready = meter.readyAt(cost, now)
      if (ready > at) at = ready
    }
    return at
  }

  /** When a request of `cost` may go that has so many of its cost before it, at the earliest. */
  readyBehind(ahead: number, cost: number, now: number): number {
    const at = this.readyAt(cost, now)
    if (this.#size === undefined || ahead === 0) return at
    // Where a request under way has to end before, that may be now.
    const least = at === Number.POSITIVE_INFINITY ? now : at
    return least + leastMsBehind(ahead * cost, this.#size, at > now)
  }

  take(cost: number, order: number): void {
    const now = this.now()
    this.ranks.took(cost)
    for (const meter of this.#meters) meter.take(cost, now, order)
  }

  // What becomes of a request: each of these is true where somebody waits here, who may profit.

  settle(sent: SentRequest, reply: QuotaReply | undefined): boolean {
    const now = this.now()
    const wallNow = this.#clock.now()
    for (const meter of this.#meters) meter.settle?.(sent, now, reply, wallNow)
    return this.lines.size > 0
  }
  refuse(refusal: QuotaRefusal, sent: SentRequest): boolean {
    const now = this.now()
    for (const meter of this.#meters) meter.refuse?.(refusal, sent, now)
    return this.lines.size > 0
  }
  release(sent: SentRequest): boolean {
    const now = this.now()
    for (const meter of this.#meters) meter.release?.(sent, now)
    return this.lines.size > 0
  }
  cancel({ cost, order }: SentRequest): boolean {
    const now = this.now()
    for (const meter of this.#meters) meter.cancel(cost, now, order)
    return this.lines.size > 0
  }

  usesOf(sent: SentRequest): readonly QuotaUse[] {
    if (this.#usesOf !== undefined) return this.#usesOf(sent, this)
    const { cost, actual = cost, sentAt, order } = sent
    return [{ limit: this.limit, part: this.id, order, used: actual, sentAt, size: this.#size }]
  }

  /** Nobody waits, nothing is in flight, and nothing that was sent counts any more. */
  isIdle(now: number): boolean {
    return this.lines.size === 0 && this.#meters.every((meter) => meter.isIdle?.(now) === true)
  }

  /** The one timer of this queue: for the first who has to wait for its meters. `Infinity`: for nobody. */
  wakeAt(at: number): void {
    if (this.lines.size === 0) this.ranks.clear()
    if (at === this.#timerAt) return
    this.#timer?.abort()
    this.#timer = undefined
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    const timer = new AbortController()
    this.#timer = timer
    // A whole millisecond, rounded up: a timer of a fraction fires early.
    const ms = Math.max(0, Math.min(Math.ceil(at - this.now()), longestSleepMs))
    this.#clock.sleep(ms, timer.signal).then(
      () => {
        if (this.#timer !== timer) return
        this.#timer = undefined
        this.#timerAt = Number.POSITIVE_INFINITY
        serve([this])
      },
      () => {},
    )
  }
}
