// For tests: a server that counts requests in windows of one kind, and reports in headers of one dialect.
import type { HttpHeaders } from '../../ports/runtime.ts'

export type WindowKind = 'aligned' | 'first-hit' | 'sliding' | 'bucket'
export type ResetKind = 'up' | 'down' | 'nearest' | 'milliseconds' | 'epoch-up' | 'epoch-down'

export interface LimitedServerOptions {
  readonly kind: WindowKind
  readonly limit: number
  readonly windowMs: number
  readonly reset: ResetKind
  /** Tells limit and window in a policy field. */
  readonly policy?: boolean
  /** Tells `limit`. */
  readonly tellsLimit?: boolean
  /** The server's clock less the client's, in milliseconds. */
  readonly skewMs?: number
}

export interface ServerReply {
  readonly status: number
  readonly headers: HttpHeaders
}

export function limitedServer(options: LimitedServerOptions) {
  const { kind, limit, windowMs, reset, policy = false, tellsLimit = true, skewMs = 0 } = options
  let accepted = 0
  let refused = 0
  let windowEnd = Number.NEGATIVE_INFINITY
  let counted = 0
  let log: number[] = []
  let level = limit
  let levelAt = Number.NEGATIVE_INFINITY

  /** What is left before a request at `now`, and when the budget is full (a window's) or has one place more (one that slides). */
  function look(now: number): { left: number; resetAt: number } {
    if (kind === 'sliding') {
      log = log.filter((at) => at > now - windowMs)
      return { left: limit - log.length, resetAt: (log[0] ?? now) + windowMs }
    }
    if (kind === 'bucket') {
      level = Math.min(limit, level + ((now - levelAt) * limit) / windowMs)
      levelAt = now
      return { left: Math.floor(level + 1e-9), resetAt: now + ((limit - level) * windowMs) / limit }
    }
    if (now >= windowEnd) {
      counted = 0
      windowEnd = kind === 'aligned' ? (Math.floor(now / windowMs) + 1) * windowMs : now + windowMs
    }
    return { left: limit - counted, resetAt: windowEnd }
  }

  return {
    get accepted() {
      return accepted
    },
    get refused() {
      return refused
    },
    /** Counts a request that arrives at `now`, by the client's clock. */
    handle(clientNow: number): ServerReply {
      const now = clientNow + skewMs
      const allowed = look(now).left >= 1
      if (allowed) {
        accepted++
        counted++
        log.push(now)
        level--
      } else refused++
      const { left, resetAt } = look(now)
      const wait = Math.max(0, resetAt - now)
      const seconds = {
        up: Math.ceil(wait / 1000),
        down: Math.floor(wait / 1000),
        nearest: Math.round(wait / 1000),
        milliseconds: (wait / 1000).toFixed(3),
        'epoch-up': Math.ceil(resetAt / 1000),
        'epoch-down': Math.floor(resetAt / 1000),
      }[reset]
      return {
        status: allowed ? 200 : 429,
        headers: {
          date: new Date(Math.floor(now / 1000) * 1000).toUTCString(),
          'ratelimit-remaining': String(Math.max(0, left)),
          'ratelimit-reset': String(seconds),
          ...((policy || tellsLimit) && { 'ratelimit-limit': String(limit) }),
          ...(policy && { 'ratelimit-policy': `${limit};w=${Math.ceil(windowMs / 1000)}` }),
        },
      }
    },
  }
}
