import { z } from 'zod'
import type { Clock } from '../ports/runtime.ts'
import { combineQueued, type QueuedQuota } from './combine.ts'
import { DeclaredQuotas } from './declared.ts'
import { quotaEntry } from './entry.ts'
import type { ServerTime } from './fixed-window.ts'
import { QuotaQueue } from './queue.ts'
import { ReportedLimit } from './reported.ts'
import { RoundTrip } from './round-trip.ts'

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
  rateLimitHeaders: z
    .union([
      z.enum(['auto']),
      z.literal(false),
      z.strictObject({
        remaining: headerName().describe(
          'Header that tells how many requests are left, as in "ratelimit-remaining".',
        ),
        reset: headerName().describe(
          'Header that tells when the budget is full again, as in "ratelimit-reset".',
        ),
        resetUnit: z
          .enum(['seconds', 'epoch'])
          .describe(
            'What `reset` counts: seconds from now, or seconds since 1970. Dates are understood under both.',
          ),
      }),
    ])
    .prefault('auto')
    .describe(
      'Where the API tells what is left of its limits. "auto" reads the usual names; `false` reads none. `retry-after` is always obeyed. Default "auto".',
    ),
})

/** What somebody says of a limit. */
export type QuotaDeclaration = Omit<z.output<typeof quotaOptions>, 'pace'> & {
  readonly pace?: 'burst' | 'spread' | undefined
}
export type RateLimitHeaders = z.output<typeof quotaOptions>['rateLimitHeaders']

function headerName() {
  return z
    .string()
    .min(1)
    .transform((name) => name.toLowerCase())
}

/**
 * The quota of one credential at one API: what the config says and what the API says, whichever is stricter (Q1, Q4). Each limit is a queue
 * of its own, and a request waits for those that it is subject to.
 */
export function createQuota(
  options: QuotaDeclaration,
  clock: Clock,
  serverTime?: () => ServerTime | undefined,
): QueuedQuota {
  const { quotas, rateLimitHeaders, pace } = options
  const roundTrip = new RoundTrip()
  const declared = new DeclaredQuotas(quotas, { clock, spread: pace === 'spread', roundTrip, serverTime })
  const reported = new QuotaQueue('what the API reports', [new ReportedLimit(rateLimitHeaders)], clock)
  return combineQueued(quotas.length === 0 ? reported.name : declared.name, [reported, declared])
}
