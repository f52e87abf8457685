import { z } from 'zod'

const budgetHeaders = z
  .strictObject({
    remaining: headerName()
      .optional()
      .describe('Header that tells what is left, as in "ratelimit-remaining".'),
    limit: headerName()
      .optional()
      .describe(
        'Header that tells what there is in all, as in "ratelimit-limit". With it a full budget is used again right after a reset.',
      ),
    used: headerName()
      .optional()
      .describe('Header that tells what has been used, beside `limit`, where none tells what is left.'),
    reset: headerName()
      .optional()
      .describe(
        'Header that tells when the budget is full again, as in "ratelimit-reset". Without it, a spent budget is tried again each minute, with one request.',
      ),
    resetUnit: z
      .enum(['seconds', 'milliseconds', 'epoch', 'epoch-ms', 'date'])
      .optional()
      .describe(
        'What `reset` counts: "seconds" or "milliseconds" from now, "epoch" or "epoch-ms", seconds or milliseconds since 1970, or "date". Dates are understood under all of them. Required with `reset`.',
      ),
    bucket: headerName()
      .optional()
      .describe(
        'Header that names the budget, where an API has several, as in "x-ratelimit-resource". Which of them a request belongs to is learned from the responses.',
      ),
  })
  .refine(
    ({ remaining, limit, used }) => remaining !== undefined || (limit !== undefined && used !== undefined),
    {
      path: ['remaining'],
      error:
        'name the header that tells what is left (remaining), or those for what there is and what was used (limit, used)',
    },
  )
  .refine(({ reset, resetUnit }) => reset === undefined || resetUnit !== undefined, {
    path: ['resetUnit'],
    error: 'say what the header counts: seconds, milliseconds, epoch, epoch-ms or date',
  })

export const rateLimitHeaders = z
  .union([z.enum(['auto']), z.literal(false), budgetHeaders, z.array(budgetHeaders).min(1)])
  .prefault('auto')
  .describe(
    'Where the API tells what is left of its limits: one budget, or a list of them. "auto" reads the usual names; `false` reads none. `retry-after` is always obeyed. Default "auto".',
  )

export type RateLimitHeaders = z.output<typeof rateLimitHeaders>

function headerName() {
  return z
    .string()
    .min(1)
    .transform((name) => name.toLowerCase())
}
