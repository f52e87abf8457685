const growth = 1.05
const logGrowth = Math.log(growth)
const smallestMs = 0.01
const buckets = 512

/** Latencies in a fixed amount of memory: buckets that grow by 5 %, so a percentile is right to 2.5 %. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(buckets)
  #total = 0

  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, smallestMs) / smallestMs) / logGrowth)
    this.#counts[Math.min(bucket, buckets - 1)]!++
    this.#total++
  }

  /** One histogram of several. */
  static merge(histograms: Iterable<LatencyHistogram>): LatencyHistogram {
    const merged = new LatencyHistogram()
    for (const histogram of histograms) {
      for (let bucket = 0; bucket < buckets; bucket++) merged.#counts[bucket]! += histogram.#counts[bucket]!
      merged.#total += histogram.#total
    }
    return merged
  }

  get count(): number {
    return this.#total
  }

  /** The latency that `share` (0 to 1) of all stay below or at, in milliseconds; `null` where there are none. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null
    const rank = Math.max(1, Math.ceil(share * this.#total))
    let seen = 0
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.#counts[bucket]!
      if (seen >= rank) return smallestMs * growth ** bucket
    }
    return smallestMs * growth ** (buckets - 1)
  }
}
