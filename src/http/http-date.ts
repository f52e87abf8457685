import type { HttpHeaders } from '../ports/runtime.ts'
import { firstHeader } from './headers.ts'

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const imfFixdate = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/i
const rfc850 = /^\w{6,9}, (\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/i
const asctime = /^\w{3} (\w{3}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i

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

/** The server's clock: the response's `Date`, else ours. */
export function serverNow(headers: HttpHeaders, now: number): number {
  const date = firstHeader(headers, 'date')
  return (date === undefined ? undefined : parseHttpDate(date, now)) ?? now
}
