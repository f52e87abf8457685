import { timestampMicros } from '../../records/iso-time.ts'

// Reads the strings of date and timestamp columns, which were checked when they were observed (records/iso-time.ts), as the
// numbers that DuckDB stores. It sees each value of such a column, so it makes no object.

/** 2^53 microseconds: beyond it a double does not hold them all. The year is 2255. */
const EXACT_SECONDS = 9_007_199_254

/** Days since 1970 of `YYYY-MM-DD`. Proleptic Gregorian, as in Howard Hinnant's days_from_civil. */
export function daysOfDate(text: string): number {
  const month = two(text, 5)
  const year = two(text, 0) * 100 + two(text, 2) - (month <= 2 ? 1 : 0)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + two(text, 8) - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Microseconds since 1970 of an ISO time with a zone: a number where it holds them exactly, else a bigint. */
export function microsOfTimestamp(text: string): number | bigint {
  let seconds = daysOfDate(text) * 86_400 + two(text, 11) * 3600 + two(text, 14) * 60 + two(text, 17)
  let at = 19
  let micros = 0
  if (text.charCodeAt(19) === 46) {
    let unit = 100_000
    for (at = 20; ; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9 || at > 25) break
      micros += digit * unit
      unit /= 10
    }
  }
  const zone = text.charCodeAt(at)
  if (zone !== 90) {
    const offset = two(text, at + 1) * 3600 + two(text, text.length - 2) * 60
    seconds += zone === 45 ? offset : -offset
  }
  if (seconds > -EXACT_SECONDS && seconds < EXACT_SECONDS) return seconds * 1_000_000 + micros
  return timestampMicros(text)
}

function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}
