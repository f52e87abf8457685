import type { Clock } from '../ports/runtime.ts'
import { steadyTime } from '../ports/steady-time.ts'
import type { QueuedQuota } from './combine.ts'
import { acquireTogether, type Line, serve } from './line.ts'
import type { Meter, SentRequest } from './meters/meter.ts'
import type { Take } from './permit.ts'
import type { Permit, QuotaAsk, QuotaRefusal, QuotaReply } from './quota.ts'
import { Ranks } from './rank.ts'
import { grantedIn, type QuotaSize, type QuotaUsage } from './usage.ts'

/** Longest sleep asked of a clock: timers hold 2^31 ms, and what they can't hold they do at once. */
const longestSleepMs = 2_000_000_000

/** A quota of any number of meters, all of which hold at once. Alone or with others, it is waited for in lines: see `line.ts` (Q2). */
export class QuotaQueue implements QueuedQuota {
  readonly name: string
  /** The greatest cost that can ever be taken at once. */
  readonly maxCost: number
  /** The lines in which somebody waits for this queue, alone or among others. */
  readonly lines = new Set<Line>()
  readonly ranks = new Ranks()
  /** Milliseconds on a time of its own, which never goes back. */
  readonly now: () => number
  readonly #meters: readonly Meter[]
  readonly #clock: Clock
  #timer: AbortController | undefined
  #timerAt = Number.POSITIVE_INFINITY

  #since: number | undefined
  #used = 0
  #refused = 0
  readonly #size: QuotaSize | undefined

  /** @param size for its usage; absent where it is not known */
  constructor(name: string, meters: readonly Meter[], clock: Clock, size?: QuotaSize) {
    this.name = name
    this.#size = size
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

  take(cost: number, order: number): void {
    const now = this.now()
    this.#since ??= now
    this.#used += cost
    for (const meter of this.#meters) meter.take(cost, now, order)
  }

  // What becomes of a request: each of these is true where somebody waits here, who may profit.

  settle(sent: SentRequest, reply: QuotaReply | undefined): boolean {
    const now = this.now()
    const wallNow = this.#clock.now()
    this.#used += (sent.actual ?? sent.cost) - sent.cost
    for (const meter of this.#meters) meter.settle?.(sent, now, reply, wallNow)
    return this.lines.size > 0
  }
  refuse(refusal: QuotaRefusal, sent: SentRequest): boolean {
    const now = this.now()
    this.#refused++
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
    this.#used -= cost
    for (const meter of this.#meters) meter.cancel(cost, now, order)
    return this.lines.size > 0
  }

  usage(): QuotaUsage {
    const elapsed = this.#since === undefined ? 0 : this.now() - this.#since
    const granted = this.#size === undefined ? null : grantedIn(this.#size, elapsed)
    return { quota: this.name, used: this.#used, refused: this.#refused, granted }
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
