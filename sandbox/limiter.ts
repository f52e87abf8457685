// The server's side of a quota. It refuses what is too much; the statistics count each refusal as a breach.
//
// Which vendor counts how:
// - Zendesk, 700 requests a minute for the account: a fixed window, since its headers tell the seconds to the reset
//   (developer.zendesk.com/api-reference/introduction/rate-limits).
// - Stripe, 25 requests a second for each endpoint: a token bucket (docs.stripe.com/rate-limits).
// - GitLab, 2000 requests in ten minutes on the list of projects: a fixed window, since its headers tell when it ends
//   (docs.gitlab.com, user and IP rate limits).
// - Mixpanel, 3 requests a second on the export: its docs don't say how; a token bucket here (docs.mixpanel.com, rate limits).

/** A quota: so many requests in so many milliseconds. */
export interface Limit {
  readonly requests: number
  readonly perMs: number
  /**
   * `bucket` refills evenly and holds at most `requests`; `fixed` counts in windows that start at multiples of `perMs` since 1970;
   * `sliding` counts the `perMs` before each request, the strictest of the three.
   */
  readonly kind: 'bucket' | 'fixed' | 'sliding'
}

export interface Verdict {
  readonly allowed: boolean
  readonly limit: number
  /** Whole requests that would be allowed now. */
  readonly remaining: number
  /** Milliseconds until the window ends (`fixed`), or until at least one request is allowed again. */
  readonly resetMs: number
}

/** Spends one request at `now` (epoch milliseconds), if one is left. A refused request costs nothing. */
export type Limiter = (now: number) => Verdict

export function createLimiter(limit: Limit): Limiter {
  return { bucket, fixed, sliding }[limit.kind](limit)
}

/** Keeps rounding from refusing a client that keeps the pace exactly. */
const ROUNDING = 1e-6

function bucket({ requests, perMs }: Limit): Limiter {
  let tokens = requests
  let filledAt: number | undefined
  return (now) => {
    if (filledAt !== undefined) tokens = Math.min(requests, tokens + ((now - filledAt) * requests) / perMs)
    filledAt = now
    const allowed = tokens >= 1 - ROUNDING
    if (allowed) tokens -= 1
    const missing = Math.max(0, 1 - tokens)
    return {
      allowed,
      limit: requests,
      remaining: Math.max(0, Math.floor(tokens + ROUNDING)),
      resetMs: (missing * perMs) / requests,
    }
  }
}

function fixed({ requests, perMs }: Limit): Limiter {
  let window = Number.NaN
  let used = 0
  return (now) => {
    const current = Math.floor(now / perMs)
    if (current !== window) {
      window = current
      used = 0
    }
    const allowed = used < requests
    if (allowed) used++
    return { allowed, limit: requests, remaining: requests - used, resetMs: (current + 1) * perMs - now }
  }
}

function sliding({ requests, perMs }: Limit): Limiter {
  const taken: number[] = []
  return (now) => {
    while (taken.length > 0 && now - (taken[0] as number) >= perMs) taken.shift()
    const allowed = taken.length < requests
    if (allowed) taken.push(now)
    const full = taken.length >= requests
    return {
      allowed,
      limit: requests,
      remaining: requests - taken.length,
      resetMs: full ? (taken[0] as number) + perMs - now : 0,
    }
  }
}
