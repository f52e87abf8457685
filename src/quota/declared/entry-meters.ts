// From the declaration of a limit to its arithmetic and its name.
import { formatDuration } from '../../options/duration.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { UseKeeper } from '../memory/use-keeper.ts'
import { Concurrency } from '../meters/concurrency.ts'
import { FixedWindow, type ServerTime } from '../meters/fixed-window.ts'
import { LeakyBucket } from '../meters/leaky-bucket.ts'
import type { Meter } from '../meters/meter.ts'
import { Pace } from '../meters/pace.ts'
import { RequestWindow } from '../meters/request-window.ts'
import type { RoundTrip } from '../meters/round-trip.ts'
import { LeasedPlaces } from '../store/leased-places.ts'
import { LeasedWindow } from '../store/leased-window.ts'
import type { QuotaStore } from '../store/quota-store.ts'
import type { QuotaSize } from '../usage.ts'
import type { QuotaEntry, WindowEntry } from './entry.ts'
import { available } from './entry-rules.ts'

/** Where other processes take of the same limits. */
export interface SharedMeters {
  readonly store: QuotaStore
  readonly key: string
  /** Who holds leases of it: they are given back before the process ends. */
  readonly holders: Set<LeasedWindow>
}

export interface MeterContext {
  readonly clock: Clock
  /** Spread evenly over the window, or as soon as possible. */
  readonly spread: boolean
  /** What is known of the server's round trips by all that ask it. */
  readonly roundTrip: RoundTrip
  readonly serverTime?: (() => ServerTime | undefined) | undefined
  /** Where other processes take of the same limits. */
  readonly shared?: SharedMeters | undefined
  /** Where it is kept for the next process what this one spends. */
  readonly keeper?: UseKeeper | undefined
  /** The tenant or resource. Default: all. */
  readonly part?: string | undefined
}

/** What a window shorter than this has counted is over before another process asks. */
const leastKeptMs = 10_000

export function metersOf(entry: QuotaEntry, context: MeterContext): readonly Meter[] {
  const { shared, clock } = context
  if ('concurrent' in entry) {
    const concurrent = available(entry.concurrent, entry.reserve)
    if (shared === undefined) return [new Concurrency(concurrent)]
    const name = nameOf(entry)
    return [new LeasedPlaces({ concurrent, store: shared.store, key: `${shared.key} ${name}`, name, clock })]
  }
  const { per: perMs, window, burst, reserve } = entry
  const limit = available(amountOf(entry), reserve)
  const meter = kept(entry, windowMeter(entry, limit, context), context)
  const atOnce = window === 'leaky' || burst === undefined ? undefined : available(burst, reserve)
  if (context.spread) return [new Pace({ limit, perMs }), meter]
  return atOnce === undefined ? [meter] : [new Pace({ limit, perMs, burst: atOnce }), meter]
}

function windowMeter(entry: WindowEntry, limit: number, context: MeterContext): Meter {
  const { per: perMs, window, burst, reserve, timeZone } = entry
  const { roundTrip, clock, serverTime, shared } = context
  if (shared !== undefined) {
    const name = nameOf(entry)
    return new LeasedWindow({
      ...sharedWindow(entry, limit),
      store: shared.store,
      key: `${shared.key} ${name}`,
      name,
      clock,
      holders: shared.holders,
    })
  }
  // An even pace is as fast in a window that slides, which has no boundary to keep away from.
  if (window === 'fixed' && !context.spread)
    return new FixedWindow({ limit, perMs, timeZone, wallNow: () => clock.now(), serverTime })
  if (window !== 'leaky') return new RequestWindow({ requests: limit, perMs }, roundTrip)
  const amount = amountOf(entry)
  return new LeakyBucket(
    // What flows out steadily need not be whole.
    { burst: available(burst ?? amount, reserve), limit: amount * (1 - (reserve ?? 0)), perMs },
    roundTrip,
  )
}

function kept(entry: WindowEntry, meter: Meter, { keeper, part = '' }: MeterContext): Meter {
  const { per, window, burst, for: requests, each } = entry
  // A day may have 25 hours; a bucket is empty once all that it holds has drained.
  const longestMs = window === 'leaky' ? ((burst ?? amountOf(entry)) / amountOf(entry)) * per : per * 1.1
  if (keeper === undefined || meter.save === undefined || longestMs < leastKeptMs) return meter
  // Not the amount: what was spent is spent, whatever somebody says is allowed.
  const words = JSON.stringify([unitOf(entry), per, window === 'leaky', requests, each])
  return keeper
    .limit(words, { amount: meter.maxCost, heldMs: longestMs, parted: each !== undefined })
    .keep(meter, part)
}

/**
 * What processes share is a window, whatever its kind. A bucket that drains at r is never overfull where it gets what it holds, B, in any
 * window of B / r: in a time t that is B * (1 + floor(t * r / B)) at most, and what the bucket takes is B + r * t.
 */
function sharedWindow(entry: WindowEntry, limit: number): { readonly limit: number; readonly perMs: number } {
  const { per, window, burst, reserve } = entry
  if (window !== 'leaky') return { limit, perMs: per }
  const amount = amountOf(entry)
  const holds = available(burst ?? amount, reserve)
  return { limit: holds, perMs: (holds * per) / (amount * (1 - (reserve ?? 0))) }
}

/** For what a limit came to; of requests in flight there is no such size. */
export function sizeOf(
  entry: QuotaEntry,
  { shared }: Pick<MeterContext, 'shared'> = {},
): QuotaSize | undefined {
  if ('concurrent' in entry) return undefined
  const { per: perMs, window, burst, reserve, timeZone = 'UTC' } = entry
  const amount = available(amountOf(entry), reserve)
  return {
    amount,
    perMs,
    burst: window === 'leaky' ? available(burst ?? amountOf(entry), reserve) : undefined,
    timeZone: window === 'fixed' ? timeZone : undefined,
    ...(shared !== undefined && { shared: true as const }),
  }
}

export function amountOf(entry: WindowEntry): number {
  if ('requests' in entry) return entry.requests
  return 'points' in entry ? entry.points : entry.bytes
}

export type QuotaUnit = 'requests' | 'points' | 'bytes' | 'concurrent'

export function unitOf(entry: QuotaEntry): QuotaUnit {
  if ('concurrent' in entry) return 'concurrent'
  if ('requests' in entry) return 'requests'
  return 'points' in entry ? 'points' : 'bytes'
}

/** As it is written: `30 requests per 1m for GET search/*, 10% of it reserved`. */
export function nameOf(entry: QuotaEntry): string {
  const what =
    'concurrent' in entry
      ? `${entry.concurrent} requests in flight`
      : `${amountOf(entry)} ${unitOf(entry)} per ${formatDuration(entry.per)}`
  const { for: requests, each, reserve } = entry
  const words = [what]
  if (requests !== undefined) {
    const { methods = [], path = [], header = {} } = requests
    const headers = Object.entries(header).map(([name, value]) => `${name}: ${value}`)
    const paths = path.map(withoutOrigin).join(' and ')
    words.push(`for ${[methods.join(' and '), paths, ...headers].filter(Boolean).join(' ')}`)
  }
  if (each !== undefined)
    words.push(`for each ${typeof each === 'string' ? each : withoutOrigin(Object.values(each).join(''))}`)
  if (reserve) words.push(`less ${Math.round(reserve * 1000) / 10}%`)
  return words.join(' ')
}

function withoutOrigin(pattern: string): string {
  return pattern.replace(/^https?:\/\/[^/]+/, '')
}
