// Windows of the calendar: days, weeks, months, quarters and years of a time zone. A day there may have 23 or 25 hours.
import { Temporal } from 'temporal-polyfill'
import { wallClock } from '../incremental/time-zone.ts'
import type { Grid } from './grid.ts'

const units = ['day', 'week', 'month', 'quarter', 'year'] as const

/** A length of the calendar. */
export interface CalendarSize {
  readonly count: number
  readonly unit: (typeof units)[number]
}

const pattern = /^([1-9]\d{0,2})\s+(day|week|month|quarter|year)s?$/

/** Reads `"1 month"`, `"2 weeks"`; `undefined` if it is none of these. */
export function parseCalendarSize(text: string): CalendarSize | undefined {
  const match = pattern.exec(text.trim())
  return match ? { count: Number(match[1]), unit: match[2] as CalendarSize['unit'] } : undefined
}

/** The windows of a calendar. Several units at once are counted from 1970, weeks from its first Monday. */
export function calendarGrid({ count, unit }: CalendarSize, timeZone: string): Grid {
  const days = unit === 'week' ? 7 * count : count
  const months = unit === 'year' ? 12 * count : unit === 'quarter' ? 3 * count : count

  function firstDay(date: Temporal.PlainDate): Temporal.PlainDate {
    if (unit === 'day' || unit === 'week') {
      const origin = unit === 'week' ? firstMonday : epoch
      return date.subtract({ days: modulo(origin.until(date).days, days) })
    }
    const month = (date.year - 1970) * 12 + date.month - 1
    return date.with({ day: 1 }).subtract({ months: modulo(month, months) })
  }
  const next = (date: Temporal.PlainDate) =>
    unit === 'day' || unit === 'week' ? date.add({ days }) : date.add({ months })
  // The first instant of a day: where summer time begins at midnight that is one o'clock.
  const msOf = (date: Temporal.PlainDate) => date.toZonedDateTime(timeZone).epochMilliseconds

  return {
    floor: (ms) => msOf(firstDay(dateIn(ms, timeZone))),
    next: (ms) => msOf(next(firstDay(dateIn(ms, timeZone)))),
  }
}

/** The date of an instant in a time zone, as in `2024-01-31`. */
export function dateText(ms: number, timeZone: string): string {
  return dateIn(ms, timeZone).toString()
}

const epoch = new Temporal.PlainDate(1970, 1, 1)
const firstMonday = new Temporal.PlainDate(1970, 1, 5)

function dateIn(ms: number, timeZone: string): Temporal.PlainDate {
  return wallClock(Math.floor(ms), timeZone).toPlainDate()
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
