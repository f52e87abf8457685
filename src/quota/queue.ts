import type { Clock, HttpHeaders } from '../ports/runtime.ts'
import { steadyTime } from '../ports/steady-time.ts'
import { acquireTogether, type Line, serve } from './line.ts'
import type { Meter } from './meter.ts'
import type { OnQuotaWait, Permit, Quota } from './quota.ts'
import type { ReportedLimit } from './reported.ts'

/** Longest sleep asked of a clock: timers hold 2^31 ms, and what they can't hold they do at once. */
const longestSleepMs = 2_000_000_000

/** A quota of any number of meters, all of which hold at once. Alone or with others, it is waited for in lines: see `line.ts` (Q2). */
export class QuotaQueue implements Quota {
  readonly name: string
  /** The greatest cost that can ever be taken at once. */
  readonly maxCost: number
  /** This queue alone: what a combination takes of it. */
  readonly queues: readonly QuotaQueue[] = [this]
  /** The lines in which somebody waits for this queue, alone or among others. */
  readonly lines = new Set<Line>()
  /** Milliseconds on a time of its own, which never goes back. */
  readonly now: () => number
  readonly #meters: readonly Meter[]
  readonly #reported: ReportedLimit | undefined
  readonly #clock: Clock
  #timer: AbortController | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(name: string, meters: readonly Meter[], clock: Clock, reported?: ReportedLimit) {
    this.name = name
    this.#meters = reported === undefined ? meters : [...meters, reported]
    this.#reported = reported
    this.#clock = clock
    this.now = steadyTime(clock)
    this.maxCost = Math.min(Number.POSITIVE_INFINITY, ...meters.map((meter) => meter.maxCost))
  }

  /** @throws QuotaImpossibleError a cost that no wait makes possible */
  acquire(cost?: number, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit> {
    return acquireTogether(this.queues, cost, signal, onWait)
  }

  observe(status: number, headers: HttpHeaders): void {
    this.#reported?.observe(status, headers, this.now(), this.#clock.now())
    if (this.lines.size > 0) serve(this.queues)
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

  take(cost: number): void {
    const now = this.now()
    for (const meter of this.#meters) meter.take(cost, now)
  }

  /** A request was counted, has ended, or was never sent. True where somebody who waits here may profit. */
  end(what: 'settle' | 'release' | 'cancel', cost: number): boolean {
    const now = this.now()
    let changed = false
    for (const meter of this.#meters) {
      if (meter[what] === undefined) continue
      meter[what](cost, now)
      changed = true
    }
    return changed && this.lines.size > 0
  }

  /** The one timer of this queue: for the first who has to wait for its meters. `Infinity`: for nobody. */
  wakeAt(at: number): void {
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
        serve(this.queues)
      },
      () => {},
    )
  }
}
