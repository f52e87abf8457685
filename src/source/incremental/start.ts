import { z } from 'zod'
import { parseDuration } from '../../options/duration.ts'
import type { Clock } from '../../ports/runtime.ts'
import { type Instant, instantOfMs, isoToInstant } from './time-format.ts'

/** Where a stream's first run starts: at a time, or so long before that run. */
export type Start = Instant | { readonly agoMs: number }

/** An ISO date or time, or a duration before now as in `"31d"`. */
export const startOption = z.string().transform((text, context): Start => {
  const agoMs = parseDuration(text)
  if (agoMs !== undefined) return { agoMs }
  const instant = isoToInstant(text)
  if (instant !== undefined) return instant
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is no time: write an ISO date or time, as in "2024-01-31" or "2024-01-31T09:30:00Z", or how long before now, as in "30d"`,
  })
  return z.NEVER
})

/** The start as a time, for a run that begins now. */
export function startInstant(start: Start, clock: Clock): Instant {
  return typeof start === 'string' ? start : instantOfMs(clock.now() - start.agoMs)
}
