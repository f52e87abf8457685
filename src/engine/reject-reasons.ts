import type { Reject } from '../ports/destination.ts'

/** Most reasons that are told of one load's rejects. */
const SHOWN_REASONS = 3

/** Why records were rejected, where any was: the one reason, or the most frequent ones, each with how many records it is of. */
export function rejectReasons(rejects: readonly Reject[]): string {
  const counts = new Map<string, number>()
  for (const { reason } of rejects) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const [only] = counts.keys()
  if (only !== undefined && counts.size === 1) return only
  const byCount = [...counts].sort(([, a], [, b]) => b - a)
  const told = byCount.slice(0, SHOWN_REASONS).map(([reason, count]) => `${reason} (${count})`)
  const others = byCount.slice(SHOWN_REASONS)
  if (others.length === 0) return told.join('; ')
  const records = others.reduce((sum, [, count]) => sum + count, 0)
  return `${told.join('; ')}; ${others.length} other ${others.length === 1 ? 'reason' : 'reasons'} (${records})`
}
