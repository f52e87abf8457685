// Every option of the sandbox, declared once.
import { z } from 'zod'
import { FAULT_KINDS, faultRate } from './faults.ts'
import type { Limit } from './limiter.ts'
import { HISTORY_MS, type Sizes, split, TABLES } from './world.ts'

const count = z.number().int().min(0).max(50_000_000)

const limit = z.object({
  requests: z.number().int().min(1).describe('Requests per window.'),
  perMs: z.number().int().min(1).describe('The window in milliseconds.'),
  kind: z.enum(['bucket', 'fixed', 'sliding']).describe('How the server counts.'),
})

/** The vendors' own quotas. The export bucket of Zendesk is off unless it is asked for. */
export const VENDOR_LIMITS = {
  desk: { requests: 700, perMs: 60_000, kind: 'fixed' },
  deskExport: undefined,
  pay: { requests: 25, perMs: 1_000, kind: 'bucket' },
  trackQuery: undefined,
  trackExport: { requests: 3, perMs: 1_000, kind: 'bucket' },
  code: { requests: 2_000, perMs: 600_000, kind: 'fixed' },
} as const satisfies Record<string, Limit | undefined>

export type LimitName = keyof typeof VENDOR_LIMITS

const limitOption = (text: string) =>
  z.union([limit, z.null()]).optional().describe(`${text} null: no limit.`)

export const sandboxOptions = z.strictObject({
  records: z
    .union([count, z.partialRecord(z.enum(TABLES), count)])
    .default(60_000)
    .describe(
      'Records before any change: a total that is split over the tables other than `projects`, or a number for each table (default 0).',
    ),
  seed: z
    .number()
    .int()
    .default(1)
    .describe('Decides every record, change and fault. Same seed, same world.'),
  faults: z
    .union([z.number(), z.string()])
    .default('none')
    .transform((value, context) => {
      try {
        return faultRate(value)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    })
    .describe('Share of requests that fail: none (0), some (0.02), many (0.15), or a number from 0 to 1.'),
  faultKinds: z
    .array(z.enum(FAULT_KINDS))
    .optional()
    .describe('Only these faults. Default: all that a client can overcome.'),
  startTime: z
    .number()
    .int()
    .optional()
    .describe(
      `Epoch milliseconds before which the base data lies, in the ${HISTORY_MS / 86_400_000} days that end an hour earlier. Default: the clock's now, rounded down to the hour.`,
    ),
  generation: z
    .number()
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe(
      'Rounds of changes that have happened before the first request, 30 seconds apart in the hour before startTime.',
    ),
  tokenSeconds: z
    .number()
    .positive()
    .default(20)
    .describe('How long an access token of the desk lives, in seconds.'),
  latencyMs: z
    .number()
    .min(0)
    .default(0)
    .describe('Mean time to answer, in milliseconds; each request takes from half of it to one and a half.'),
  slowMs: z.number().min(0).default(1_000).describe('How long a slow body takes in all, in milliseconds.'),
  mutateEvery: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Applies a round of changes at each so many-th request for data. 0: never.'),
  mutateRounds: z
    .number()
    .int()
    .min(0)
    .default(20)
    .describe('At most so many of those rounds, so that a reader can finish.'),
  limits: z
    .strictObject({
      desk: limitOption('Account quota of the desk. Default 700 a minute.'),
      deskExport: limitOption(
        'Quota of the incremental exports of the desk, for each of the two. Default: none.',
      ),
      pay: limitOption('Quota of each pay endpoint. Default 25 a second.'),
      trackQuery: limitOption('Quota of the event query. Default: none.'),
      trackExport: limitOption('Quota of the raw export. Default 3 a second.'),
      code: limitOption('Quota of the list of projects. Default 2000 in ten minutes.'),
    })
    .default({})
    .describe('Quotas that differ from the vendors’ own.'),
})

export type SandboxOptions = z.input<typeof sandboxOptions>
export type SandboxSettings = z.output<typeof sandboxOptions>

export function sizes(records: SandboxSettings['records']): Sizes {
  if (typeof records === 'number') return split(records)
  return Object.fromEntries(TABLES.map((table) => [table, records[table] ?? 0])) as unknown as Sizes
}

/** The limit to use: the option where it is given, the vendor's own otherwise. */
export function limitFor(limits: SandboxSettings['limits'], name: LimitName): Limit | undefined {
  const given = limits[name]
  return given === undefined ? VENDOR_LIMITS[name] : (given ?? undefined)
}
