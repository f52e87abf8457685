import type { Clock } from '../../ports/runtime.ts'
import { QuotaQueue } from '../queue.ts'
import type { Quota } from '../quota.ts'
import type { Meter, SentRequest } from './meter.ts'

export interface TokenBucketOptions {
  /** Tokens that flow in over `perMs`, one for each request. */
  readonly requests: number
  /** Milliseconds. */
  readonly perMs: number
  /** What the bucket holds, and begins with: the number of requests that may go at once. Default: `requests`. */
  readonly burst?: number
  /** For events and messages. Default: as in `25 requests per 1000 ms`. */
  readonly name?: string
}

/**
 * A quota that lets `burst` requests go at once and then `requests` per `perMs`, evenly. Within a window of any length up to
 * `perMs` it lets at most `burst + requests` through: where an API counts windows, use `requestWindow`, which is exact.
 */
export function tokenBucket(options: TokenBucketOptions, clock: Clock): Quota {
  const name = options.name ?? `${options.requests} requests per ${options.perMs} ms`
  return new QuotaQueue(name, [new TokenBucket(options)], clock)
}

/** What is added up from fractions is off by less than this. */
const rounding = 1e-6

export class TokenBucket implements Meter {
  readonly maxCost: number
  readonly #perMs: number
  #tokens: number
  /** When `#tokens` was true. */
  #at: number | undefined

  constructor({ requests, perMs, burst = requests }: TokenBucketOptions) {
    if (!(requests > 0 && perMs > 0 && burst > 0))
      throw new RangeError(
        `a token bucket takes numbers above 0: ${requests} requests, ${perMs} ms, burst ${burst}`,
      )
    this.maxCost = burst
    this.#tokens = burst
    this.#perMs = requests / perMs
  }
  readyAt(cost: number, now: number): number {
    this.#refill(now)
    const missing = cost - this.#tokens
    return missing <= rounding ? now : now + missing / this.#perMs
  }
  take(cost: number, now: number): void {
    this.#refill(now)
    this.#tokens -= cost
  }
  settle({ cost, actual = cost }: SentRequest): void {
    this.#tokens -= actual - cost
  }
  cancel(cost: number, now: number): void {
    this.#refill(now)
    this.#tokens = Math.min(this.maxCost, this.#tokens + cost)
  }
  #refill(now: number): void {
    if (this.#at !== undefined && now > this.#at)
      this.#tokens = Math.min(this.maxCost, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
  }
}
