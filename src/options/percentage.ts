import { z } from 'zod'

const pattern = /^(\d{1,3}(?:\.\d+)?)\s*%$/

/** Reads `"20%"` or `"0.5%"` as a number above 0 and up to 100; `undefined` if it is none of these. */
export function parsePercentage(text: string): number | undefined {
  const match = pattern.exec(text.trim())
  const percent = match === null ? 0 : Number(match[1])
  return percent > 0 && percent <= 100 ? percent : undefined
}

/** A share, written with a percent sign, above 0 and up to 100; the number before the sign once validated. */
export const percentage = z
  .string({ error: (issue) => notOne(issue.input) })
  .regex(pattern, { error: (issue) => notOne(issue.input), abort: true })
  .refine((text) => parsePercentage(text) !== undefined, {
    error: (issue) => notOne(issue.input),
    abort: true,
  })
  .transform((text) => parsePercentage(text)!)
  .meta({ title: 'percentage' })

function notOne(input: unknown): string {
  return `${JSON.stringify(input)} is no share: write a number above 0 and up to 100 with a percent sign, as in "20%"`
}
