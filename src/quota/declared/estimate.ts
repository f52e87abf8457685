// How long so many requests take within declared limits, and which of them binds.
import type { QuotaEntry, WindowEntry } from './entry.ts'
import { amountOf, nameOf } from './entry-meters.ts'
import { available } from './entry-rules.ts'

export interface ExpectedRequests {
  readonly requests: number
  /** Median time of an answer in milliseconds, where it is known. */
  readonly latencyMs: number | null
  /** Credentials that ask in turn, each with the limits for itself. Default: 1. */
  readonly credentials?: number
  /** What a limit came to in the last run, by its name; `undefined` where that is not known. */
  readonly lastUse?: (limit: string) => LastUse | undefined
}

export interface LastUse {
  /** In the limit's unit. */
  readonly used: number
  /** Of those that took from it. */
  readonly requests: number
  /** Tenants or resources that they were for. */
  readonly parts: number
}

export interface Estimate {
  /** The least time that the requests take, in milliseconds. */
  readonly leastMs: number
  /** The limit that takes longest; absent where none makes them wait. */
  readonly bound?: string
  /** It goes by what requests are said to cost, and they may cost less. */
  readonly isGuess?: true
  /** Limits that may bind, too, and of which nothing can be said before. */
  readonly unknown: readonly string[]
}

interface Time {
  readonly ms: number
  readonly isGuess?: true
}

/**
 * The least time that requests take within all of `limits`, when nobody else uses them and they are full at the beginning. What only
 * replies tell, and which requests are of a class or for a tenant, is taken to be as in the last run.
 */
export function leastTime(expected: ExpectedRequests, limits: readonly QuotaEntry[]): Estimate {
  let longest: Time = { ms: 0 }
  let bound: string | undefined
  const unknown: string[] = []
  for (const entry of limits) {
    const time = expected.requests === 0 ? { ms: 0 } : timeWithin(expected, entry)
    if (time === undefined) unknown.push(nameOf(entry))
    else if (time.ms > longest.ms) {
      longest = time
      bound = nameOf(entry)
    }
  }
  return {
    leastMs: longest.ms,
    ...(bound !== undefined && { bound }),
    ...(longest.isGuess && { isGuess: true as const }),
    unknown,
  }
}

function timeWithin(expected: ExpectedRequests, entry: QuotaEntry): Time | undefined {
  const { latencyMs, credentials = 1 } = expected
  const last = expected.lastUse?.(nameOf(entry))
  if ('concurrent' in entry) {
    const requests = requestsWithin(expected, entry, last)
    if (requests === undefined || latencyMs === null) return undefined
    return { ms: (requests / credentials / available(entry.concurrent, entry.reserve)) * latencyMs }
  }
  const needed = neededOf(expected, entry, last)
  if (needed === undefined) return undefined
  return { ...needed, ms: drainMs(needed.amount / credentials, entry) }
}

/** The requests that count against one part of a limit: of several, at least the mean. */
function requestsWithin({ requests }: ExpectedRequests, entry: QuotaEntry, last: LastUse | undefined) {
  if (entry.for === undefined && entry.each === undefined) return requests
  return last && last.requests / partsOf(entry, last)
}

function partsOf({ each }: QuotaEntry, { parts }: LastUse): number {
  return each === undefined ? 1 : Math.max(1, parts)
}

/** What one part of a limit has to give, in its unit; `undefined` where nobody knows. */
function neededOf(
  expected: ExpectedRequests,
  entry: WindowEntry,
  last: LastUse | undefined,
): { readonly amount: number; readonly isGuess?: true } | undefined {
  const requests = requestsWithin(expected, entry, last)
  if (requests === undefined) return undefined
  if ('requests' in entry) return { amount: requests }
  if ('points' in entry && typeof entry.cost === 'number') return { amount: requests * entry.cost }
  if (last !== undefined && last.requests > 0) return { amount: requests * (last.used / last.requests) }
  return 'points' in entry && typeof entry.cost === 'object'
    ? { amount: requests * entry.cost.estimate, isGuess: true }
    : undefined
}

function drainMs(needed: number, entry: WindowEntry): number {
  const { per, window, burst, reserve } = entry
  const amount = amountOf(entry)
  if (window === 'leaky') {
    const atOnce = available(burst ?? amount, reserve)
    return (Math.max(0, needed - atOnce) / (amount * (1 - (reserve ?? 0)))) * per
  }
  // Windows of the clock: the first and the last may be all but over when they are asked.
  const waits = Math.ceil(needed / available(amount, reserve)) - 1
  return Math.max(0, window === 'fixed' ? waits - 1 : waits) * per
}
