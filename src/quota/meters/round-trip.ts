// How long an API's answers take at least: the part of each round trip that tells nothing of when the server counted the request.
//
// Let a request be counted `up` after its sending, and its answer come `rest` after that. Of two requests i and j, sent at s_i and s_j, the
// server counts the second at least s_j - s_i - (rtt_i - R0) after the first, wherever rest_i + up_j >= R0:
//   (s_j + up_j) - (s_i + up_i) = s_j - s_i - rtt_i + (rest_i + up_j).
// That is true of R0 = (the least up) + (the least rest), which no round trip is shorter than. It can't be seen; the least round trip that
// was seen comes close from above. Where up and rest vary by themselves, their sums reach down to within about spread / sqrt(n) of it in n
// round trips, the spread being that of the mean above the least; so that, and a millisecond for whole clocks, is what R0
// stays below the least that was seen, four times over.

/** Round trips before which nothing is known. */
const fewest = 64
const margin = 4
/** Round trips that the mean is over, and that are looked back at for the longest. */
const remembered = 512

export class RoundTrip {
  /** R0, in milliseconds; 0 as long as it isn't known. */
  least = 0
  /** The least that was seen; 0 as long as none was. `least` is never above what this ever was. */
  shortest = 0
  #count = 0
  #mean = 0
  #longest = 0
  #longestBefore = 0

  observe(ms: number): void {
    this.#count++
    this.#mean += (ms - this.#mean) / Math.min(this.#count, remembered)
    this.shortest = this.#count === 1 ? ms : Math.min(this.shortest, ms)
    if (this.#count % remembered === 0) {
      this.#longestBefore = this.#longest
      this.#longest = 0
    }
    if (ms > this.#longest) this.#longest = ms
    if (this.#count < fewest) return
    const spread = Math.max(0, this.#mean - this.shortest)
    this.least = Math.max(0, this.shortest - 1 - (spread * margin) / Math.sqrt(this.#count))
  }

  /** Whether enough was seen to rely on it. */
  get isKnown(): boolean {
    return this.#count >= fewest
  }
  get mean(): number {
    return this.#mean
  }
  /** How much longer a round trip has lately been than `least`, at most. */
  get jitter(): number {
    return Math.max(this.#longest, this.#longestBefore) - this.least
  }
}
