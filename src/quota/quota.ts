import type { HttpHeaders } from '../ports/runtime.ts'

/** A permission to send one request. */
export interface Permit {
  /** Gives back what is held while the request is in flight. Call it once the body is read, or the request failed. */
  release(): void
  /**
   * The response's headers have arrived, so the server has counted the request. Optional: it lets a quota count a request from
   * now on rather than from the end of its body. `release` is still to be called.
   */
  answered?(): void
  /** Gives the permission back unused, as if it had never been asked for: nothing was sent. In place of `release`. */
  cancel?(): void
}

/**
 * Told where a permission has to be waited for, before the wait begins: the least time that it takes, in milliseconds, as far as it is
 * known now. `Infinity`: until another request ends. Whoever came earlier may make it longer. Of several quotas it is told of
 * each in turn, with the name of the one that is waited for.
 */
export type OnQuotaWait = (expectedMs: number, quota?: string) => void

/** A limit that an API sets. Waits are reservations: first come, first served, and nobody wakes to find their token gone (Q2). */
export interface Quota {
  /** For events and messages, as in `700 requests per 1m`. */
  readonly name: string
  /** Reserves `cost` and waits until it may be spent. A wait that is aborted gives its reservation back. */
  acquire(cost?: number, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit>
  /** Takes in what the API says of itself in a response's headers (Q4); it can only make the quota stricter. */
  observe(status: number, headers: HttpHeaders): void
}
