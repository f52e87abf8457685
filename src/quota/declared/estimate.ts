// How long so many requests take within declared limits, and which of them binds.
import type { QuotaEntry } from './entry.ts'
import { amountOf, nameOf } from './entry-meters.ts'
import { available } from './entry-rules.ts'

export interface ExpectedRequests {
  readonly requests: number
  /** Median time of an answer in milliseconds, where it is known. */
  readonly latencyMs: number | null
}

export interface Estimate {
  /** The least time that the requests take, in milliseconds. */
  readonly leastMs: number
  /** The limit that takes longest; absent where none makes them wait. */
  readonly bound?: string
}

/**
 * The least time that requests take within all of `limits`, when nobody else uses them and they are full at the beginning. Not counted
 * are limits whose cost only replies tell, and those for a class or a tenant, since nobody knows here which requests they are for.
 */
export function leastTime(expected: ExpectedRequests, limits: readonly QuotaEntry[]): Estimate {
  let leastMs = 0
  let bound: string | undefined
  for (const entry of limits) {
    const ms = timeWithin(expected, entry)
    if (ms <= leastMs) continue
    leastMs = ms
    bound = nameOf(entry)
  }
  return { leastMs, ...(bound !== undefined && { bound }) }
}

function timeWithin({ requests, latencyMs }: ExpectedRequests, entry: QuotaEntry): number {
  if (entry.for !== undefined || entry.each !== undefined || requests === 0) return 0
  if ('concurrent' in entry)
    return latencyMs === null ? 0 : (requests / available(entry.concurrent, entry.reserve)) * latencyMs
  const cost = costOf(entry)
  if (cost === undefined) return 0
  const limit = available(amountOf(entry), entry.reserve)
  const needed = requests * cost
  if (entry.window === 'leaky') {
    const burst = available(entry.burst ?? amountOf(entry), entry.reserve)
    return (Math.max(0, needed - burst) / (amountOf(entry) * (1 - (entry.reserve ?? 0)))) * entry.per
  }
  return Math.max(0, Math.ceil(needed / limit) - 1) * entry.per
}

/** What each request takes; `undefined` where only replies tell. */
function costOf(entry: Exclude<QuotaEntry, { readonly concurrent: number }>): number | undefined {
  if ('requests' in entry) return 1
  if ('bytes' in entry) return undefined
  return typeof entry.cost === 'number' ? entry.cost : entry.cost.estimate
}
