// Requests in flight that several processes share: this one's places, held by a lease that is renewed for as long as any is in use.
//
// The store is asked for more when places are used up, and told twice a second how many are in use: it answers how many there may be from
// now on, which is less where others wait. Never are more used than what the store has of us: what we are granted, or, while it is asked,
// what we have told it to hold. By our clock the places end as long after the asking as the store, which counts from its arrival, lets them
// end later: so nothing is sent on places that others may have (Q1). A request that is in flight for longer than the store can be reached is
// the one case in which it may be too many.
import type { Clock } from '../../ports/runtime.ts'
import type { Meter } from '../meters/meter.ts'
import type { QuotaStore } from './quota-store.ts'
import { StoreFailures } from './quota-store-error.ts'

/** Places of a process that died are free again after so long. */
const holdMs = 10_000
/** How often the store is told, while places are in use. */
const renewMs = 500
/** How soon a process that waits asks again, and asks at the latest, while nothing is given to it. */
const firstPollMs = 20
const longestPollMs = 100

export interface LeasedPlacesOptions {
  readonly concurrent: number
  readonly store: QuotaStore
  readonly key: string
  /** For messages. */
  readonly name: string
  readonly clock: Clock
}

export class LeasedPlaces implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #options: LeasedPlacesOptions
  readonly #failures: StoreFailures
  #id: string | undefined
  #inFlight = 0
  /** The most in flight since the store was told last. */
  #peak = 0
  /** Places that may be used until `#endsAt`. */
  #granted = 0
  #endsAt = Number.NEGATIVE_INFINITY
  /** How many to ask for: more after those that were granted were used up. */
  #wanted = 1
  /** Since the store was told last, somebody had to wait. */
  #short = false
  #asking = false
  #askAgainAt = Number.NEGATIVE_INFINITY
  #pollMs = firstPollMs
  #renewing = false
  #changed: () => void = () => {}

  constructor(options: LeasedPlacesOptions) {
    if (!(options.concurrent >= 1))
      throw new RangeError(`at least 1 request has to be in flight, not ${options.concurrent}`)
    this.#options = options
    this.#failures = new StoreFailures(options.name)
  }

  onChange(changed: () => void): void {
    this.#changed = changed
  }

  readyAt(_cost: number, now: number): number {
    this.#failures.check(now)
    if (this.#inFlight < this.#usable(now)) return now
    this.#short = true
    // All that there are: nothing more can come before a request ends.
    if (this.#asking || this.#usable(now) >= this.#options.concurrent) return Number.POSITIVE_INFINITY
    if (this.#askAgainAt > now) return this.#askAgainAt
    this.#wanted = Math.min(this.#options.concurrent, Math.max(this.#inFlight + 1, this.#wanted))
    void this.#ask(now, this.#wanted)
    return Number.POSITIVE_INFINITY
  }

  take(_cost: number, now: number): void {
    this.#inFlight++
    this.#peak = Math.max(this.#peak, this.#inFlight)
    if (this.#inFlight >= this.#granted) this.#wanted = Math.min(this.#options.concurrent, this.#granted * 2)
    if (!this.#renewing) void this.#renew(now)
  }

  release(_sent: unknown, now: number): void {
    this.#end(now)
  }
  cancel(_cost: number, now: number): void {
    this.#end(now)
  }

  isIdle(): boolean {
    return this.#inFlight === 0 && this.#granted === 0 && !this.#asking && !this.#renewing
  }

  #end(now: number): void {
    this.#inFlight--
    // Others wait for what was asked back.
    if (this.#inFlight >= this.#granted && !this.#asking) void this.#ask(now, this.#wanted)
  }

  #usable(now: number): number {
    return now < this.#endsAt ? this.#granted : 0
  }

  /** Tells the store what is in use, until nothing is. */
  async #renew(begun: number): Promise<void> {
    this.#renewing = true
    let now = begun
    while (this.#granted > 0 || this.#inFlight > 0) {
      const before = this.#options.clock.now()
      await this.#options.clock.sleep(renewMs)
      now += Math.max(0, this.#options.clock.now() - before)
      // Who waits without a place asks by itself.
      if (this.#asking || (this.#granted === 0 && this.#inFlight === 0)) continue
      const used = Math.max(this.#inFlight, this.#peak)
      this.#wanted = Math.max(used, this.#short ? this.#wanted : Math.floor(this.#wanted / 2))
      this.#granted = Math.min(this.#granted, used)
      await this.#ask(now, this.#short ? this.#wanted : used)
    }
    this.#renewing = false
  }

  async #ask(now: number, wanted: number): Promise<void> {
    const { store, key, concurrent } = this.#options
    this.#asking = true
    const held = Math.max(this.#usable(now), this.#inFlight)
    this.#peak = this.#inFlight
    this.#short = false
    try {
      const ask = { key, concurrent, id: this.#id, held, wanted: Math.max(held, wanted), holdMs }
      const { id, granted } = await store.hold(ask)
      this.#failures.answered()
      this.#id = ask.wanted === 0 ? undefined : id
      this.#granted = granted
      this.#endsAt = now + holdMs
      const isMore = granted > this.#inFlight
      this.#pollMs = isMore ? firstPollMs : Math.min(longestPollMs, this.#pollMs * 2)
      this.#askAgainAt = isMore ? Number.NEGATIVE_INFINITY : now + this.#pollMs
      this.#asking = false
      // Given back meanwhile, of what was asked back.
      if (this.#inFlight < held && granted < held) void this.#ask(now, wanted)
    } catch (error) {
      this.#asking = false
      this.#askAgainAt = this.#failures.failed(error, now)
    }
    this.#changed()
  }
}
