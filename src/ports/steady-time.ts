import type { Clock } from './runtime.ts'

/**
 * A clock's time as a measure of what has passed: it starts with the clock's own, and stands still where that is set back (summer time
 * set by hand, NTP), so that a limit neither ends early nor lasts an hour longer. For dates ask the clock itself. A clock that is set
 * forward can't be told from time that passed.
 */
export function steadyTime(clock: Clock): () => number {
  let offset = 0
  let latest = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now() + offset
    if (now >= latest) {
      latest = now
      return now
    }
    offset += latest - now
    return latest
  }
}
