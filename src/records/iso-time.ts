// Which strings are dates and times: ISO 8601 dates (`2024-01-31`) and times with a zone (`2024-01-31T08:00:00.25+02:00`),
// years 0001 to 9999, at most microseconds. What is less than certain stays text: a time without a zone, a leap
// second, seven digits of fraction. Everything here works on character codes: it sees each string of such a column.

const ZERO = 48

/** True for a valid calendar date, `YYYY-MM-DD`. */
export function isIsoDate(text: string): boolean {
  return text.length === 10 && startsWithDate(text)
}

/** True for a valid time with a zone: `YYYY-MM-DDTHH:MM:SS`, up to 6 digits of fraction, then `Z`, `±HH:MM` or `±HHMM`. */
export function isIsoTimestamp(text: string): boolean {
  const length = text.length
  if (length < 20 || length > 32 || text.charCodeAt(10) !== 84 || !startsWithDate(text)) return false
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false
  if (twoDigits(text, 11) > 23 || twoDigits(text, 14) > 59 || twoDigits(text, 17) > 59) return false
  const zone = zoneStart(text)
  if (zone < 0) return false
  if (text.charCodeAt(zone) === 90) return zone === length - 1
  if (length !== zone + 5 && !(length === zone + 6 && text.charCodeAt(zone + 3) === 58)) return false
  const hours = twoDigits(text, zone + 1)
  const minutes = twoDigits(text, length - 2)
  if (hours > 14 || minutes > 59) return false
  // The instant must be in the years that the text form can write.
  return (hours === 0 && minutes === 0) || !(text.startsWith('0001') || text.startsWith('9999'))
}

/** Days since 1970-01-01 of a string that begins with a valid date. */
export function isoDateDays(text: string): number {
  const month = twoDigits(text, 5)
  // The civil calendar from March on, so that the leap day is a year's last: Howard Hinnant, "chrono-Compatible
  // Low-Level Date Algorithms", days_from_civil. Years here are positive.
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2) - (month <= 2 ? 1 : 0)
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + twoDigits(text, 8) - 1
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  return year * 365 + leapDays + dayOfYear - 719_468
}

/** Microseconds since 1970 of a string that `isIsoTimestamp` accepts. */
export function timestampMicros(text: string): bigint {
  const zone = zoneStart(text)
  const minutes = twoDigits(text, 11) * 60 + twoDigits(text, 14) - offsetMinutes(text, zone)
  const seconds = isoDateDays(text) * 86_400 + minutes * 60 + twoDigits(text, 17)
  let fraction = 0
  for (let at = 20; at < 26; at++) fraction = fraction * 10 + (at < zone ? text.charCodeAt(at) - ZERO : 0)
  const micros = seconds * 1_000_000 + fraction
  return Number.isSafeInteger(micros) ? BigInt(micros) : BigInt(seconds) * 1_000_000n + BigInt(fraction)
}

/** The spelling of `timestampText` for a string that `isIsoTimestamp` accepts. */
export function utcTimestamp(text: string): string {
  const last = text.length - 1
  if (text.charCodeAt(last) !== 90) return timestampText(timestampMicros(text))
  let end = last
  if (end > 19) {
    while (text.charCodeAt(end - 1) === ZERO) end--
    if (end === 20) end = 19
  }
  return end === last ? text : `${text.slice(0, end)}Z`
}

/** An instant's one spelling: UTC, `Z`, no more digits of fraction than it needs. */
export function timestampText(micros: bigint): string {
  const seconds = micros >= 0n ? micros / 1_000_000n : -((999_999n - micros) / 1_000_000n)
  const fraction = Number(micros - seconds * 1_000_000n)
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return fraction === 0 ? `${whole}Z` : `${whole}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`
}

function startsWithDate(text: string): boolean {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(month, year)
}

function daysIn(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The number at `at`, or one too large to be valid anywhere. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 1_000_000
}

/** Where the zone begins, or -1 where the fraction is malformed. */
function zoneStart(text: string): number {
  let at = 19
  if (text.charCodeAt(19) === 46) {
    at = 20
    while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= 57) at++
    if (at === 20 || at > 26) return -1
  }
  const mark = text.charCodeAt(at)
  return mark === 90 || mark === 43 || mark === 45 ? at : -1
}

function offsetMinutes(text: string, zone: number): number {
  const sign = text.charCodeAt(zone)
  if (sign === 90) return 0
  const minutes = twoDigits(text, zone + 1) * 60 + twoDigits(text, text.length - 2)
  return sign === 45 ? -minutes : minutes
}
