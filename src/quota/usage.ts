// What becomes of the limits, told request by request: whoever sums it up knows what one run took of each.
import type { QuotaSize } from '../ports/events.ts'
import { timeGrid } from './meters/time-grid.ts'
import type { QuotaRefusal } from './quota.ts'

export type { QuotaSize } from '../ports/events.ts'

/** One limit. Where it holds for each tenant or resource apart, their queues are parts of it. */
export interface QuotaLimit {
  /** Tells limits of one process apart, those of the same words, too. */
  readonly id: number
  /** As in `700 requests per 1m`. */
  readonly name: string
  /** Who says it: the config, the API, or nobody, so that it had to be found. `places` are a client's own: requests under way at once. */
  readonly kind: QuotaKind
}
export type QuotaKind = 'declared' | 'reported' | 'found' | 'places'

let limits = 0

export function quotaLimit(name: string, kind: QuotaKind = 'declared'): QuotaLimit {
  return { id: limits++, name, kind }
}

/** What one request took of one limit. */
export interface QuotaUse {
  readonly limit: QuotaLimit
  /** Counts the requests of all quotas: what one request took of several limits has one number. */
  readonly order: number
  /** Tells the parts of a limit apart. */
  readonly part: number
  /** In the limit's unit; where only the reply tells the cost, what it told. */
  readonly used: number
  /** When it was taken, in milliseconds since 1970. */
  readonly sentAt: number
  /** `undefined` where it is not known: of what an API is found to allow, of requests in flight, and where an API tells no window. */
  readonly size: QuotaSize | undefined
  /** The request's reply said that nothing is left of it. */
  readonly spent?: boolean
}

/** What a limit allows from one moment to another, both in milliseconds since 1970. It is full at the first. */
export function grantedIn({ amount, perMs, burst, timeZone }: QuotaSize, from: number, to: number): number {
  if (burst !== undefined) return burst + (amount * (to - from)) / perMs
  return (
    amount *
    (timeZone === undefined ? 1 + Math.floor((to - from) / perMs) : windows(perMs, timeZone, from, to))
  )
}

/**
 * How long after the first request the one may go, at the earliest, before which others take `amountBefore`.
 * @param isSpent whether the first one had to wait, so that nothing is left over
 */
export function leastMsBehind(
  amountBefore: number,
  { amount, perMs, burst, timeZone }: QuotaSize,
  isSpent: boolean,
): number {
  if (burst !== undefined) return (Math.max(0, amountBefore - (isSpent ? 0 : burst)) * perMs) / amount
  const windows = Math.floor(amountBefore / amount)
  // The first window may be about to end.
  return Math.max(0, timeZone === undefined ? windows : windows - 1) * perMs
}

/** The windows of a clock that two moments and all between them lie in. */
function windows(perMs: number, timeZone: string, from: number, to: number): number {
  if (timeZone === 'UTC') return Math.floor(to / perMs) - Math.floor(from / perMs) + 1
  const windowAt = timeGrid(perMs, timeZone)
  let count = 1
  for (let { end } = windowAt(from); end <= to; { end } = windowAt(end)) count++
  return count
}

/**
 * The limit that explains a refusal: one of which the reply says that nothing is left; of requests in flight, where there were too many at
 * once; else the one that has to be found. Where there is none of these, the widest.
 */
export function explaining(
  uses: readonly QuotaUse[],
  { kind }: Pick<QuotaRefusal, 'kind'>,
): QuotaUse | undefined {
  const declaredInFlight = ({ limit, size }: QuotaUse) => limit.kind === 'declared' && size === undefined
  return (
    uses.find(({ spent }) => spent === true) ??
    (kind === 'concurrency' ? uses.find(declaredInFlight) : undefined) ??
    uses.find(({ limit }) => limit.kind === 'found') ??
    uses.at(-1)
  )
}
