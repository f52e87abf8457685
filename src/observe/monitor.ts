import type { EventSink, SluiceEvent } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import { LatencyHistogram } from './latency-histogram.ts'

export interface MonitorOptions {
  readonly clock: Clock
  /** How far back the figures reach, in milliseconds. Default 60,000. At least 1,000. */
  readonly windowMs?: number
  /** How many failures are kept. Default 20. */
  readonly recentFailures?: number
}

export interface Failure {
  readonly at: number
  readonly url: string
  /** The HTTP status, or the error's code where there was no response. */
  readonly reason: string
}

export interface MonitorSnapshot {
  readonly requests: number
  /** Share of requests that failed (no response, or a status of 400 and above; refusals for want of quota are none): 0 to 1. */
  readonly errorRate: number
  /** Requests that were refused for want of quota, whatever their status. */
  readonly refused: number
  readonly requestsPerSecond: number
  readonly recordsPerSecond: number
  readonly latencyMs: {
    readonly p50: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  /** Oldest first. */
  readonly failures: readonly Failure[]
}

export interface Monitor {
  /** Give it to a client or a run as `onEvent`. */
  readonly onEvent: EventSink
  /** The figures of the window that ends now. */
  snapshot(): MonitorSnapshot
}

interface Second {
  second: number
  requests: number
  failed: number
  refused: number
  records: number
  latency: LatencyHistogram
}

/** Watches a client or a run over a sliding window: latency, error rate, throughput, recent failures. */
export function monitor({ clock, windowMs = 60_000, recentFailures = 20 }: MonitorOptions): Monitor {
  if (windowMs < 1000) throw new RangeError(`the monitor's windowMs is ${windowMs}: at least 1000 is needed`)
  const startedAt = clock.now()
  const length = Math.ceil(windowMs / 1000)
  const ring: Second[] = []
  const failures: Failure[] = []

  function current(at: number): Second {
    const second = Math.floor(at / 1000)
    const last = ring.at(-1)
    if (last !== undefined && last.second >= second) return last
    const fresh = { second, requests: 0, failed: 0, refused: 0, records: 0, latency: new LatencyHistogram() }
    ring.push(fresh)
    if (ring.length > length) ring.shift()
    return fresh
  }
  function fail(at: number, url: string, reason: string): void {
    failures.push({ at, url, reason })
    if (failures.length > recentFailures) failures.shift()
  }
  function onEvent(event: SluiceEvent): void {
    if (event.type === 'page.read') {
      current(event.at).records += event.records
    } else if (event.type === 'request.end') {
      const second = current(event.at)
      second.requests++
      second.latency.add(event.elapsedMs)
      if (event.refused) second.refused++
      else if (event.status >= 400) second.failed++
      if (event.status >= 400 || event.refused) fail(event.at, event.url, String(event.status))
    } else if (event.type === 'request.fail') {
      const second = current(event.at)
      second.requests++
      // Cut off because the run, or its stream, stops: that is nobody's failure.
      if (event.refused) second.refused++
      if (event.refused || event.stopped || event.code === 'INTERRUPTED') return
      second.failed++
      fail(event.at, event.url, event.code)
    }
  }

  return {
    onEvent,
    snapshot() {
      const now = clock.now()
      const oldest = Math.floor(now / 1000) - length
      const seconds = ring.filter(({ second }) => second > oldest)
      const sum = (pick: (second: Second) => number) =>
        seconds.reduce((total, second) => total + pick(second), 0)
      const latency = LatencyHistogram.merge(seconds.map((second) => second.latency))
      const requests = sum(({ requests }) => requests)
      const elapsed = Math.max(1, Math.min(windowMs, now - startedAt) / 1000)
      return {
        requests,
        errorRate: requests === 0 ? 0 : sum(({ failed }) => failed) / requests,
        refused: sum(({ refused }) => refused),
        requestsPerSecond: requests / elapsed,
        recordsPerSecond: sum(({ records }) => records) / elapsed,
        latencyMs: {
          p50: latency.percentile(0.5),
          p95: latency.percentile(0.95),
          p99: latency.percentile(0.99),
        },
        failures: [...failures],
      }
    },
  }
}
