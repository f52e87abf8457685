import type { HttpHeaders } from '../ports/runtime.ts'
import { parseHttpDate, serverNow } from './http-date.ts'

const isoInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i
const zone = /(Z|[+-]\d{2}:?\d{2})$/i

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

/** A length of time as Go prints it, which OpenAI sends: `6m0s`, `1s`, `8.64s`, `120ms`. */
const goDuration = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/

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
  const length = text === '' ? null : goDuration.exec(text)
  if (length !== null) {
    const [hours, minutes, seconds, milliseconds] = length.slice(1).map((part) => Number(part ?? 0))
    return boundedDelay(Math.ceil(((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + milliseconds!))
  }
  const at = isoInstant.test(text)
    ? Date.parse(zone.test(text) ? text : `${text}Z`)
    : parseHttpDate(text, serverNow)
  return at === undefined || Number.isNaN(at) ? undefined : boundedDelay(at - serverNow)
}

/** A wait in milliseconds that is neither negative nor longer than `longestDelayMs`. */
export function boundedDelay(ms: number): number {
  return Math.min(longestDelayMs, Math.max(0, ms))
}
