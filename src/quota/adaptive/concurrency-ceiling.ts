const firstProbeMs = 10_000
const longestProbeMs = 300_000

/**
 * The most in flight that an API did not refuse, since it refused more. Beyond that is asked rarely, after twice as long each time it is refused
 * again.
 */
export class ConcurrencyCeiling {
  #value = Number.POSITIVE_INFINITY
  #probeMs = firstProbeMs
  #probeAt = Number.NEGATIVE_INFINITY

  get known(): boolean {
    return this.#value < Number.POSITIVE_INFINITY
  }

  refused(limit: number, now: number): void {
    this.#probeMs = limit > this.#value ? Math.min(longestProbeMs, this.#probeMs * 2) : firstProbeMs
    this.#value = Math.max(1, limit - 1)
    this.#probeAt = now + this.#probeMs
  }

  /** As much of `limit` as may be asked for. */
  bound(limit: number, before: number, now: number): number {
    const probes = now >= this.#probeAt
    const most = probes ? this.#value + 1 : this.#value
    if (probes && limit > this.#value && before > this.#value) {
      // What was above the ceiling was not refused: it is one higher.
      this.#value++
      this.#probeAt = now + this.#probeMs
    }
    return Math.min(limit, most)
  }
}
