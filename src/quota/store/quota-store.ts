/**
 * Where several processes share a quota. It keeps time by a clock of its own, so that those who ask need not agree on the time; all that
 * is said of time is a length in milliseconds.
 *
 * A process takes several requests at once, as a lease, and asks again when they are used: the store is not on every request's way.
 * What is leased counts as used from the beginning: until the lease is settled, or, where its holder died, until it ended and a
 * window has passed. So no window sees more than its limit, whatever becomes of who holds the leases (Q1).
 *
 * Of requests in flight, a process holds places for as long as it says that it does, and loses them by time when it dies.
 *
 * Each call is one step for all who ask: two that come at once for one `key` are taken one after the other.
 */
export interface QuotaStore extends AsyncDisposable {
  /** Leases up to `wanted` of what the window has room for, and nothing where that is less than `least`. */
  lease(ask: LeaseAsk): Promise<QuotaLease>
  /**
   * Of a lease `used` counts for one window from now on, the rest is free again: all its requests were answered; or some are not yet, then
   * it is told again. `used` is more than was
   * granted where replies tell what they cost: then the window is overdrawn, and has no room until that is gone from it.
   * Nothing happens where the lease is not known any more.
   */
  settle(key: string, leaseId: string, used: number): Promise<void>
  /** The API wants nothing for so long: nobody is given a lease until then. A shorter pause does not end a longer one. */
  pause(key: string, pauseMs: number): Promise<void>
  /** Asks for places of requests in flight, keeps them, and gives them back: see `grantedPlaces`, which decides who gets how many. */
  hold(ask: PlacesAsk): Promise<HeldPlaces>
}

export interface LeaseAsk {
  /** Names the limit: one credential at one API, and the limit's words. Holds no secret (S1). */
  readonly key: string
  /** The window: at most so much in any `perMs`. Requests, points or bytes: points may be fractions. */
  readonly limit: number
  readonly perMs: number
  readonly wanted: number
  /** With less than this nobody is served: what is granted is this or more, or nothing. Up to `wanted`. */
  readonly least: number
  /** How long the lease may be used. */
  readonly holdMs: number
}

export interface QuotaLease {
  readonly id: string
  /** 0, or from `least` to `wanted`. */
  readonly granted: number
  /** Where nothing was granted: when it may be worth asking again. */
  readonly retryInMs: number
}

export interface PlacesAsk {
  readonly key: string
  /** At most so many requests in flight, of all who ask. */
  readonly concurrent: number
  /** What the last answer was known by; absent at first, and after everything was given back. */
  readonly id?: string | undefined
  /** Places that are in use: they count, whatever is granted. Up to what was granted before; 0 gives all back. */
  readonly held: number
  /** In all, those in use included. 0: no more is wanted, and the store may forget who asked. */
  readonly wanted: number
  /** After this without another word the holder is taken to be dead, and its places are free. */
  readonly holdMs: number
}

export interface HeldPlaces {
  readonly id: string
  /** Places in all that may be used from now on. Less than `held`: others wait, and as many are to be given back when they are free. */
  readonly granted: number
}

/** Two clocks that both run within 50 ppm drift apart by this share; 1 ms besides, for times are whole. */
const clockDrift = 1e-4

/** How long a request counts, so that it is out of the server's window however the clocks drift. */
export function countedMs(perMs: number): number {
  return perMs + Math.max(1, perMs * clockDrift)
}
