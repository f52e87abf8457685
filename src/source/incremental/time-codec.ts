// How an API writes times: in its records, and in the parameters that bound them.
import type { Value } from '../../ports/json.ts'
import {
  formatInstant,
  formatInstantUp,
  type Instant,
  instantOfMs,
  isoToInstant,
  msOfInstant,
  msOfInstantUp,
  type PlainTimeFormat,
  toInstant,
  unitMs,
} from './time-format.ts'
import { compileTimePattern, type PatternUnit, type TimePattern } from './time-pattern.ts'
import { unambiguous, wallClock, zoneOffset } from './time-zone.ts'

export interface TimeCodec {
  /** The smallest step of a parameter, in milliseconds, at least. */
  readonly unitMs: number
  /** True where times are read as `toInstant` reads them. */
  readonly isPlain: boolean
  /** A record's time; `undefined` where it is none. */
  read(value: Value | undefined): Instant | undefined
  /** A time as a parameter, rounded down to what the format can say: a lower bound never skips a record. */
  write(instant: Instant): string | number
  /** Rounded up: an upper bound never leaves a record out. */
  writeUp(instant: Instant): string | number
}

export interface TimeCodecOptions {
  /** Of parameters. */
  readonly format: PlainTimeFormat | string
  /** Of records, where they are in a form of their own. */
  readonly fieldFormat?: string | undefined
  /** The zone of times that name none. */
  readonly timeZone: string
}

/** The formats have been validated. */
export function timeCodec({ format, fieldFormat, timeZone }: TimeCodecOptions): TimeCodec {
  const isUtc = timeZone === 'UTC'
  const pattern = isPlainFormat(format)
    ? format === 'date' && !isUtc
      ? patternOf('%Y-%m-%d')
      : undefined
    : patternOf(format)
  const fieldPattern =
    fieldFormat === undefined ? (isPlainFormat(format) ? undefined : pattern) : patternOf(fieldFormat)
  const isPlain = isUtc && fieldPattern === undefined
  const offsetOf = zoneOffset(timeZone)

  const read = isPlain
    ? toInstant
    : (value: Value | undefined): Instant | undefined => {
        if (typeof value === 'string') {
          const instant = fieldPattern?.parse(value, offsetOf) ?? isoToInstant(value, offsetOf)
          if (instant !== undefined) return instant
        }
        return toInstant(value)
      }

  if (pattern === undefined) {
    const plain = format as PlainTimeFormat
    return {
      unitMs: unitMs[plain],
      isPlain,
      read,
      write: (instant) => formatInstant(instant, plain),
      writeUp: (instant) => formatInstantUp(instant, plain),
    }
  }
  return { unitMs: patternUnitMs[pattern.unit], isPlain, read, ...patternWriters(pattern, timeZone) }
}

function isPlainFormat(format: string): format is PlainTimeFormat {
  return Object.hasOwn(unitMs, format)
}

function patternOf(text: string): TimePattern {
  const pattern = compileTimePattern(text)
  if ('problem' in pattern) throw new Error(pattern.problem)
  return pattern
}

/** Of a month and a year, the shortest. */
const patternUnitMs: Readonly<Record<PatternUnit, number>> = {
  year: 365 * 86_400_000,
  month: 28 * 86_400_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
  microsecond: 1,
}

function patternWriters(pattern: TimePattern, zone: string): Pick<TimeCodec, 'write' | 'writeUp'> {
  const sure = (instant: Instant, direction: 'down' | 'up'): Instant => {
    if (pattern.isAbsolute || zone === 'UTC') return instant
    const ms = direction === 'down' ? msOfInstant(instant) : msOfInstantUp(instant)
    const moved = unambiguous(ms, zone, direction)
    return moved === ms ? instant : instantOfMs(moved)
  }
  const write = (instant: Instant) => pattern.format(sure(instant, 'down'), zone)
  return {
    write,
    writeUp(instant) {
      const bound = sure(instant, 'up')
      if (pattern.unit === 'microsecond') return pattern.format(bound, zone)
      const ceiling = ceilTo(msOfInstantUp(bound), pattern.unit, zone)
      return pattern.format(instantOfMs(ceiling), zone)
    },
  }
}

/** The next beginning of a unit on the wall clock, at `ms` or after it. */
function ceilTo(ms: number, unit: Exclude<PatternUnit, 'microsecond'>, zone: string): number {
  const local = wallClock(ms, zone)
  if (unit !== 'month' && unit !== 'year')
    return local.round({ smallestUnit: unit, roundingMode: 'ceil' }).epochMilliseconds
  const first = local.with({ day: 1, ...(unit === 'year' && { month: 1 }) }).startOfDay()
  if (first.epochMilliseconds === ms) return ms
  return first.add(unit === 'month' ? { months: 1 } : { years: 1 }).epochMilliseconds
}
