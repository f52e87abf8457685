import { z } from 'zod'
import type { Clock } from '../ports/runtime.ts'
import { type RefusalScope, refusalScope } from './adaptive/options.ts'
import { combineQueued, type QueuedQuota } from './combine.ts'
import { DeclaredQuotas } from './declared/declared.ts'
import { quotaEntry } from './declared/entry.ts'
import type { MeterContext } from './declared/entry-meters.ts'
import type { UseKeeper } from './memory/use-keeper.ts'
import { RoundTrip } from './meters/round-trip.ts'
import { rateLimitHeaders } from './reported/options.ts'
import { type BudgetState, ReportedQuotas } from './reported/reported-quotas.ts'

export const quotaOptions = z.strictObject({
  quotas: z
    .array(quotaEntry)
    .prefault([])
    .describe(
      'The limits that the API sets for one credential. All of them hold at once, and sources with the same credential at the same API share them. Default: none.',
    ),
  pace: z
    .enum(['burst', 'spread'])
    .optional()
    .describe(
      'When what the quotas allow is used: "burst" as soon as it is there, "spread" evenly over each window. Default "burst".',
    ),
  rateLimitHeaders,
  refusalScope,
})

/** What somebody says of a limit. */
export type QuotaDeclaration = Omit<z.output<typeof quotaOptions>, 'pace' | 'refusalScope'> & {
  readonly pace?: 'burst' | 'spread' | undefined
  readonly refusalScope?: RefusalScope | undefined
}
export type { RateLimitHeaders } from './reported/options.ts'

/** A quota that knows what the API reports of its own limits. */
export interface ReportingQuota extends QueuedQuota {
  /** The budgets that the API reports, as they stand now. */
  state(): readonly BudgetState[]
}

/**
 * The quota of one credential at one API: what the config says and what the API says, whichever is stricter (Q1, Q4). Each limit is a queue
 * of its own, and a request waits for those that it is subject to.
 * @param reported what the API says, where it is known from elsewhere
 * @param shared where other processes take of what is declared
 * @param keeper where it is kept what is spent of it
 */
export function createQuota(
  options: QuotaDeclaration,
  clock: Clock,
  reported: ReportedQuotas = new ReportedQuotas(options, clock),
  shared?: MeterContext['shared'],
  keeper?: UseKeeper,
): ReportingQuota {
  const { quotas, pace } = options
  const declared = new DeclaredQuotas(quotas, {
    clock,
    spread: pace === 'spread',
    roundTrip: new RoundTrip(),
    serverTime: () => reported.serverTime(),
    shared,
    keeper,
  })
  const name = quotas.length === 0 ? reported.name : declared.name
  return { ...combineQueued(name, [reported, declared]), state: () => reported.state() }
}
