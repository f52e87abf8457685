/** What one limit came to, since its first request. */
export interface QuotaUsage {
  /** The limit's name, as in `700 requests per 1m`. */
  readonly quota: string
  /** What was sent, in the limit's unit; of costs that only replies tell, what they told. */
  readonly used: number
  /** Requests that the API refused for want of quota. */
  readonly refused: number
  /** What the limit has allowed so far; `null` where it is not known: of what an API reports or is found to allow, and of requests in flight. */
  readonly granted: number | null
}

/** A limit's size. */
export interface QuotaSize {
  readonly amount: number
  readonly perMs: number
  /** What a bucket holds; absent for windows. */
  readonly burst?: number | undefined
}

/** What a limit allows in so long, from when it was full. */
export function grantedIn({ amount, perMs, burst }: QuotaSize, elapsedMs: number): number {
  return burst === undefined
    ? amount * (1 + Math.floor(elapsedMs / perMs))
    : burst + (amount * elapsedMs) / perMs
}
