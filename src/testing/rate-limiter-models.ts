/** An API's limiter: the time of the simulation tells when it is asked. */
export interface RateLimiterModel {
  /** Counts a request; `undefined` where it is granted, else in how many milliseconds the next will be. */
  ask(now: number): number | undefined
  /** All that it has granted or could have by now, in requests. */
  granted(now: number): number
  /** Grants `factor` times as much from now on. */
  resize(factor: number, now: number): void
}

/** What a rate of requests per millisecond adds up to, while it changes. */
class Budget {
  readonly #perMs: number
  #factor = 1
  #since = 0
  #before = 0
  constructor(perMs: number) {
    this.#perMs = perMs
  }
  get factor(): number {
    return this.#factor
  }
  granted(now: number): number {
    return this.#before + (now - this.#since) * this.#perMs * this.#factor
  }
  resize(factor: number, now: number): void {
    this.#before = this.granted(now)
    this.#since = now
    this.#factor = factor
  }
}

/** Windows that follow one another: at whole multiples of their length, or each from the first request after the one before. */
export function fixedWindows(
  requests: number,
  lengthMs: number,
  begin: 'aligned' | 'at first request' = 'aligned',
): RateLimiterModel {
  const budget = new Budget(requests / lengthMs)
  let began = Number.NEGATIVE_INFINITY
  let used = 0
  return {
    ask(now) {
      const start = begin === 'aligned' ? now - (now % lengthMs) : now - began >= lengthMs ? now : began
      if (start !== began) used = 0
      began = start
      if (used >= requests * budget.factor) return began + lengthMs - now
      used++
      return undefined
    },
    granted: (now) => budget.granted(now),
    resize: (factor, now) => budget.resize(factor, now),
  }
}

/** At most so many in any window. */
export function slidingLog(requests: number, lengthMs: number): RateLimiterModel {
  const budget = new Budget(requests / lengthMs)
  const log: number[] = []
  let oldest = 0
  return {
    ask(now) {
      while (oldest < log.length && log[oldest]! <= now - lengthMs) oldest++
      const most = Math.floor(requests * budget.factor)
      if (log.length - oldest >= most) return log[log.length - most]! + lengthMs - now
      log.push(now)
      return undefined
    },
    granted: (now) => budget.granted(now),
    resize: (factor, now) => budget.resize(factor, now),
  }
}

/** A bucket that holds `burst` and is filled at `perSecond`. */
export function tokenBucketModel(perSecond: number, burst: number): RateLimiterModel {
  const budget = new Budget(perSecond / 1000)
  let tokens = burst
  let at = 0
  return {
    ask(now) {
      const perMs = (perSecond / 1000) * budget.factor
      tokens = Math.min(burst, tokens + (now - at) * perMs)
      at = now
      if (tokens < 1) return (1 - tokens) / perMs
      tokens--
      return undefined
    },
    granted: (now) => budget.granted(now),
    resize: (factor, now) => budget.resize(factor, now),
  }
}
