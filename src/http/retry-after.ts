import type { HttpHeaders } from '../ports/runtime.ts'

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const imfFixdate = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/i
const rfc850 = /^\w{6,9}, (\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/i
const asctime = /^\w{3} (\w{3}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i
const isoInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i

/**
 * An HTTP date in any of its three forms (RFC 9110 §5.6.7: IMF-fixdate, RFC 850, asctime), in milliseconds since 1970. `now`
 * settles the century of the RFC 850 form: a date that seems more than 50 years ahead is in the past.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  let match = imfFixdate.exec(text)
  if (match) return utc(Number(match[3]), match[2]!, match[1]!, match.slice(4, 7))
  match = asctime.exec(text)
  if (match) return utc(Number(match[6]), match[1]!, match[2]!, match.slice(3, 6))
  match = rfc850.exec(text)
  if (!match) return undefined
  const thisYear = new Date(now).getUTCFullYear()
  let year = Math.floor(thisYear / 100) * 100 + Number(match[3])
  if (year > thisYear + 50) year -= 100
  return utc(year, match[2]!, match[1]!, match.slice(4, 7))
}

function utc(year: number, monthName: string, day: string, time: readonly string[]): number | undefined {
  const month = months.indexOf(monthName.toLowerCase())
  if (month < 0) return undefined
  return Date.UTC(year, month, Number(day), Number(time[0]), Number(time[1]), Number(time[2]))
}

/**
 * What `Retry-After` asks for, in milliseconds from now; `undefined` where the header is absent or unreadable. Read are seconds,
 * whole and fractional (`2.128`), HTTP dates, and ISO 8601 times, taken as UTC where they name no zone. Dates are measured
 * against the response's own `Date`, so that a clock that is wrong on either side does no harm. Of several values the latest holds.
 */
export function retryAfterMs(headers: HttpHeaders, now: number): number | undefined {
  const header = headers['retry-after']
  if (header === undefined) return undefined
  let longest: number | undefined
  for (const value of typeof header === 'string' ? [header] : header) {
    const wait = parseRetryAfter(value.trim(), headers, now)
    if (wait !== undefined && !(wait <= longest!)) longest = wait
  }
  return longest
}

function parseRetryAfter(value: string, headers: HttpHeaders, now: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(value)) {
    const seconds = Number(value)
    // More than thirty years is no delay but the moment itself, as an epoch.
    return seconds > 1e9
      ? moment(seconds > 1e12 ? seconds : seconds * 1000, headers, now)
      : Math.ceil(seconds * 1000)
  }
  if (isoInstant.test(value)) {
    const at = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/i.test(value) ? value : `${value}Z`)
    return Number.isNaN(at) ? undefined : moment(at, headers, now)
  }
  const at = parseHttpDate(value, now)
  return at === undefined ? undefined : moment(at, headers, now)
}

function moment(at: number, headers: HttpHeaders, now: number): number {
  const date = headers['date']
  const serverNow = typeof date === 'string' ? parseHttpDate(date, now) : undefined
  return Math.max(0, at - (serverNow ?? now))
}
