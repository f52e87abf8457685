// Times in a form of the API's own, by the directives of C's strftime: `%Y-%m-%dT%H:%M:%S%z`.
import { type Instant, instantOfMs, msOfInstant } from './time-format.ts'
import { wallClock, type ZoneOffset } from './time-zone.ts'

/** The smallest step that a pattern can say. */
export type PatternUnit =
  | 'year'
  | 'month'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'millisecond'
  | 'microsecond'

export interface TimePattern {
  readonly unit: PatternUnit
  /** Whether it says the offset from UTC, or counts from 1970, so that it means the same everywhere. */
  readonly isAbsolute: boolean
  /** Leaves out what the pattern can't say. */
  format(instant: Instant, zone: string): string
  /** `undefined` where the text is in another form. */
  parse(text: string, offsetOf: ZoneOffset): Instant | undefined
}

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

interface Fields {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  fraction: string
  offsetMs: number | undefined
  epoch: string | undefined
  isAfternoon: boolean | undefined
}

interface Moment {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** The digits of the second's fraction, as many as there are. */
  readonly fraction: string
  /** As in `+02:00`. */
  readonly offset: string
  readonly epochSeconds: number
}

interface Directive {
  readonly unit?: PatternUnit
  readonly isAbsolute?: boolean
  readonly pattern: string
  write(moment: Moment): string
  read(text: string, fields: Fields): void
}

const two = (value: number) => String(value).padStart(2, '0')
const monthNamed = (text: string) =>
  months.findIndex((name) => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase()) + 1

function numeric(
  field: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
  pattern: string,
  write: (value: number) => string,
): Directive {
  return {
    unit: field,
    pattern,
    write: (moment) => write(moment[field]),
    read: (text, fields) => {
      fields[field] = Number(text)
    },
  }
}

const fractionOf = (digits: number, unit: PatternUnit): Directive => ({
  unit,
  pattern: '\\d{1,9}',
  write: ({ fraction }) => fraction.padEnd(digits, '0').slice(0, digits),
  read: (text, fields) => {
    fields.fraction = text
  },
})

const directives: Readonly<Record<string, Directive>> = {
  Y: numeric('year', '\\d{4}', (year) => String(year).padStart(4, '0')),
  m: numeric('month', '\\d{1,2}', two),
  d: numeric('day', '\\d{1,2}', two),
  H: numeric('hour', '\\d{1,2}', two),
  M: numeric('minute', '\\d{1,2}', two),
  S: numeric('second', '\\d{1,2}', two),
  y: {
    unit: 'year',
    pattern: '\\d{2}',
    write: ({ year }) => two(year % 100),
    // As POSIX has it: 69 to 99 are of the last century.
    read: (text, fields) => {
      fields.year = Number(text) + (Number(text) < 69 ? 2000 : 1900)
    },
  },
  b: {
    unit: 'month',
    pattern: '[A-Za-z]{3}',
    write: ({ month }) => months[month - 1]!.slice(0, 3),
    read: (text, fields) => {
      fields.month = monthNamed(text)
    },
  },
  // The day of the week says nothing that the date doesn't (RFC 2822: "Tue, 18 Aug 2015"); it is written, and not compared.
  a: {
    pattern: '[A-Za-z]{3}',
    write: ({ year, month, day }) =>
      ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][
        new Date(Date.UTC(year, month - 1, day)).getUTCDay()
      ]!,
    read() {},
  },
  B: {
    unit: 'month',
    pattern: '[A-Za-z]{3,9}',
    write: ({ month }) => months[month - 1]!,
    read: (text, fields) => {
      fields.month = monthNamed(text)
    },
  },
  I: {
    unit: 'hour',
    pattern: '\\d{1,2}',
    write: ({ hour }) => two(hour % 12 || 12),
    read: (text, fields) => {
      fields.hour = Number(text) % 12
    },
  },
  p: {
    pattern: '[AaPp][Mm]',
    write: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
    read: (text, fields) => {
      fields.isAfternoon = /^p/i.test(text)
    },
  },
  f: fractionOf(6, 'microsecond'),
  L: fractionOf(3, 'millisecond'),
  z: {
    isAbsolute: true,
    pattern: 'Z|[+-]\\d{2}:?\\d{2}',
    write: ({ offset }) => offset.replace(':', ''),
    read: (text, fields) => {
      const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(text) ?? []
      fields.offsetMs =
        hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
    },
  },
  s: {
    unit: 'second',
    isAbsolute: true,
    pattern: '-?\\d{1,12}',
    write: ({ epochSeconds }) => String(epochSeconds),
    read: (text, fields) => {
      fields.epoch = text
    },
  },
}

const sizes: readonly PatternUnit[] = [
  'year',
  'month',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
  'microsecond',
]

/** No time is written that long, and a regular expression can't be of any length. */
const longest = 200

/** Compiles a pattern, or says what is wrong with it. Directives: %Y %y %m %b %B %d %a %H %I %p %M %S %L %f %z %:z %s %%. */
export function compileTimePattern(text: string): TimePattern | { readonly problem: string } {
  if (text.length > longest)
    return { problem: `it has ${text.length} characters, and ${longest} at most are taken` }
  const parts: (string | Directive)[] = []
  const used = new Set<string>()
  let source = ''
  for (const [piece, colon = '', letter] of text.matchAll(/%(:?)(.)|[^%]+|%/gs)) {
    if (letter === undefined && piece !== '%') {
      parts.push(piece)
      source += escapeRegExp(piece)
      continue
    }
    if (piece === '%%') {
      parts.push('%')
      source += '%'
      continue
    }
    const directive =
      letter !== undefined && (colon === '' || letter === 'z') ? directives[letter] : undefined
    if (directive === undefined) {
      return {
        problem: `${piece} is no directive: there are ${Object.keys(directives)
          .map((each) => `%${each}`)
          .join(' ')} %:z %%`,
      }
    }
    if (used.has(letter!)) return { problem: `${piece} stands there twice` }
    used.add(letter!)
    parts.push(colon === '' ? directive : { ...directive, write: ({ offset }) => offset })
    source += `(${directive.pattern})`
  }
  if (used.size === 0) return { problem: 'it holds no directive' }
  if (!used.has('s') && !used.has('Y') && !used.has('y')) return { problem: 'it says no year: add %Y' }
  if (used.has('I') && !used.has('p')) return { problem: '%I counts to 12: add %p, or use %H' }

  const found = parts.filter((part) => typeof part !== 'string')
  const unit = sizes[Math.max(...found.map((directive) => sizes.indexOf(directive.unit ?? 'year')))]!
  const expression = new RegExp(`^${source}$`)

  return {
    unit,
    isAbsolute: found.some(({ isAbsolute }) => isAbsolute),
    format(instant, zone) {
      const ms = msOfInstant(instant)
      const local = wallClock(ms, zone)
      const { year, month, day, hour, minute, second, offset } = local
      const fraction = instant.slice(20, -1)
      const moment = {
        year,
        month,
        day,
        hour,
        minute,
        second,
        fraction,
        offset,
        epochSeconds: Math.floor(ms / 1000),
      }
      return parts.map((part) => (typeof part === 'string' ? part : part.write(moment))).join('')
    },
    parse(value, offsetOf) {
      const match = expression.exec(value)
      if (match === null) return undefined
      const fields: Fields = {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        fraction: '',
        offsetMs: undefined,
        epoch: undefined,
        isAfternoon: undefined,
      }
      found.forEach((directive, index) => {
        directive.read(match[index + 1]!, fields)
      })
      return instantOf(fields, offsetOf)
    },
  }
}

function instantOf(fields: Fields, offsetOf: ZoneOffset): Instant | undefined {
  const { year, month, day, minute, second, fraction } = fields
  if (fields.epoch !== undefined) return withFraction(Number(fields.epoch) * 1000, fraction)
  const hour = fields.hour + (fields.isAfternoon === true ? 12 : 0)
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(localMs)
  if (year < 100) date.setUTCFullYear(year)
  // 31 April, or a minute 61.
  if (
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  )
    return undefined
  return withFraction(date.getTime() - (fields.offsetMs ?? offsetOf(date.getTime())), fraction)
}

function withFraction(ms: number, fraction: string): Instant | undefined {
  if (!(Math.abs(ms) <= 8.64e15)) return undefined
  const whole = instantOfMs(ms)
  // A year of more than four digits, or one before our era, is written otherwise, and could not be compared as text.
  if (!/^\d{4}-/.test(whole)) return undefined
  return fraction === '' ? whole : `${whole.slice(0, 19)}.${fraction}Z`
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
