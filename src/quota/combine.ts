import type { HttpHeaders } from '../ports/runtime.ts'
import { acquireTogether } from './line.ts'
import { QuotaQueue } from './queue.ts'
import type { OnQuotaWait, Permit, Quota } from './quota.ts'
import { SharedQuota } from './registry.ts'

/**
 * Several quotas as one: that of an account and that of an endpoint, say. Each may be part of any number of combinations.
 *
 * List the widest first. All are taken at one moment, when all of them allow it; meanwhile a request that waits for its endpoint's
 * quota, which comes later in the list, lets others pass in its account's (`line.ts` states the rule). Nobody starves and
 * no two requests wait for each other, in whatever order they are listed.
 *
 * A quota of another make can't be taken together with others: it is acquired before them, one after another, so that its permit
 * may be some time old when the request is sent.
 */
export function combineQuotas(quotas: readonly Quota[]): Quota {
  return quotas.length === 1 ? quotas[0]! : new CombinedQuota([...new Set(quotas)])
}

/** A quota that is waited for in the lines of `line.ts`: what it holds may change, and is then another array. */
interface OfQueues extends Quota {
  readonly queues: readonly QuotaQueue[]
}

class CombinedQuota implements Quota {
  readonly name: string
  readonly #all: readonly Quota[]
  readonly #ours: readonly OfQueues[]
  readonly #others: readonly Quota[]
  #known: (readonly QuotaQueue[])[] = []
  #queues: readonly QuotaQueue[] = []

  constructor(quotas: readonly Quota[]) {
    const parts = quotas.flatMap((quota) => (quota instanceof CombinedQuota ? quota.#all : [quota]))
    this.name = quotas.map((quota) => quota.name).join(' and ')
    this.#all = [...new Set(parts)]
    this.#ours = this.#all.filter(isOfQueues)
    this.#others = this.#all.filter((quota) => !isOfQueues(quota))
  }

  async acquire(cost?: number, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit> {
    if (this.#others.length === 0) return acquireTogether(this.#narrowestFirst(), cost, signal, onWait)
    const permits: Permit[] = []
    try {
      for (const other of this.#others) {
        const told = onWait && ((ms: number, name?: string) => onWait(ms, name ?? other.name))
        permits.push(await other.acquire(cost, signal, told))
      }
      permits.push(await acquireTogether(this.#narrowestFirst(), cost, signal, onWait))
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
  }

  observe(status: number, headers: HttpHeaders): void {
    for (const quota of this.#all) quota.observe(status, headers)
  }

  #narrowestFirst(): readonly QuotaQueue[] {
    if (this.#ours.some((quota, index) => quota.queues !== this.#known[index])) {
      this.#known = this.#ours.map((quota) => quota.queues)
      this.#queues = [...new Set(this.#known.flat())].reverse()
    }
    return this.#queues
  }
}

function isOfQueues(quota: Quota): quota is OfQueues {
  return quota instanceof QuotaQueue || quota instanceof SharedQuota
}

function cancel(permit: Permit): void {
  if (permit.cancel) permit.cancel()
  else permit.release()
}
