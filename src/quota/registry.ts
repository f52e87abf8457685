import { createHash } from 'node:crypto'
import type { Clock } from '../ports/runtime.ts'
import { type AdaptiveQuotaOptions, adaptiveQuota } from './adaptive/adaptive-quota.ts'
import type { QueuedQuota } from './combine.ts'
import type { MeterContext } from './declared/entry-meters.ts'
import { acquireTogether } from './line.ts'
import type { QuotaMemory } from './memory/quota-memory.ts'
import { UseKeeper } from './memory/use-keeper.ts'
import { createQuota, type QuotaDeclaration, type ReportingQuota } from './options.ts'
import type { Take } from './permit.ts'
import type { Permit, Quota, QuotaAsk } from './quota.ts'
import { type BudgetState, ReportedQuotas } from './reported/reported-quotas.ts'
import type { QuotaStore } from './store/quota-store.ts'

export type { QuotaDeclaration } from './options.ts'

/**
 * The quotas that are shared (Q3): one for each credential at each API, and one for each endpoint. Give the same registry to all that
 * ask the same APIs from one process: pipelines, sources and clients.
 */
export interface QuotaRegistry {
  /**
   * The quota known by `key`, in which `declared` holds from now on, beside what others have declared of it: all of it holds for all of
   * them. What is declared twice in the same words is counted once. `undefined` declares nothing, and keeps to what others do.
   * @param memory keeps for the next process what is spent of it: that of the first who declares something. Default: nothing is kept
   */
  share(
    key: string,
    declared: QuotaDeclaration | undefined,
    clock: Clock,
    memory?: QuotaMemory,
  ): ReportingQuota
  /** The quota that the API known by `key` doesn't tell of, found by what it refuses. The first to ask says how it is remembered. */
  adaptive(options: AdaptiveQuotaOptions): Quota
  /**
   * Before the process ends: lets the memories know what was spent, and gives leases of a store back. Who is killed first has told the memories
   * that it may have been a little more; its leases are free again by time.
   */
  save(): Promise<void>
}

export interface QuotaRegistryOptions {
  /**
   * Where several processes share what is declared: requests, points and bytes per window, whatever its kind, and requests in flight.
   * What the API reports is each process's own. Closing it is for whoever opened it. Default: nobody else asks.
   */
  readonly store?: QuotaStore | undefined
}

export function createQuotaRegistry({ store }: QuotaRegistryOptions = {}): QuotaRegistry {
  const known = new Map<string, SharedQuota>()
  const adaptive = new Map<string, QueuedQuota>()
  return {
    adaptive(options) {
      const key = JSON.stringify([options.key, options.scope])
      let quota = adaptive.get(key)
      if (quota === undefined) {
        quota = adaptiveQuota(options)
        adaptive.set(key, quota)
      }
      return quota
    },
    async save() {
      await Promise.all([...known.values()].map((quota) => quota.save()))
    },
    share(key, declared, clock, memory) {
      let quota = known.get(key)
      if (quota === undefined) {
        quota = new SharedQuota(key, store)
        known.set(key, quota)
      }
      if (declared !== undefined) quota.declare(declared, clock, memory)
      return quota
    },
  }
}

/** A quota whose limits are declared by several, each for all of them. Before the first declaration it holds nothing back. */
class SharedQuota implements ReportingQuota {
  /** By where the API says it and how it is paced: what it says is one, whatever is declared beside it. */
  readonly #reported = new Map<string, ReportedQuotas>()
  readonly #declared = new Map<string, QueuedQuota>()
  readonly #key: string
  readonly #shared: MeterContext['shared']
  #keeper: UseKeeper | undefined

  constructor(key: string, store: QuotaStore | undefined) {
    this.#key = key
    this.#shared = store && { store, key: createHash('sha256').update(key).digest('hex'), holders: new Set() }
  }

  get name(): string {
    return [...this.#declared.values()].map(({ name }) => name).join(' and ')
  }

  declare(declared: QuotaDeclaration, clock: Clock, memory: QuotaMemory | undefined): void {
    const words = JSON.stringify(declared)
    if (this.#declared.has(words)) return
    const { rateLimitHeaders, pace, refusalScope } = declared
    const said = JSON.stringify([rateLimitHeaders, pace, refusalScope])
    let reported = this.#reported.get(said)
    if (reported === undefined) {
      reported = new ReportedQuotas(declared, clock)
      this.#reported.set(said, reported)
    }
    if (memory !== undefined) this.#keeper ??= new UseKeeper(this.#key, memory, clock)
    this.#declared.set(words, createQuota(declared, clock, reported, this.#shared, this.#keeper))
  }

  async save(): Promise<void> {
    const leased = [...(this.#shared?.holders ?? [])].map((holder) => holder.giveBack())
    await Promise.all([this.#keeper?.save(), ...leased])
  }

  takesOf(ask: QuotaAsk): readonly Take[] {
    const takes: Take[] = []
    for (const quota of this.#declared.values())
      for (const take of quota.takesOf(ask))
        if (!takes.some(({ queue }) => queue === take.queue)) takes.push(take)
    return takes
  }

  acquire(ask: QuotaAsk = {}): Promise<Permit> {
    return acquireTogether(this.takesOf(ask).toReversed(), ask)
  }

  state(): readonly BudgetState[] {
    return [...this.#reported.values()].flatMap((reported) => reported.state())
  }
}
