/** How a server counts requests: at most `requests` in each window, the first of which begins with the first request. */
export interface CountedWindow {
  /** Counts a request. */
  count(now: number): { readonly allowed: boolean; readonly remaining: number; readonly resetAt: number }
}

/** @param perMs the window's length; times are in milliseconds since 1970 */
export function countedWindow(requests: number, perMs: number): CountedWindow {
  let begins = Number.NEGATIVE_INFINITY
  let counted = 0
  return {
    count(now) {
      if (now - begins >= perMs) {
        begins = now
        counted = 0
      }
      counted++
      return {
        allowed: counted <= requests,
        remaining: Math.max(0, requests - counted),
        resetAt: begins + perMs,
      }
    },
  }
}
