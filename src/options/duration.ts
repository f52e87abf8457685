import { z } from 'zod'

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const pattern = /^(\d{1,15}(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/

/** Reads `"250ms"`, `"30s"`, `"1.5h"`, `"5m"`, `"1d"`, `"2w"` as milliseconds; `undefined` if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text.trim())
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : undefined
}

/** A length of time as it is written in a pipeline, in the largest unit that says it in whole numbers: `10m`, `90s`, `1500ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}

/** A length of time, written with its unit; milliseconds once validated. */
export const duration = z
  .string()
  .regex(pattern, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no duration: write a number and a unit (ms, s, m, h, d, w), as in "30s"`,
  })
  .transform((text) => parseDuration(text)!)
  .meta({ title: 'duration' })
