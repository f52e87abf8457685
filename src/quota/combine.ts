import type { HttpHeaders } from '../ports/runtime.ts'
import type { OnQuotaWait, Permit, Quota } from './quota.ts'

/**
 * Several quotas as one: that of an account and that of an endpoint (Q3: each may be part of any number of combinations).
 *
 * They are acquired one after another, the one that was created last first: create the account's quota before its endpoints'.
 * A request then waits for its endpoint before it takes anything of the account's, so no other endpoint starves; and as everybody
 * keeps to one order, no two requests wait for each other. A wait that is aborted gives back what it had. `onWait` is told of the
 * wait for each of them, one after another.
 */
export function combineQuotas(quotas: readonly Quota[]): Quota {
  if (quotas.length === 1) return quotas[0]!
  const ordered = [...new Set(quotas)].sort((a, b) => rankOf(b) - rankOf(a))
  return {
    name: quotas.map((quota) => quota.name).join(' and '),
    async acquire(cost?: number, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit> {
      const permits: Permit[] = []
      try {
        for (const quota of ordered) permits.push(await quota.acquire(cost, signal, onWait))
      } catch (error) {
        for (const permit of permits) cancel(permit)
        throw error
      }
      return {
        answered() {
          for (const permit of permits) permit.answered?.()
        },
        release() {
          for (const permit of permits) permit.release()
        },
        cancel() {
          for (const permit of permits) cancel(permit)
        },
      }
    },
    observe(status: number, headers: HttpHeaders): void {
      for (const quota of quotas) quota.observe(status, headers)
    },
  }
}

/** Quotas of other makes come last, in the order in which they are listed. */
function rankOf(quota: Quota): number {
  return 'rank' in quota && typeof quota.rank === 'number' ? quota.rank : -1
}

function cancel(permit: Permit): void {
  if (permit.cancel) permit.cancel()
  else permit.release()
}
