import type { Pipeline } from '../config/pipeline.ts'
import type { PlannedStream } from '../engine/plan.ts'
import { formatCounted, formatSeconds } from '../observe/format.ts'
import { type Estimate, leastTime } from '../quota/declared/estimate.ts'

/** How long a source's streams take at its quotas where they ask as often as in the last run; nothing of a source that was never read. */
export function formatPlanTime(pipeline: Pipeline, planned: readonly PlannedStream[]): string[] {
  return Object.entries(pipeline.sources).flatMap(([name, source]) => {
    const read = planned.flatMap(({ stream, lastRun }) => {
      const [of, own = ''] = stream.split('.')
      return of === name && lastRun !== null ? [{ lastRun, quotas: source.streams[own]?.quotas ?? [] }] : []
    })
    if (read.length === 0) return []
    const requests = read.reduce((sum, { lastRun }) => sum + lastRun.requests, 0)
    const latencies = read.flatMap(({ lastRun }) => lastRun.latencyMs ?? [])
    const latencyMs = latencies.length === 0 ? null : Math.max(...latencies)
    const longest = [
      leastTime({ requests, latencyMs }, source.quotas),
      ...read.map(({ lastRun, quotas }) => leastTime(lastRun, quotas)),
    ].reduce((a, b) => (b.leastMs > a.leastMs ? b : a))
    return [`${name}: ${formatCounted(requests, 'request')}, if as many as in the last run${timeOf(longest)}`]
  })
}

function timeOf({ leastMs, bound }: Estimate): string {
  return bound === undefined
    ? ''
    : `, take ${formatSeconds(leastMs / 1000)} or more, because of its quota: ${bound}`
}
