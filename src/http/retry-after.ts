import type { HttpHeaders } from '../ports/runtime.ts'
import { parseHttpDate, serverNow } from './http-date.ts'
import { goDurationMs, isoInstantMs } from './time-text.ts'

/** A hundred years. Whatever asks for more is taken to ask for this, so that the end of a wait is a date still, and not infinity. */
export const longestDelayMs = 100 * 365 * 86_400_000

/**
 * What `Retry-After` asks for, in milliseconds from now; `undefined` where the header is absent or unreadable. Read are seconds,
 * whole and fractional (`2.128`), HTTP dates, and ISO 8601 times, taken as UTC where they name no zone. Dates are measured
 * against the response's own `Date`, so that a clock that is wrong on either side does no harm. Of several values the latest holds.
 */
export function retryAfterMs(headers: HttpHeaders, now: number): number | undefined {
  const header = headers['retry-after']
  if (header === undefined) return undefined
  const server = serverNow(headers, now)
  let longest: number | undefined
  for (const value of typeof header === 'string' ? [header] : header) {
    const wait = delayMs(value, 'seconds', server)
    if (wait !== undefined && !(wait <= longest!)) longest = wait
  }
  return longest
}

/**
 * A delay in milliseconds from a header's value: a number of seconds, an epoch, a date, or a length as in `6m0s`. The sizes of numbers outrank the
 * unit, since a wait of thirty years is none, and neither is an epoch of 1970: above 1e12 it is an epoch in milliseconds, above
 * 1e9 in seconds, below that a number of seconds. It is `longestDelayMs` at most.
 */
export function delayMs(value: string, unit: 'seconds' | 'epoch', serverNow: number): number | undefined {
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text)
    if (number > 1e9) return boundedDelay((number > 1e12 ? number : number * 1000) - serverNow)
    // An epoch that is this small has long passed, or is no epoch.
    return unit === 'epoch' && number === 0 ? undefined : Math.ceil(number * 1000)
  }
  const length = goDurationMs(text)
  if (length !== undefined) return boundedDelay(Math.ceil(length))
  const at = isoInstantMs(text) ?? parseHttpDate(text, serverNow)
  return at === undefined || Number.isNaN(at) ? undefined : boundedDelay(at - serverNow)
}

/** A wait in milliseconds that is neither negative nor longer than `longestDelayMs`. */
export function boundedDelay(ms: number): number {
  return Math.min(longestDelayMs, Math.max(0, ms))
}
