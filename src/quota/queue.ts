import { SluiceError } from '../errors.ts'
import type { Clock, HttpHeaders } from '../ports/runtime.ts'
import type { Meter } from './meter.ts'
import type { OnQuotaWait, Permit, Quota } from './quota.ts'
import type { ReportedLimit } from './reported.ts'

/** Longest sleep asked of a clock: timers hold 2^31 ms, and what they can't hold they do at once. */
const longestSleepMs = 2_000_000_000

let created = 0

/**
 * Waiters in the order of their arrival over any number of meters (Q2). What a request needs of all meters is taken at one
 * moment, when the first waiter can have all of it: nobody holds a part of it while waiting for the rest, and a wait that is
 * aborted leaves nothing to give back. One timer, for the first waiter; each step is O(1) in the number of waiters.
 */
export class QuotaQueue implements Quota {
  readonly name: string
  /** Counts the queues of this process: an order in which several can be held without a deadlock. */
  readonly rank = created++
  readonly #meters: readonly Meter[]
  readonly #reported: ReportedLimit | undefined
  readonly #clock: Clock
  readonly #maxCost: number
  #first: Waiter | undefined
  #last: Waiter | undefined
  readonly #callers = new Map<AbortSignal, { readonly waiters: Set<Waiter>; readonly onAbort: () => void }>()
  #timer: AbortController | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** What a step back of the clock (summer time set by hand, NTP) would have taken away. */
  #offset = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(name: string, meters: readonly Meter[], clock: Clock, reported?: ReportedLimit) {
    this.name = name
    this.#meters = reported === undefined ? meters : [...meters, reported]
    this.#reported = reported
    this.#clock = clock
    this.#maxCost = Math.min(Number.POSITIVE_INFINITY, ...meters.map((meter) => meter.maxCost))
  }

  /** @throws QuotaImpossibleError a cost that no wait makes possible */
  async acquire(cost = 1, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit> {
    signal?.throwIfAborted()
    if (!(cost > 0) || cost > this.#maxCost) throw new QuotaImpossibleError(this.name, cost, this.#maxCost)
    if (this.#first === undefined || onWait !== undefined) {
      const now = this.#now()
      const readyAt = this.#readyAt(cost, now)
      if (this.#first === undefined && readyAt <= now) return this.#grant(cost, now)
      onWait?.(readyAt - now)
    }
    return new Promise((resolve, reject) => this.#enqueue({ cost, signal, resolve, reject }))
  }

  observe(status: number, headers: HttpHeaders): void {
    this.#reported?.observe(status, headers, this.#now(), this.#clock.now())
  }

  /** A permit's request was counted, has ended, or was never sent. */
  end(what: 'settle' | 'release' | 'cancel', cost: number): void {
    const now = this.#now()
    for (const meter of this.#meters) meter[what]?.(cost, now)
    // Only the first waiter can profit, and only where it may now go earlier than its timer says.
    if (this.#first !== undefined && this.#readyAt(this.#first.cost, now) < this.#timerAt) this.#serve()
  }

  #now(): number {
    const now = this.#clock.now() + this.#offset
    if (now >= this.#latest) {
      this.#latest = now
      return now
    }
    this.#offset += this.#latest - now
    return this.#latest
  }

  #readyAt(cost: number, now: number): number {
    let at = now
    for (const meter of this.#meters) {
      const ready = meter.readyAt(cost, now)
      if (ready > at) at = ready
    }
    return at
  }

  #grant(cost: number, now: number): Permit {
    for (const meter of this.#meters) meter.take(cost, now)
    return new QueuePermit(this, cost)
  }

  #enqueue(waiting: Omit<Waiter, 'before' | 'behind'>): void {
    const waiter: Waiter = { ...waiting, before: this.#last, behind: undefined }
    if (waiter.signal !== undefined) this.#callersOf(waiter.signal).add(waiter)
    if (this.#last === undefined) this.#first = waiter
    else this.#last.behind = waiter
    this.#last = waiter
    if (this.#first === waiter) this.#serve()
  }

  /** Those who wait under one signal share one listener: a run has one signal and any number of waiters. */
  #callersOf(signal: AbortSignal): Set<Waiter> {
    const known = this.#callers.get(signal)
    if (known !== undefined) return known.waiters
    const waiters = new Set<Waiter>()
    const onAbort = () => {
      const first = this.#first
      for (const waiter of waiters) {
        this.#remove(waiter)
        waiter.reject(signal.reason)
      }
      if (first !== this.#first) this.#serve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#callers.set(signal, { waiters, onAbort })
    return waiters
  }

  #remove(waiter: Waiter): void {
    if (waiter.before === undefined) this.#first = waiter.behind
    else waiter.before.behind = waiter.behind
    if (waiter.behind === undefined) this.#last = waiter.before
    else waiter.behind.before = waiter.before
    if (waiter.signal === undefined) return
    const callers = this.#callers.get(waiter.signal)!
    callers.waiters.delete(waiter)
    if (callers.waiters.size > 0) return
    waiter.signal.removeEventListener('abort', callers.onAbort)
    this.#callers.delete(waiter.signal)
  }

  /** Grants what can be granted, in order, and sets the timer for the first who has to wait. */
  #serve(): void {
    const now = this.#now()
    let at = Number.POSITIVE_INFINITY
    while (this.#first !== undefined) {
      const waiter: Waiter = this.#first
      at = this.#readyAt(waiter.cost, now)
      if (at > now) break
      this.#remove(waiter)
      waiter.resolve(this.#grant(waiter.cost, now))
    }
    this.#wakeAt(this.#first === undefined ? Number.POSITIVE_INFINITY : at, now)
  }

  #wakeAt(at: number, now: number): void {
    if (at === this.#timerAt) return
    this.#timer?.abort()
    this.#timer = undefined
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    const timer = new AbortController()
    this.#timer = timer
    // A whole millisecond, rounded up: a timer of a fraction fires early.
    this.#clock.sleep(Math.min(Math.ceil(at - now), longestSleepMs), timer.signal).then(
      () => {
        if (this.#timer !== timer) return
        this.#timer = undefined
        this.#timerAt = Number.POSITIVE_INFINITY
        this.#serve()
      },
      () => {},
    )
  }
}

interface Waiter {
  readonly cost: number
  readonly signal: AbortSignal | undefined
  readonly resolve: (permit: Permit) => void
  readonly reject: (reason: unknown) => void
  before: Waiter | undefined
  behind: Waiter | undefined
}

class QueuePermit implements Permit {
  readonly #queue: QuotaQueue
  readonly #cost: number
  #state: 'sent' | 'settled' | 'ended' = 'sent'

  constructor(queue: QuotaQueue, cost: number) {
    this.#queue = queue
    this.#cost = cost
  }
  answered(): void {
    if (this.#state !== 'sent') return
    this.#state = 'settled'
    this.#queue.end('settle', this.#cost)
  }
  release(): void {
    if (this.#state === 'ended') return
    this.answered()
    this.#state = 'ended'
    this.#queue.end('release', this.#cost)
  }
  cancel(): void {
    if (this.#state !== 'sent') return
    this.#state = 'ended'
    this.#queue.end('cancel', this.#cost)
  }
}

/** A request that costs more than its quota ever holds, or whose cost is no positive number. */
export class QuotaImpossibleError extends SluiceError {
  readonly code = 'QUOTA_IMPOSSIBLE'
  readonly recovery = 'fix-config'
  readonly quota: string
  readonly cost: number
  constructor(quota: string, cost: number, maxCost: number) {
    super(
      cost > 0
        ? `a request that costs ${cost} can never be sent within the quota of ${quota}, which holds ${maxCost} at most: lower the request's cost, or raise the quota's requests or burst`
        : `a request can't cost ${cost} of the quota of ${quota}: a cost is a number above 0`,
    )
    this.quota = quota
    this.cost = cost
  }
}
