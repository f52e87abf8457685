import { z } from 'zod'

const unitBytes = {
  B: 1,
  KB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1 << 20,
  GiB: 1 << 30,
} as const
const pattern = /^(\d{1,15}(?:\.\d+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)$/

/** A size in bytes, written with its unit, as in `"64MiB"`; bytes once validated. */
export const size = z
  .string()
  .regex(pattern, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no size: write a number and a unit (B, KB, MB, GB, KiB, MiB, GiB), as in "64MiB"`,
  })
  .transform((text) => {
    const match = pattern.exec(text)!
    return Math.floor(Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes])
  })
  .meta({ title: 'size' })
