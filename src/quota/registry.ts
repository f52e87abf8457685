import type { z } from 'zod'
import type { Clock, HttpHeaders } from '../ports/runtime.ts'
import { acquireTogether } from './line.ts'
import { createQuota, type quotaOptions } from './options.ts'
import type { QuotaQueue } from './queue.ts'
import type { OnQuotaWait, Permit, Quota } from './quota.ts'

/** What somebody says of a limit. */
export type QuotaDeclaration = z.output<typeof quotaOptions>

/**
 * The quotas that are shared (Q3): one for each credential at each API, and one for each endpoint. Give the same registry to all that
 * ask the same APIs from one process: pipelines, sources and clients.
 */
export interface QuotaRegistry {
  /**
   * The quota known by `key`, in which `declared` holds from now on, beside what others have declared of it: all of it holds for all of
   * them. What is declared twice in the same words is counted once. `undefined` declares nothing, and keeps to what others do.
   */
  share(key: string, declared: QuotaDeclaration | undefined, clock: Clock): Quota
}

export function createQuotaRegistry(): QuotaRegistry {
  const known = new Map<string, SharedQuota>()
  return {
    share(key, declared, clock) {
      let quota = known.get(key)
      if (quota === undefined) {
        quota = new SharedQuota()
        known.set(key, quota)
      }
      if (declared !== undefined) quota.declare(declared, clock)
      return quota
    },
  }
}

/** A quota whose limits are declared by several, each for all of them. Before the first declaration it holds nothing back. */
export class SharedQuota implements Quota {
  #queues: readonly QuotaQueue[] = []
  readonly #declared = new Map<string, QuotaQueue>()

  get name(): string {
    return this.#queues.map((queue) => queue.name).join(' and ')
  }
  /** Another array after each declaration that adds to it. */
  get queues(): readonly QuotaQueue[] {
    return this.#queues
  }

  declare(declared: QuotaDeclaration, clock: Clock): void {
    const words = JSON.stringify([declared.quotas, declared.rateLimitHeaders])
    if (this.#declared.has(words)) return
    const queue = createQuota(declared, clock)
    this.#declared.set(words, queue)
    this.#queues = [...this.#queues, queue]
  }

  acquire(cost?: number, signal?: AbortSignal, onWait?: OnQuotaWait): Promise<Permit> {
    return acquireTogether(this.#queues.toReversed(), cost, signal, onWait)
  }
  observe(status: number, headers: HttpHeaders): void {
    for (const queue of this.#queues) queue.observe(status, headers)
  }
}
