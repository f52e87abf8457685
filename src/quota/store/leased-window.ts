// A window that several processes share: this one's part of it, taken from a store by leases. Of requests, of points or of bytes.
//
// A lease is usable from its arrival until `holdMs` after it was asked for, by our clock: the store, which counts from the asking's
// arrival, lets it end later. What is in flight when a lease ends is settled once it is answered. Until then it counts: the store is told
// again before it would forget it, three times in a window.
//
// What a request did cost may be told by its reply: what is over its estimate is taken from what is left of our leases, else the window is
// overdrawn, by no more than what is in flight. The store is told before it is asked again, so that it is waited for by all.
import type { Clock } from '../../ports/runtime.ts'
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal } from '../quota.ts'
import type { QuotaStore } from './quota-store.ts'
import { StoreFailures } from './quota-store-error.ts'

/** A lease is held for a tenth of the window, and for a second at most: what a dead process held is back so much later than its window. */
const longestHoldMs = 1000
/** At most this share of a window in one lease, so that several processes can hold one each. */
const largestShare = 0.25

/** Others may give back what they did not use: so the store is asked again before it says that it is worth it, in such a share of a window. */
const pollShare = 1 / 200
const shortestPollMs = 100
const longestPollMs = 30_000

const longestSleepMs = 2_000_000_000

/** What is added up from fractions is off by less than this. */
const rounding = 1e-6

export interface LeasedWindowOptions {
  /** Requests, points or bytes. */
  readonly limit: number
  readonly perMs: number
  readonly store: QuotaStore
  readonly key: string
  /** For messages. */
  readonly name: string
  readonly clock: Clock
  /** Where it stands as long as it holds leases, so that somebody can have them given back before the process ends. */
  readonly holders?: Set<LeasedWindow>
}

interface Lease {
  readonly id: string
  readonly granted: number
  left: number
  used: number
  inFlight: number
  /** After this, by our clock, nothing more is sent on it. */
  readonly endsAt: number
  /** Whether the store was told that it counts still since the keeper looked last. */
  told: boolean
}

export class LeasedWindow implements Meter {
  readonly maxCost: number
  readonly #options: LeasedWindowOptions
  readonly #failures: StoreFailures
  readonly #holdMs: number
  readonly #largest: number
  readonly #pollMs: number
  /** The oldest first. */
  #leases: Lease[] = []
  /** Of requests in flight, by their order: what each took of which lease. */
  readonly #taken = new Map<number, { readonly lease: Lease; cost: number }[]>()
  /** By lease: what was used of overdrawn ones, of which the store has to hear. */
  readonly #owed = new Map<string, number>()
  #paying: Promise<void> | undefined
  /** How much to ask for: more after a lease that was used up, less after one that was not. */
  #wanted = 1
  #asking = false
  #askAgainAt = Number.NEGATIVE_INFINITY
  /** Ends what keeps the leases of requests in flight. */
  #keeper: AbortController | undefined
  #changed: () => void = () => {}

  constructor(options: LeasedWindowOptions) {
    const { limit, perMs } = options
    if (!(limit > 0 && perMs > 0))
      throw new RangeError(`a window takes numbers above 0: a limit of ${limit}, ${perMs} ms`)
    this.#options = options
    this.#failures = new StoreFailures(options.name)
    this.maxCost = limit
    this.#holdMs = Math.min(longestHoldMs, perMs / 10)
    this.#pollMs = Math.min(longestPollMs, Math.max(shortestPollMs, perMs * pollShare))
    this.#largest = Math.max(1, Math.floor(limit * largestShare))
  }

  onChange(changed: () => void): void {
    this.#changed = changed
  }

  readyAt(cost: number, now: number): number {
    this.#failures.check(now)
    this.#expire(now)
    if (this.#left() >= cost - rounding) return now
    if (this.#asking) return Number.POSITIVE_INFINITY
    if (this.#askAgainAt > now) return this.#askAgainAt
    // What is too little is given up: so its lease can be settled, and no two wait for each other's rest.
    for (const lease of this.#leases) lease.left = 0
    this.#expire(now)
    this.#ask(Math.max(this.#wanted, cost), cost, now)
    return Number.POSITIVE_INFINITY
  }

  take(cost: number, now: number, order: number): void {
    const parts = this.#spend(cost, now)
    for (const { lease } of parts) lease.inFlight++
    this.#taken.set(order, parts)
    if (this.#keeper === undefined) {
      this.#keeper = new AbortController()
      void this.#keep(this.#keeper)
    }
    if (this.#left() >= cost - rounding) return
    this.#wanted = Math.min(this.#largest, Math.max(this.#wanted, cost) * 2)
    // Who used one up will want another; who asks now and then is not given what others could use.
    if (this.#wanted > 2 * cost && !this.#asking && this.#askAgainAt <= now)
      this.#ask(this.#wanted, cost, now)
  }

  settle({ cost, actual = cost, order }: SentRequest, now: number): void {
    const parts = this.#taken.get(order) ?? []
    if (actual < cost) giveBack(parts, cost - actual)
    else if (actual > cost) this.#overdraw(actual - cost, parts, now)
    this.#end(parts, order, now)
  }

  refuse({ kind, retryAfterMs }: QuotaRefusal, _sent: SentRequest, now: number): void {
    // Of requests at once it says nothing of the rate.
    if (retryAfterMs === undefined || kind === 'concurrency') return
    this.#askAgainAt = Math.max(this.#askAgainAt, now + retryAfterMs)
    this.#tell(this.#options.store.pause(this.#options.key, retryAfterMs))
  }

  cancel(cost: number, now: number, order: number): void {
    const parts = this.#taken.get(order) ?? []
    giveBack(parts, cost)
    this.#end(parts, order, now)
  }

  isIdle(now: number): boolean {
    this.#expire(now)
    return this.#leases.length === 0 && this.#owed.size === 0 && !this.#asking
  }

  /** Before the process ends: what is leased and was not used is free again for the others. Resolves when the store has heard of it. */
  async giveBack(): Promise<void> {
    const { store, key } = this.#options
    const leases = this.#leases
    this.#leases = []
    this.#options.holders?.delete(this)
    await Promise.allSettled([this.#pay(), ...leases.map(({ id, used }) => store.settle(key, id, used))])
  }

  #end(parts: readonly { readonly lease: Lease }[], order: number, now: number): void {
    for (const { lease } of parts) lease.inFlight--
    this.#taken.delete(order)
    this.#expire(now)
    if (this.#taken.size > 0) return
    this.#keeper?.abort()
    this.#keeper = undefined
  }

  /** While requests are in flight: those that are so for long count still. */
  async #keep(keeper: AbortController): Promise<void> {
    const { store, key, perMs, clock } = this.#options
    const ms = Math.min(longestSleepMs, Math.max(1, Math.floor(perMs / 3)))
    for (;;) {
      try {
        await clock.sleep(ms, keeper.signal)
      } catch {
        return
      }
      if (this.#keeper !== keeper) return
      for (const lease of this.#leases) {
        if (lease.inFlight > 0 && lease.told) this.#tell(store.settle(key, lease.id, lease.used + lease.left))
        lease.told = true
      }
    }
  }

  /** Takes from the leases what they have, the oldest first. */
  #spend(cost: number, now: number): { readonly lease: Lease; cost: number }[] {
    let open = cost
    const parts = []
    for (const lease of this.#leases) {
      if (lease.endsAt <= now) continue
      const part = Math.min(open, lease.left)
      if (part <= 0) continue
      lease.left -= part
      lease.used += part
      parts.push({ lease, cost: part })
      open -= part
      if (open <= rounding) break
    }
    return parts
  }

  #overdraw(amount: number, parts: readonly { readonly lease: Lease }[], now: number): void {
    const open = this.#spend(amount, now).reduce((left, { cost }) => left - cost, amount)
    const last = parts.at(-1)
    if (last !== undefined && open > rounding) last.lease.used += open
  }

  #left(): number {
    let left = 0
    for (const lease of this.#leases) left += lease.left
    return left
  }

  /** Settles what is used up or has ended, once all of it is answered. */
  #expire(now: number): void {
    for (const lease of this.#leases) {
      if (lease.endsAt > now || lease.left === 0) continue
      lease.left = 0
      this.#wanted = Math.max(1, Math.floor(this.#wanted / 2))
    }
    if (!this.#leases.some(isOver)) return
    const over = this.#leases.filter(isOver)
    this.#leases = this.#leases.filter((lease) => !isOver(lease))
    if (this.#leases.length === 0) this.#options.holders?.delete(this)
    for (const { id, used, granted } of over) {
      if (used <= granted + rounding) this.#tell(this.#options.store.settle(this.#options.key, id, used))
      else {
        this.#owed.set(id, used)
        this.#pay().catch(() => {})
      }
    }
  }

  /** Tells the store what was used of leases that were overdrawn. What fails is told again before the next lease. */
  #pay(): Promise<void> {
    this.#paying ??= this.#payAll().finally(() => {
      this.#paying = undefined
    })
    return this.#paying
  }
  async #payAll(): Promise<void> {
    for (const [id, used] of this.#owed) {
      await this.#options.store.settle(this.#options.key, id, used)
      this.#owed.delete(id)
    }
  }

  #ask(wanted: number, least: number, now: number): void {
    const { store, key, limit, perMs } = this.#options
    this.#asking = true
    const endsAt = now + this.#holdMs
    const ask = { key, limit, perMs, wanted, least, holdMs: this.#holdMs }
    const lease = this.#owed.size === 0 ? store.lease(ask) : this.#pay().then(() => store.lease(ask))
    lease.then(
      ({ id, granted, retryInMs }) => {
        this.#asking = false
        this.#failures.answered()
        if (granted > 0) {
          this.#leases.push({ id, granted, left: granted, used: 0, inFlight: 0, endsAt, told: false })
          this.#options.holders?.add(this)
        }
        if (granted === 0) this.#askAgainAt = now + Math.min(retryInMs, this.#pollMs)
        this.#changed()
      },
      (error: unknown) => {
        this.#asking = false
        this.#askAgainAt = this.#failures.failed(error, now)
        this.#changed()
      },
    )
  }

  /** What the store does not hear of it counts for longer, which harms nobody. */
  #tell(told: Promise<void>): void {
    told.catch(() => {})
  }
}

/** Undoes a part of a taking: what was taken last first. */
function giveBack(parts: readonly { readonly lease: Lease; cost: number }[], amount: number): void {
  let open = amount
  for (const part of parts.toReversed()) {
    const back = Math.min(open, part.cost)
    part.lease.used -= back
    part.lease.left += back
    open -= back
  }
}

function isOver({ left, inFlight }: Lease): boolean {
  return left <= rounding && inFlight === 0
}
