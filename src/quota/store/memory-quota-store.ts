import type { Clock } from '../../ports/runtime.ts'
import { steadyTime } from '../../ports/steady-time.ts'
import { countedMs, type LeaseAsk, type QuotaLease, type QuotaStore } from './quota-store.ts'

interface Entry {
  amount: number
  /** When it no longer counts. */
  endsAt: number
  readonly countedMs: number
}

interface Limit {
  readonly entries: Map<string, Entry>
  pausedUntil: number
}

/** A store within one process: for tests, and as the plainest statement of what a store does. */
export function memoryQuotaStore(clock: Clock): QuotaStore {
  const now = steadyTime(clock)
  const limits = new Map<string, Limit>()
  let leases = 0

  function limitOf(key: string): Limit {
    let limit = limits.get(key)
    if (limit === undefined) {
      limit = { entries: new Map(), pausedUntil: Number.NEGATIVE_INFINITY }
      limits.set(key, limit)
    }
    return limit
  }

  return {
    async lease({ key, requests, perMs, wanted, holdMs }: LeaseAsk): Promise<QuotaLease> {
      const { entries, pausedUntil } = limitOf(key)
      const at = now()
      let counted = 0
      let firstEnd = Number.POSITIVE_INFINITY
      for (const [id, entry] of entries) {
        if (entry.endsAt <= at) entries.delete(id)
        else {
          counted += entry.amount
          firstEnd = Math.min(firstEnd, entry.endsAt)
        }
      }
      if (pausedUntil > at) return { id: '', granted: 0, retryInMs: pausedUntil - at }
      const granted = Math.min(wanted, requests - counted)
      if (granted <= 0) return { id: '', granted: 0, retryInMs: firstEnd - at }
      const id = String(leases++)
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
    async [Symbol.asyncDispose]() {},
  }
}
