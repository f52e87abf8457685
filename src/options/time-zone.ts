import { Temporal } from 'temporal-polyfill'
import { z } from 'zod'

/** An IANA time zone, as in `Europe/Berlin`, or an offset, as in `+02:00`. */
export const timeZone = z
  .string()
  .refine(isTimeZone, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no time zone: write a name of the IANA database, as in "Europe/Berlin", or an offset, as in "+02:00"`,
  })
  .meta({ title: 'time zone' })

function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}
