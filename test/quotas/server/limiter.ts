// How an API's limiter counts, written anew from the algorithms' definitions: what proves the quotas must not share their arithmetic.
// Times are the server's, in milliseconds since 1970.

/** What a server tells of one limit. */
export interface Budget {
  readonly limit: number
  /** Length of the window, in milliseconds; of a bucket, the time in which it fills. */
  readonly windowMs: number
  readonly remaining: number
  /** When more is there again. */
  readonly resetAt: number
}

export interface Limiter {
  /** How long until `cost` would be let in; 0: now. Asking changes nothing. */
  waitFor(cost: number, now: number): number
  count(cost: number, now: number): void
  /** The server is done with a request. */
  end?(): void
  /** What it turned out to cost is less than what was counted. */
  refund?(cost: number, now: number): void
  budget(now: number): Budget
  /** What a client that knows everything could have had counted in the time. */
  granted(from: number, until: number): number
}

/** Windows of `perMs` that begin at whole multiples of it. */
export function fixedWindow(most: number, perMs: number): Limiter {
  let window = Number.NaN
  let counted = 0
  const enter = (now: number) => {
    const current = Math.floor(now / perMs)
    if (current === window) return
    window = current
    counted = 0
  }
  return {
    waitFor(cost, now) {
      enter(now)
      return counted + cost <= most ? 0 : (window + 1) * perMs - now
    },
    count(cost, now) {
      enter(now)
      counted += cost
    },
    budget(now) {
      enter(now)
      return {
        limit: most,
        windowMs: perMs,
        remaining: Math.max(0, most - counted),
        resetAt: (window + 1) * perMs,
      }
    },
    granted: (from, until) => most * (Math.ceil(until / perMs) - Math.floor(from / perMs)),
  }
}

/** Windows of `perMs`, each of which begins with the first request after the last one's end. */
export function windowFromFirst(most: number, perMs: number): Limiter {
  let endsAt = Number.NEGATIVE_INFINITY
  let counted = 0
  return {
    waitFor: (cost, now) => (now >= endsAt || counted + cost <= most ? 0 : endsAt - now),
    count(cost, now) {
      if (now >= endsAt) {
        endsAt = now + perMs
        counted = 0
      }
      counted += cost
    },
    budget: (now) => ({
      limit: most,
      windowMs: perMs,
      remaining: now >= endsAt ? most : Math.max(0, most - counted),
      resetAt: now >= endsAt ? now + perMs : endsAt,
    }),
    granted: (from, until) => most * Math.ceil((until - from) / perMs),
  }
}

/** At most `most` in the `perMs` before each request: each one's time is kept. */
export function slidingLog(most: number, perMs: number): Limiter {
  let log: { readonly at: number; readonly cost: number }[] = []
  const spent = (now: number) => {
    const first = log.findIndex(({ at }) => at > now - perMs)
    log = first < 0 ? [] : log.slice(first)
    return log.reduce((sum, { cost }) => sum + cost, 0)
  }
  return {
    waitFor(cost, now) {
      let excess = spent(now) + cost - most
      if (excess <= 0) return 0
      for (const entry of log) {
        excess -= entry.cost
        if (excess <= 0) return entry.at + perMs - now
      }
      return perMs
    },
    count(cost, now) {
      log.push({ at: now, cost })
    },
    budget(now) {
      const remaining = Math.max(0, most - spent(now))
      return { limit: most, windowMs: perMs, remaining, resetAt: (log[0]?.at ?? now) + perMs }
    },
    granted: (from, until) => most * Math.ceil((until - from) / perMs),
  }
}

/** Fixed windows; of the last one, the share that the sliding window still covers counts too, as if it had been spent evenly. */
export function slidingCounter(most: number, perMs: number): Limiter {
  let window = Number.NaN
  let last = 0
  let current = 0
  const enter = (now: number) => {
    const index = Math.floor(now / perMs)
    if (index === window) return
    last = index === window + 1 ? current : 0
    current = 0
    window = index
  }
  const spent = (now: number) => {
    enter(now)
    return last * (1 - (now - window * perMs) / perMs) + current
  }
  return {
    waitFor(cost, now) {
      const excess = spent(now) + cost - most
      if (excess <= 0) return 0
      const rest = (window + 1) * perMs - now
      return last === 0 ? rest : Math.min(rest, (excess * perMs) / last)
    },
    count(cost, now) {
      enter(now)
      current += cost
    },
    budget: (now) => ({
      limit: most,
      windowMs: perMs,
      remaining: Math.max(0, Math.floor(most - spent(now))),
      resetAt: (window + 1) * perMs,
    }),
    granted: (from, until) => (most * (until - from)) / perMs,
  }
}

/** A bucket that holds `most` and refills steadily: a token bucket, a leaky bucket as a meter and GCRA are the same. */
export function tokenBucket(most: number, perSecond: number): Limiter {
  let tokens = most
  let at = Number.NaN
  const refill = (now: number) => {
    if (now > at) tokens = Math.min(most, tokens + ((now - at) * perSecond) / 1000)
    at = now
  }
  return {
    waitFor(cost, now) {
      refill(now)
      const missing = cost - tokens
      // What is added up from fractions is off by less than this.
      return missing <= 1e-6 ? 0 : (missing / perSecond) * 1000
    },
    count(cost, now) {
      refill(now)
      tokens -= cost
    },
    refund(cost, now) {
      refill(now)
      tokens = Math.min(most, tokens + cost)
    },
    budget(now) {
      refill(now)
      return {
        limit: most,
        windowMs: (most / perSecond) * 1000,
        remaining: Math.max(0, Math.floor(tokens)),
        resetAt: now + ((most - tokens) / perSecond) * 1000,
      }
    },
    granted: (from, until) => most + (perSecond * (until - from)) / 1000,
  }
}

/** At most `most` requests at once. What it grants is milliseconds of requests. */
export function concurrency(most: number): Limiter {
  let inFlight = 0
  return {
    waitFor: () => (inFlight < most ? 0 : 1000),
    count() {
      inFlight++
    },
    end() {
      inFlight--
    },
    budget: (now) => ({ limit: most, windowMs: 0, remaining: most - inFlight, resetAt: now }),
    granted: (from, until) => most * (until - from),
  }
}
