/**
 * Where several processes share a quota. It keeps time by a clock of its own, so that those who ask need not agree on the time; all that
 * is said of time is a length in milliseconds.
 *
 * A process takes several requests at once, as a lease, and asks again when they are used: the store is not on every request's way.
 * What is leased counts as used from the beginning: until the lease is settled, or, where its holder died, until it ended and a
 * window has passed. So no window sees more than its requests, whatever becomes of who holds them (Q1).
 */
export interface QuotaStore extends AsyncDisposable {
  /** Leases up to `wanted` requests of what the window has room for: none where it has none. */
  lease(ask: LeaseAsk): Promise<QuotaLease>
  /** All requests of a lease were answered: `used` of them count for one window from now on, the others are free again. */
  settle(key: string, leaseId: string, used: number): Promise<void>
  /** The API wants nothing for so long: nobody is given a lease until then. A shorter pause does not end a longer one. */
  pause(key: string, pauseMs: number): Promise<void>
}

export interface LeaseAsk {
  /** Names the limit: one credential at one API, and the limit's words. Holds no secret (S1). */
  readonly key: string
  /** The window: at most so many requests in any `perMs`. */
  readonly requests: number
  readonly perMs: number
  readonly wanted: number
  /** How long the lease may be used. */
  readonly holdMs: number
}

export interface QuotaLease {
  readonly id: string
  /** From 0 to `wanted`. */
  readonly granted: number
  /** Where none was granted: when it may be worth asking again. */
  readonly retryInMs: number
}

/** Two clocks that both run within 50 ppm drift apart by this share; 1 ms besides, for times are whole. */
const clockDrift = 1e-4

/** How long a request counts, so that it is out of the server's window however the clocks drift. */
export function countedMs(perMs: number): number {
  return perMs + Math.max(1, perMs * clockDrift)
}
