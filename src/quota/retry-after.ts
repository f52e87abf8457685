import type { HttpHeaders } from '../ports/runtime.ts'

/**
 * The wait that `retry-after` asks for, in milliseconds from now; 0 where it has passed; `undefined` without the header, or
 * where it can't be read. Takes whole and fractional seconds, the three HTTP dates of RFC 9110 §5.6.7 and ISO 8601. Dates are
 * the server's: they are compared with the response's own `date` where it has one, so that a wrong clock here does no harm.
 *
 * @param wallNow milliseconds since 1970
 */
export function retryAfterMs(headers: HttpHeaders, wallNow: number): number | undefined {
  const value = one(headers, 'retry-after')
  return value === undefined ? undefined : delayMs(value, 'seconds', serverNow(headers, wallNow))
}

/**
 * A delay in milliseconds from a header's value: a number of seconds, an epoch, or a date. The sizes of numbers outrank the
 * unit, since a wait of thirty years is none, and neither is an epoch of 1970: above 1e12 it is an epoch in milliseconds, above
 * 1e9 in seconds, below that a number of seconds.
 */
export function delayMs(value: string, unit: 'seconds' | 'epoch', serverNow: number): number | undefined {
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text)
    if (number > 1e12) return Math.max(0, number - serverNow)
    if (number > 1e9) return Math.max(0, number * 1000 - serverNow)
    // An epoch that is this small has long passed, or is no epoch.
    return unit === 'epoch' && number === 0 ? undefined : number * 1000
  }
  const date = parseDate(text)
  return date === undefined ? undefined : Math.max(0, date - serverNow)
}

/** The server's clock: its `date` header, else ours. */
export function serverNow(headers: HttpHeaders, wallNow: number): number {
  const date = one(headers, 'date')
  return (date === undefined ? undefined : parseDate(date)) ?? wallNow
}

export function one(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

function parseDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]{2,8},? |^\d{4}-\d\d-\d\dT/.test(text)) return undefined
  // HTTP's dates are in GMT; asctime's form doesn't say so, and would be read as local time.
  const zoned = /(GMT|UTC|Z|[+-]\d\d:?\d\d)$/.test(text)
    ? text
    : text.includes('T')
      ? `${text}Z`
      : `${text} GMT`
  const date = Date.parse(zoned)
  return Number.isNaN(date) ? undefined : date
}
