// Windows that begin at whole multiples of their length, as servers have them that count by the clock.
import { Temporal } from 'temporal-polyfill'

export interface TimeWindow {
  /** Milliseconds since 1970, included. */
  readonly start: number
  /** Not included. */
  readonly end: number
}

/** The window that a time lies in. */
export type TimeGrid = (ms: number) => TimeWindow

export const dayMs = 86_400_000

/**
 * @param perMs length of each, counted from 1970-01-01T00:00:00Z
 * @param timeZone where days begin; then `perMs` is a number of days, and a day may have 23 or 25 hours. Default: UTC
 */
export function timeGrid(perMs: number, timeZone = 'UTC'): TimeGrid {
  let last: TimeWindow = { start: 0, end: 0 }
  const find = timeZone === 'UTC' ? windowOf(perMs) : daysIn(timeZone, Math.round(perMs / dayMs))
  return (ms) => {
    if (ms < last.start || ms >= last.end) last = find(ms)
    return last
  }
}

function windowOf(perMs: number): TimeGrid {
  return (ms) => {
    const start = Math.floor(ms / perMs) * perMs
    return { start, end: start + perMs }
  }
}

const epoch = new Temporal.PlainDate(1970, 1, 1)

function daysIn(timeZone: string, days: number): TimeGrid {
  const startOf = (date: Temporal.PlainDate) => date.toZonedDateTime(timeZone).epochMilliseconds
  return (ms) => {
    const date = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms))
      .toZonedDateTimeISO(timeZone)
      .toPlainDate()
    const since = epoch.until(date, { largestUnit: 'days' }).days
    const first = date.subtract({ days: ((since % days) + days) % days })
    return { start: startOf(first), end: startOf(first.add({ days })) }
  }
}
