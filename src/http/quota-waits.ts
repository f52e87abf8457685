// What is told of an attempt's waits: each wait for quota, and of those for a place among the requests under way the ones that last.
import type { Clock } from '../ports/runtime.ts'
import type { QuotaLimit } from '../quota/usage.ts'

/** A wait for a place is told of from here on. */
const notableMs = 1000

/** What is waited for. */
export interface NamedQuota {
  readonly name: string
  /** Absent of a quota of another make. */
  readonly limit?: QuotaLimit | undefined
}

interface PlaceWait {
  /** In milliseconds since 1970. */
  readonly since: number
  isNotable: boolean
  readonly onNotable: () => void
}

/** One timer for all that wait, however many. */
export class PlaceWaits {
  /** The longest first, since all become notable after the same time. */
  readonly #waits = new Set<PlaceWait>()
  readonly #clock: Clock
  #timer: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param onNotable called while the wait lasts, once it is one to tell of */
  begin(onNotable: () => void): PlaceWait {
    const wait = { since: this.#clock.now(), isNotable: false, onNotable }
    this.#waits.add(wait)
    if (this.#timer === undefined) this.#wake()
    return wait
  }
  end(wait: PlaceWait): void {
    this.#waits.delete(wait)
    if (this.#waits.size > 0) return
    this.#timer?.abort()
    this.#timer = undefined
  }

  #wake(): void {
    const [longest] = this.#waits
    if (longest === undefined) return
    const timer = new AbortController()
    this.#timer = timer
    this.#clock.sleep(Math.max(0, longest.since + notableMs - this.#clock.now()), timer.signal).then(
      () => {
        if (this.#timer !== timer) return
        this.#timer = undefined
        const now = this.#clock.now()
        for (const wait of this.#waits) {
          if (now < wait.since + notableMs) break
          this.#waits.delete(wait)
          wait.isNotable = true
          wait.onNotable()
        }
        if (this.#timer === undefined) this.#wake()
      },
      () => {},
    )
  }
}

export interface WaitListener {
  /** Before a wait: the least time that it takes, `Infinity` where that is not known. */
  readonly onHold: (quota: NamedQuota, expectedMs: number) => void
  /** After it: how long it was. */
  readonly onWait: (quota: NamedQuota, delayMs: number) => void
}

/** The waits of one attempt, one after another. */
export class AttemptWaits {
  readonly #clock: Clock
  readonly #places: PlaceWaits
  readonly #listener: WaitListener
  /** The present wait, of which was told. */
  #held: { readonly quota: NamedQuota; readonly since: number } | undefined
  #place: { readonly quota: NamedQuota; readonly wait: PlaceWait } | undefined

  constructor(clock: Clock, places: PlaceWaits, listener: WaitListener) {
    this.#clock = clock
    this.#places = places
    this.#listener = listener
  }

  forQuota(quota: NamedQuota, expectedMs: number): void {
    this.end()
    this.#held = { quota, since: this.#clock.now() }
    this.#listener.onHold(quota, expectedMs)
  }
  forPlace(quota: NamedQuota): void {
    if (this.#place !== undefined) return
    this.end()
    const wait = this.#places.begin(() => this.#listener.onHold(quota, Number.POSITIVE_INFINITY))
    this.#place = { quota, wait }
  }
  /** It waits no longer. */
  end(): void {
    const now = this.#clock.now()
    if (this.#held !== undefined && now > this.#held.since)
      this.#listener.onWait(this.#held.quota, now - this.#held.since)
    this.#held = undefined
    if (this.#place === undefined) return
    const { quota, wait } = this.#place
    this.#place = undefined
    this.#places.end(wait)
    if (wait.isNotable) this.#listener.onWait(quota, now - wait.since)
  }
}
