import type { Value } from '../ports/json.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import type { QuotaLimit, QuotaUse } from './usage.ts'

/** What is known of a request before it is sent: some limits hold for a class of requests alone. */
export interface QuotaRequest {
  /** Upper case. */
  readonly method: string
  /** Absolute. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Names the requests that count against the same budgets of the API: what is learned from the reply of one holds for the others. Default:
   * the method and the path, with ids left out.
   */
  readonly route?: string | undefined
}

/** What is asked of a quota. */
export interface QuotaAsk {
  /** What the request costs. Above 0. Default: 1. */
  readonly cost?: number | undefined
  /** Aborting gives the reservation back. */
  readonly signal?: AbortSignal | undefined
  readonly onWait?: OnQuotaWait | undefined
  /** How long it may take. Default: for ever. */
  readonly patience?: QuotaPatience | undefined
  readonly request?: QuotaRequest | undefined
  /** What the request's placeholders were filled with: `{ parent: { id: 7 } }`. */
  readonly values?: Readonly<Record<string, Value>> | undefined
  /** Who asks, a stream as a rule: those who wait are served fairly between these, and in order within each. Default: all are one. */
  readonly flow?: string | undefined
  /** `interactive`: somebody waits for the answer at a screen, so it goes before what runs in the background. Default: `background`. */
  readonly priority?: QuotaPriority | undefined
}

/**
 * How long a permission is waited for: where it turns out to be too long, the wait ends at once. Waits for a request under way to end, of which
 * no length is known, don't count. A quota of another make need not heed it.
 */
export interface QuotaPatience {
  /** In milliseconds, from the asking to the grant. */
  readonly ms: number
  /** Makes the error that the wait ends with: `expectedMs` is the least that it would have taken from now on. */
  readonly tooLong: (expectedMs: number, quota: string, limit: QuotaLimit) => unknown
}

export type QuotaPriority = 'interactive' | 'background'

/** The head of a response. */
export interface QuotaReply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: HttpHeaders
}

/** What an API refused for want of quota. */
export interface QuotaRefusal {
  /** `rate`: too many requests in a time; `concurrency`: too many at once. */
  readonly kind: 'rate' | 'concurrency'
  /** How long the API asks to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Whether that is a penalty for having been refused (`afterRefusal`) rather than the rest of a window. Default: false. */
  readonly penalty?: boolean | undefined
}

/** What a reply says that its request did cost. Each unit is charged once; what is left out is not known, or told later. */
export interface QuotaCharge {
  readonly points?: number | undefined
  /** What the body weighs as it was sent. */
  readonly bytes?: number | undefined
  /** The decoded body, of which each quota reads the place where its points are. */
  readonly body?: Value | undefined
}

/** A permission to send one request. */
export interface Permit {
  /** Gives back what is held while the request is in flight. Call it once the body is read, or the request failed. */
  release(): void
  /**
   * The response's head has arrived, so the server has counted the request. Optional: it lets a quota count a request from
   * now on rather than from the end of its body, and take in what the API says of its limits (Q4), which can only make the quota
   * stricter. `release` is still to be called.
   */
  answered?(reply?: QuotaReply): void
  /**
   * What the request did cost, where that was only estimated before: the difference is given back, or overdraws the quota, which waits until
   * it is made up for. After `answered`, before `release`. Without it the estimate holds.
   */
  charge?(charge: QuotaCharge): void
  /** The API refused the request for want of quota. After `answered`, before `release`. */
  refused?(refusal: QuotaRefusal): void
  /** What the request took of each limit. Before `release`. */
  uses?(): readonly QuotaUse[]
  /** Gives the permission back unused, as if it had never been asked for: nothing was sent. In place of `release`. */
  cancel?(): void
}

/**
 * Told where a permission has to be waited for, before the wait begins: the least time that it takes, in milliseconds, as far as it is
 * known now. `Infinity`: until another request ends. Whoever came earlier may make it longer. Of several quotas it is told of
 * each in turn, with the name of the one that is waited for; and again where the wait turns out to be a minute longer, or, where nothing
 * was known of it, longer than a second. What it throws ends the wait.
 * @param limit tells it from others of that name
 */
export type OnQuotaWait = (expectedMs: number, quota?: string, limit?: QuotaLimit) => void

/** A limit that an API sets. Waits are reservations: first come, first served, and nobody wakes to find their token gone (Q2). */
export interface Quota {
  /** For events and messages, as in `700 requests per 1m`. */
  readonly name: string
  /** Reserves a request's cost and waits until it may be spent. A wait that is aborted gives its reservation back. */
  acquire(ask?: QuotaAsk): Promise<Permit>
}
