import { LongDecimal, type Value } from '../../ports/json.ts'

// Times of an API, kept as text so that no digit is lost: a double holds no nanoseconds, and `Date` no microseconds.

/** A time as ISO 8601 in UTC with `Z`, from seconds up to as many digits of a second as were sent: `2024-01-31T09:30:00.123456Z`. */
export type Instant = string

/** The formats with names. */
export type PlainTimeFormat = 'iso' | 'epoch' | 'epoch_ms' | 'epoch_us' | 'date'

/** The smallest step of a format, in milliseconds, and a millisecond at least. */
export const unitMs: Readonly<Record<PlainTimeFormat, number>> = {
  iso: 1,
  epoch: 1000,
  epoch_ms: 1,
  epoch_us: 1,
  date: 86_400_000,
}

const isoPattern =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/
const epochPattern = /^(-?\d+)(?:\.(\d+))?$/

/**
 * A record's time as an instant, or `undefined` where it is none. Text is ISO 8601 (UTC where it names no zone) or a
 * number; a number counts from 1970 in seconds below 1e11, milliseconds below 1e14, microseconds below 1e17, else
 * nanoseconds: each range begins in 1973 of the finer unit, and ends after the year 5000 of the coarser.
 */
export function toInstant(value: Value | undefined): Instant | undefined {
  if (typeof value === 'string') return isoToInstant(value) ?? epochToInstant(value)
  if (typeof value === 'number' || typeof value === 'bigint') return epochToInstant(String(value))
  return value instanceof LongDecimal ? epochToInstant(value.text) : undefined
}

/**
 * An ISO date or time as an instant; `undefined` where it is none. Where it names no zone, `offsetOf` gives the offset of the wall clock that
 * showed it, in milliseconds. Default: UTC.
 */
export function isoToInstant(
  text: string,
  offsetOf: (localMs: number) => number = () => 0,
): Instant | undefined {
  const match = isoPattern.exec(text)
  if (match === null) return undefined
  const [, date, minute = '00:00', second = '00', fraction = '', zone] = match
  const ms = Date.parse(`${date}T${minute}:${second}Z`)
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date) return undefined
  return joinInstant(ms - (zone === undefined ? offsetOf(ms) : zoneOffsetMs(zone)), fraction)
}

function zoneOffsetMs(zone: string): number {
  if (zone[0] !== '+' && zone[0] !== '-') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', ''))
  return (zone[0] === '-' ? -minutes : minutes) * 60_000
}

function epochToInstant(text: string): Instant | undefined {
  const match = epochPattern.exec(text)
  if (match === null) return undefined
  const [, whole, fraction = ''] = match as unknown as [string, string, string?]
  const negative = whole.startsWith('-')
  const digits = (negative ? whole.slice(1) : whole).replace(/^0+(?=\d)/, '')
  const subSecondDigits = digits.length <= 11 ? 0 : digits.length <= 14 ? 3 : digits.length <= 17 ? 6 : 9
  if (digits.length > 20) return undefined
  const seconds = Number(digits.slice(0, digits.length - subSecondDigits))
  const subSeconds = digits.slice(digits.length - subSecondDigits) + fraction
  if (!negative) return joinInstant(seconds * 1000, subSeconds)
  // Before 1970 a fraction counts backwards; such times come in whole milliseconds at most.
  return joinInstant(-seconds * 1000 - Math.round(Number(`0.${subSeconds || 0}`) * 1000), '')
}

function joinInstant(ms: number, fraction: string): Instant | undefined {
  if (!(Math.abs(ms) <= 8.64e15)) return undefined
  const iso = new Date(ms).toISOString()
  if (iso.length !== 24) return undefined
  const own = iso.slice(20, 23)
  if (own !== '000') return fraction === '' ? iso : undefined
  return fraction === '' ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 19)}.${fraction}Z`
}

/** The instant of a number of milliseconds since 1970. */
export function instantOfMs(ms: number): Instant {
  const iso = new Date(ms).toISOString()
  return iso.endsWith('.000Z') ? `${iso.slice(0, 19)}Z` : iso
}

/** Milliseconds since 1970, rounded down. */
export function msOfInstant(instant: Instant): number {
  return Date.parse(instant.length > 24 ? `${instant.slice(0, 23)}Z` : instant)
}

/** Milliseconds since 1970, rounded up. */
export function msOfInstantUp(instant: Instant): number {
  const ms = msOfInstant(instant)
  return compareInstants(instantOfMs(ms), instant) < 0 ? ms + 1 : ms
}

/** Below zero where `a` is earlier than `b`, zero where they are the same time. */
export function compareInstants(a: Instant, b: Instant): number {
  if (a === b) return 0
  if (a.length === b.length) return a < b ? -1 : 1
  const width = Math.max(a.length, b.length) - 1
  const left = paddedInstant(a, width)
  const right = paddedInstant(b, width)
  return left < right ? -1 : left > right ? 1 : 0
}

function paddedInstant(instant: Instant, width: number): string {
  const text = instant.slice(0, -1)
  return (text.length === 19 && width > 19 ? `${text}.` : text).padEnd(width, '0')
}

export function earlier(a: Instant, b: Instant): Instant {
  return compareInstants(a, b) <= 0 ? a : b
}

export function later(a: Instant, b: Instant): Instant {
  return compareInstants(a, b) >= 0 ? a : b
}

/** `instant` moved by whole milliseconds; the digits below a millisecond stay. */
export function shiftInstant(instant: Instant, byMs: number): Instant {
  if (byMs === 0) return instant
  const below = instant.length > 24 ? instant.slice(23, -1) : ''
  const moved = instantOfMs(msOfInstant(instant) + byMs)
  if (below === '') return moved
  return `${moved.length === 20 ? `${moved.slice(0, 19)}.000` : moved.slice(0, 23)}${below}Z`
}

/** The instant as a parameter, rounded down to what the format can say: a lower bound never skips a record. */
export function formatInstant(instant: Instant, format: PlainTimeFormat): string | number {
  if (format === 'iso') return instant
  if (format === 'date') return instant.slice(0, 10)
  const ms = msOfInstant(instant)
  if (format === 'epoch_us') {
    return Math.floor(ms / 1000) * 1_000_000 + Number(fractionOf(instant).padEnd(6, '0').slice(0, 6))
  }
  return format === 'epoch' ? Math.floor(ms / 1000) : ms
}

/** The instant as a parameter, rounded up to what the format can say: an upper bound never leaves a record out. */
export function formatInstantUp(instant: Instant, format: PlainTimeFormat): string | number {
  if (format === 'iso') return instant
  if (format === 'epoch_us') {
    const down = formatInstant(instant, format) as number
    return /[1-9]/.test(fractionOf(instant).slice(6)) ? down + 1 : down
  }
  const unit = unitMs[format]
  return formatInstant(instantOfMs(Math.ceil(msOfInstantUp(instant) / unit) * unit), format)
}

/** The digits of the second's fraction. */
function fractionOf(instant: Instant): string {
  return instant.slice(20, -1)
}
