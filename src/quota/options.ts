import { z } from 'zod'
import { duration } from '../options/duration.ts'
import type { Clock } from '../ports/runtime.ts'
import { Concurrency } from './concurrency.ts'
import type { Meter } from './meter.ts'
import { QuotaQueue } from './queue.ts'
import { ReportedLimit } from './reported.ts'
import { RequestWindow } from './request-window.ts'
import { TokenBucket } from './token-bucket.ts'

const requestsPerWindow = z.strictObject({
  requests: z
    .int()
    .min(1)
    .describe('Requests that the API allows in any window of the length `per`. At least 1. Never exceeded.'),
  per: duration
    .refine((ms) => ms > 0, { error: 'a window has to be longer than nothing' })
    .describe('Length of the window, as in "1s", "1m", "1h".'),
  burst: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Requests that may go at once; the others are spread evenly over the window. Default: all of `requests` may go at once. From 1 to `requests`.',
    ),
})
const requestsInFlight = z.strictObject({
  concurrent: z
    .int()
    .min(1)
    .describe('Requests that may be in flight at once, their bodies included. At least 1.'),
})

/** One limit of an API. */
export const quotaEntry = z
  .union([requestsPerWindow, requestsInFlight], {
    error:
      'write a quota as { requests: 700, per: "1m" }, with burst: 50 if you like, or as { concurrent: 5 }',
  })
  .refine((entry) => !('burst' in entry) || entry.burst === undefined || entry.burst <= entry.requests, {
    path: ['burst'],
    error: 'burst is larger than requests: so many never fit into one window',
  })

export const quotaOptions = z.strictObject({
  quotas: z
    .array(quotaEntry)
    .prefault([])
    .describe(
      'The limits that the API sets for one credential. All of them hold at once, and sources with the same credential at the same API share them. Default: none.',
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

export type QuotaEntry = z.output<typeof quotaEntry>
export type RateLimitHeaders = z.output<typeof quotaOptions>['rateLimitHeaders']

function headerName() {
  return z
    .string()
    .min(1)
    .transform((name) => name.toLowerCase())
}

/** The quota of one credential at one API: what the config says and what the API says, whichever is stricter (Q1, Q4). */
export function createQuota(options: z.output<typeof quotaOptions>, clock: Clock): QuotaQueue {
  const { quotas, rateLimitHeaders } = options
  const name = quotas.length === 0 ? 'what the API reports' : quotas.map(nameOf).join(' and ')
  return new QuotaQueue(name, [...quotas.flatMap(metersOf), new ReportedLimit(rateLimitHeaders)], clock)
}

function metersOf(entry: QuotaEntry): Meter[] {
  if ('concurrent' in entry) return [new Concurrency(entry.concurrent)]
  const { requests, per: perMs, burst } = entry
  const window = new RequestWindow({ requests, perMs })
  return burst === undefined ? [window] : [new TokenBucket({ requests, perMs, burst }), window]
}

function nameOf(entry: QuotaEntry): string {
  if ('concurrent' in entry) return `${entry.concurrent} requests in flight`
  return `${entry.requests} requests per ${formatMs(entry.per)}`
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

function formatMs(ms: number): string {
  const [unit, length] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / length}${unit}`
}
