import type { Clock } from '../../ports/runtime.ts'
import { steadyTime } from '../../ports/steady-time.ts'
import { grantedPlaces, type PlaceHolder, patienceMs } from './place-share.ts'
import {
  countedMs,
  type HeldPlaces,
  type LeaseAsk,
  type PlacesAsk,
  type QuotaLease,
  type QuotaStore,
} from './quota-store.ts'

interface Entry {
  amount: number
  /** When it no longer counts. */
  endsAt: number
  readonly countedMs: number
}

interface Limit {
  readonly entries: Map<string, Entry>
  readonly holders: Map<string, PlaceHolder & { readonly endsAt: number }>
  pausedUntil: number
}

/** A store within one process: for tests, and as the plainest statement of what a store does. */
export function memoryQuotaStore(clock: Clock): QuotaStore {
  const now = steadyTime(clock)
  const limits = new Map<string, Limit>()
  let ids = 0

  function limitOf(key: string): Limit {
    let limit = limits.get(key)
    if (limit === undefined) {
      limit = { entries: new Map(), holders: new Map(), pausedUntil: Number.NEGATIVE_INFINITY }
      limits.set(key, limit)
    }
    return limit
  }

  return {
    async lease({ key, limit, perMs, wanted, least, holdMs }: LeaseAsk): Promise<QuotaLease> {
      const { entries, pausedUntil } = limitOf(key)
      const at = now()
      forgetEnded(entries, at)
      if (pausedUntil > at) return { id: '', granted: 0, retryInMs: pausedUntil - at }
      let counted = 0
      let firstEnd = Number.POSITIVE_INFINITY
      for (const { amount, endsAt } of entries.values()) {
        counted += amount
        firstEnd = Math.min(firstEnd, endsAt)
      }
      const granted = Math.min(wanted, limit - counted)
      if (granted <= 0 || granted < least) return { id: '', granted: 0, retryInMs: firstEnd - at }
      const id = String(ids++)
      const length = countedMs(perMs)
      entries.set(id, { amount: granted, endsAt: at + holdMs + length, countedMs: length })
      return { id, granted, retryInMs: 0 }
    },
    async settle(key, leaseId, used) {
      const { entries } = limitOf(key)
      const entry = entries.get(leaseId)
      if (entry === undefined) return
      if (used === 0) entries.delete(leaseId)
      entry.amount = used
      entry.endsAt = now() + entry.countedMs
    },
    async pause(key, pauseMs) {
      const limit = limitOf(key)
      limit.pausedUntil = Math.max(limit.pausedUntil, now() + pauseMs)
    },
    async hold({
      key,
      id = String(ids++),
      concurrent,
      held,
      wanted,
      holdMs,
    }: PlacesAsk): Promise<HeldPlaces> {
      const { holders } = limitOf(key)
      const at = now()
      forgetEnded(holders, at)
      const own = holders.get(id)
      holders.delete(id)
      const { granted, ...known } = grantedPlaces(
        { concurrent, held, wanted },
        own,
        [...holders.values()],
        at,
      )
      const endsAt = at + (known.amount === 0 ? Math.min(patienceMs, holdMs) : holdMs)
      if (known.amount > 0 || wanted > 0) holders.set(id, { ...known, endsAt })
      return { id, granted }
    },
    async [Symbol.asyncDispose]() {},
  }
}

function forgetEnded(kept: Map<string, { readonly endsAt: number }>, at: number): void {
  for (const [id, { endsAt }] of kept) if (endsAt <= at) kept.delete(id)
}
