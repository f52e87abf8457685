import { acquireTogether } from './line.ts'
import type { Take } from './permit.ts'
import type { QuotaQueue } from './queue.ts'
import type { OnQuotaWait, Permit, Quota, QuotaAsk } from './quota.ts'

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

/** A quota that is waited for in the lines of `line.ts`. */
export interface QueuedQuota extends Quota {
  /** What a request takes of it, the widest first. Which queues those are may depend on the request, and change. */
  takesOf(ask: QuotaAsk): readonly Take[]
}

/** Queued quotas as one that is queued, too: the widest first. */
export function combineQueued(name: string, quotas: readonly QueuedQuota[]): QueuedQuota {
  return {
    name,
    takesOf: (ask) => quotas.flatMap((quota) => quota.takesOf(ask)),
    acquire(ask = {}) {
      return acquireTogether(this.takesOf(ask).toReversed(), ask)
    },
  }
}

class CombinedQuota implements QueuedQuota {
  readonly name: string
  readonly #all: readonly Quota[]
  readonly #queued: readonly QueuedQuota[]
  readonly #others: readonly Quota[]

  constructor(quotas: readonly Quota[]) {
    const parts = quotas.flatMap((quota) => (quota instanceof CombinedQuota ? quota.#all : [quota]))
    this.name = quotas.map((quota) => quota.name).join(' and ')
    this.#all = [...new Set(parts)]
    this.#queued = this.#all.filter(isQueued)
    this.#others = this.#all.filter((quota) => !isQueued(quota))
  }

  takesOf(ask: QuotaAsk): readonly Take[] {
    const takes: Take[] = []
    for (const quota of this.#queued) {
      for (const take of quota.takesOf(ask)) {
        if (!takesFrom(takes, take.queue)) takes.push(take)
      }
    }
    return takes
  }

  async acquire(ask: QuotaAsk = {}): Promise<Permit> {
    if (this.#others.length === 0) return acquireTogether(this.takesOf(ask).toReversed(), ask)
    const permits: Permit[] = []
    try {
      for (const other of this.#others) {
        const onWait: OnQuotaWait | undefined =
          ask.onWait && ((ms, name, limit) => ask.onWait!(ms, name ?? other.name, limit))
        permits.push(await other.acquire({ ...ask, onWait }))
      }
      permits.push(await acquireTogether(this.takesOf(ask).toReversed(), ask))
    } catch (error) {
      for (const permit of permits) cancel(permit)
      throw error
    }
    return {
      answered(reply) {
        for (const permit of permits) permit.answered?.(reply)
      },
      charge(charge) {
        for (const permit of permits) permit.charge?.(charge)
      },
      refused(refusal) {
        for (const permit of permits) permit.refused?.(refusal)
      },
      uses: () => permits.flatMap((permit) => permit.uses?.() ?? []),
      release() {
        for (const permit of permits) permit.release()
      },
      cancel() {
        for (const permit of permits) cancel(permit)
      },
    }
  }
}

function takesFrom(takes: readonly Take[], queue: QuotaQueue): boolean {
  for (const take of takes) if (take.queue === queue) return true
  return false
}

/** False for a quota of another make, which may wait without a word. */
export function isQueued(quota: Quota): quota is QueuedQuota {
  return 'takesOf' in quota
}

function cancel(permit: Permit): void {
  if (permit.cancel) permit.cancel()
  else permit.release()
}
