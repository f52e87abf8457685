import { parseHttpDate } from '../../http/http-date.ts'
import { longestDelayMs } from '../../http/retry-after.ts'
import { goDurationMs, isoInstantMs } from '../../http/time-text.ts'
import type { ReportedReset } from './report.ts'

export type ResetUnit = 'seconds' | 'milliseconds' | 'epoch' | 'epoch-ms' | 'date'

const number = /^\d+(\.\d+)?$/

/**
 * The value of a header that tells when a budget is full again. `unit` says what a number counts, and sizes are a guard against a wrong one: a
 * wait of thirty years is none, so seconds above 1e9 are an epoch, and above 1e12 one in milliseconds; an epoch below 1e9 is a number of seconds.
 * Dates (ISO 8601, HTTP) and lengths as Go prints them say themselves what they are.
 * @param serverNow settles the century of an RFC 850 date
 */
export function parseReset(value: string, unit: ResetUnit, serverNow: number): ReportedReset | undefined {
  const text = value.trim()
  if (number.test(text)) return numericReset(Number(text), text.includes('.'), unit)
  const length = goDurationMs(text)
  if (length !== undefined) return delay(length, 1)
  const instant = isoInstantMs(text)
  if (instant !== undefined) {
    return Number.isNaN(instant)
      ? undefined
      : { at: Math.max(0, instant), precisionMs: text.includes('.') ? 1 : 1000 }
  }
  const at = parseHttpDate(text, serverNow)
  // What was before 1970 is no reset, and has passed in any case.
  return at === undefined || Number.isNaN(at) ? undefined : { at: Math.max(0, at), precisionMs: 1000 }
}

function numericReset(value: number, fraction: boolean, unit: ResetUnit): ReportedReset | undefined {
  if (unit === 'milliseconds' && value <= 1e12) return delay(value, 1)
  if (value > 1e12) return { at: Math.min(value, latestDate), precisionMs: 1 }
  if (value > 1e9) return { at: value * 1000, precisionMs: fraction ? 1 : 1000 }
  // An epoch of 0 is the absence of one.
  if (value === 0 && (unit === 'epoch' || unit === 'epoch-ms')) return undefined
  return delay(value * 1000, fraction ? 1 : 1000)
}

/** The last millisecond that a Date holds. */
const latestDate = 8.64e15

function delay(ms: number, precisionMs: number): ReportedReset {
  return { inMs: Math.min(longestDelayMs, Math.ceil(ms)), precisionMs }
}
