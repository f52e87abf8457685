// How a config says in which form an API writes times.
import { z } from 'zod'
import { compileTimePattern } from './time-pattern.ts'

const timePattern = z.string().refine((text) => problemOf(text) === undefined, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no form of a time: ${problemOf(String(issue.input))}; write iso, epoch, epoch_ms, epoch_us, date, or a pattern as in "%Y-%m-%d %H:%M"`,
})

function problemOf(text: string): string | undefined {
  const pattern = compileTimePattern(text)
  return 'problem' in pattern ? pattern.problem : undefined
}

/** The formats with names. */
export const plainTimeFormat = z.enum(['iso', 'epoch', 'epoch_ms', 'epoch_us', 'date'])

/** How an API writes a time in a parameter. */
export const timeFormat = z
  .union([plainTimeFormat, timePattern])
  .describe(
    'How the API writes a time: iso (2024-01-31T09:30:00Z), epoch (seconds since 1970), epoch_ms, epoch_us, date (2024-01-31), or a pattern of the directives of strftime, as in "%Y-%m-%d %H:%M" (%Y %y %m %b %B %d %a %H %I %p %M %S %L %f %z %:z %s %%). Default iso',
  )
export type TimeFormat = z.output<typeof timeFormat>

/** How records write a time that is written otherwise than in parameters. */
export const recordTimeFormat = timePattern.describe(
  'How records write the time, where it is neither ISO 8601, nor a number counted from 1970, nor in the form of `format`: a pattern as there, as in "%d/%m/%Y". Default: none',
)
