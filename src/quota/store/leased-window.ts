// A window that several processes share: this one's part of it, taken from a store by leases.
//
// A lease is usable from its arrival until `holdMs` after it was asked for, by our clock: the store, which counts from the asking's
// arrival, lets it end later. What is in flight when a lease ends is settled once it is answered; the store counts the whole lease
// until then.
import { SluiceError } from '../../errors.ts'
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaRefusal } from '../quota.ts'
import type { QuotaStore } from './quota-store.ts'

/** The store that quotas are shared by can't be asked: nothing is sent without it (Q1). */
export class QuotaStoreError extends SluiceError {
  readonly code = 'QUOTA_STORE_FAILED'
  readonly recovery = 'stop-stream'
  constructor(quota: string, cause: unknown) {
    super(
      `the store that processes share the quota of ${quota} by could not be asked ${mostFailures} times in a row, and without it nothing is sent: ${cause instanceof Error ? cause.message : String(cause)}. Check quotaStore, and whether its server runs`,
      { cause },
    )
  }
}

const mostFailures = 5
const firstRetryMs = 200
/** A lease is held for a tenth of the window, and for a second at most: what a dead process held is back so much later than its window. */
const longestHoldMs = 1000
/** At most this share of a window in one lease, so that several processes can hold one each. */
const largestShare = 0.25

export interface LeasedWindowOptions {
  readonly requests: number
  readonly perMs: number
  readonly store: QuotaStore
  readonly key: string
  /** For messages. */
  readonly name: string
}

interface Lease {
  readonly id: string
  left: number
  used: number
  inFlight: number
  /** After this, by our clock, nothing more is sent on it. */
  readonly endsAt: number
}

export class LeasedWindow implements Meter {
  readonly maxCost: number
  readonly #options: LeasedWindowOptions
  readonly #holdMs: number
  readonly #largest: number
  /** The oldest first. */
  #leases: Lease[] = []
  /** Of requests in flight, by their order: what each took of which lease. */
  readonly #taken = new Map<number, { readonly lease: Lease; readonly cost: number }[]>()
  /** How many to ask for: more after a lease that was used up, fewer after one that was not. */
  #wanted = 1
  #asking = false
  #askAgainAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #failure: unknown
  #changed: () => void = () => {}

  constructor(options: LeasedWindowOptions) {
    const { requests, perMs } = options
    if (!(requests > 0 && perMs > 0))
      throw new RangeError(`a request window takes numbers above 0: ${requests} requests, ${perMs} ms`)
    this.#options = options
    this.maxCost = requests
    this.#holdMs = Math.min(longestHoldMs, perMs / 10)
    this.#largest = Math.max(1, Math.floor(requests * largestShare))
  }

  onChange(changed: () => void): void {
    this.#changed = changed
  }

  readyAt(cost: number, now: number): number {
    if (this.#failures >= mostFailures) throw new QuotaStoreError(this.#options.name, this.#failure)
    this.#expire(now)
    const left = this.#left()
    if (left >= cost) return now
    if (this.#asking) return Number.POSITIVE_INFINITY
    if (this.#askAgainAt > now) return this.#askAgainAt
    this.#ask(Math.max(this.#wanted, cost - left), now)
    return Number.POSITIVE_INFINITY
  }

  take(cost: number, now: number, order: number): void {
    let open = cost
    const parts = []
    for (const lease of this.#leases) {
      if (lease.endsAt <= now) continue
      const part = Math.min(open, lease.left)
      if (part === 0) continue
      lease.left -= part
      lease.used += part
      lease.inFlight++
      parts.push({ lease, cost: part })
      open -= part
      if (open === 0) break
    }
    this.#taken.set(order, parts)
    if (this.#left() > 0) return
    this.#wanted = Math.min(this.#largest, this.#wanted * 2)
    // Who used one up will want another; who asks now and then is not given what others could use.
    if (this.#wanted > 2 && !this.#asking && this.#askAgainAt <= now) this.#ask(this.#wanted, now)
  }

  settle({ order }: SentRequest, now: number): void {
    for (const { lease } of this.#taken.get(order) ?? []) lease.inFlight--
    this.#taken.delete(order)
    this.#expire(now)
  }

  refuse({ retryAfterMs }: QuotaRefusal, _sent: SentRequest, now: number): void {
    if (retryAfterMs === undefined) return
    this.#askAgainAt = Math.max(this.#askAgainAt, now + retryAfterMs)
    this.#tell(this.#options.store.pause(this.#options.key, retryAfterMs))
  }

  cancel(_cost: number, now: number, order: number): void {
    for (const { lease, cost } of this.#taken.get(order) ?? []) {
      lease.inFlight--
      lease.used -= cost
      lease.left += cost
    }
    this.#taken.delete(order)
    this.#expire(now)
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
    for (const { id, used } of over) this.#tell(this.#options.store.settle(this.#options.key, id, used))
  }

  #ask(wanted: number, now: number): void {
    const { store, key, requests, perMs } = this.#options
    this.#asking = true
    const endsAt = now + this.#holdMs
    store.lease({ key, requests, perMs, wanted, holdMs: this.#holdMs }).then(
      ({ id, granted, retryInMs }) => {
        this.#asking = false
        this.#failures = 0
        if (granted > 0) this.#leases.push({ id, left: granted, used: 0, inFlight: 0, endsAt })
        else this.#askAgainAt = now + retryInMs
        this.#changed()
      },
      (error: unknown) => this.#failed(error, now),
    )
  }

  #failed(error: unknown, now: number): void {
    this.#asking = false
    this.#failure = error
    this.#askAgainAt = now + firstRetryMs * 2 ** this.#failures++
    this.#changed()
  }

  /** What the store does not hear of it counts for longer, which harms nobody. */
  #tell(told: Promise<void>): void {
    told.catch(() => {})
  }
}

function isOver({ left, inFlight }: Lease): boolean {
  return left === 0 && inFlight === 0
}
