import type { QueuedQuota } from '../combine.ts'
import { acquireTogether } from '../line.ts'
import type { Take } from '../permit.ts'
import type { Permit, QuotaAsk } from '../quota.ts'
import { DeclaredLimit } from './declared-limit.ts'
import type { QuotaEntry } from './entry.ts'
import type { MeterContext } from './entry-meters.ts'

/** The declared limits of one credential at one API: a request takes of those that are for it, of all at one moment (Q1). */
export class DeclaredQuotas implements QueuedQuota {
  readonly name: string
  /** The widest first: those that are for all requests, for a class, for each tenant. */
  readonly #limits: readonly DeclaredLimit[]

  constructor(entries: readonly QuotaEntry[], context: MeterContext) {
    this.#limits = [...entries]
      .sort((a, b) => width(b) - width(a))
      .map((entry) => new DeclaredLimit(entry, context))
    this.name = this.#limits.map(({ name }) => name).join(' and ')
  }

  takesOf(ask: QuotaAsk): readonly Take[] {
    const takes: Take[] = []
    for (const limit of this.#limits) {
      const take = limit.takeOf(ask)
      if (take !== undefined) takes.push(take)
    }
    return takes
  }

  acquire(ask: QuotaAsk = {}): Promise<Permit> {
    return acquireTogether(this.takesOf(ask).toReversed(), ask)
  }
}

function width(entry: QuotaEntry): number {
  return entry.each !== undefined ? 0 : entry.for !== undefined ? 1 : 2
}
