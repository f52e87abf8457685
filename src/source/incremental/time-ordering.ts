import type { Value } from '../../ports/json.ts'
import type { CursorOrdering } from './cursor-field.ts'
import type { TimeCodec } from './time-codec.ts'
import { compareInstants, type Instant, msOfInstant, toInstant } from './time-format.ts'

export const wantedTime = 'an ISO 8601 time or a number counted from 1970'

/** Orders the times of one field. */
export function timeOrdering(codec: TimeCodec): CursorOrdering {
  if (codec.isPlain) return plainTimes
  // A page's values are compared with one that stays the same for long.
  let known: Value | undefined
  let knownInstant: Instant | undefined
  const read = (value: Value): Instant | undefined => {
    if (value === known) return knownInstant
    return codec.read(value)
  }
  return {
    wanted: 'a time, as `format`, `fieldFormat` or ISO 8601 writes it, or a number counted from 1970',
    isValid: (value) => codec.read(value) !== undefined,
    compare(a, b) {
      const left = read(a)
      const right = read(b)
      known = b
      knownInstant = right
      return left === undefined || right === undefined ? Number.NaN : compareInstants(left, right)
    },
  }
}

/** Orders times whatever form they come in, with all their digits. */
const plainTimes: CursorOrdering = {
  wanted: wantedTime,
  isValid: (value) => toInstant(value) !== undefined,
  compare(a, b) {
    if (typeof a === 'number' && typeof b === 'number') return a - b
    if (typeof a === 'string' && typeof b === 'string' && haveSameForm(a, b))
      return a < b ? -1 : a > b ? 1 : 0
    const left = toInstant(a)
    const right = toInstant(b)
    return left === undefined || right === undefined ? Number.NaN : compareInstants(left, right)
  },
}

const upperZ = 90
const plus = 43
const minus = 45
const colon = 58

/** Whether two times can be compared as text: of one length, and both in UTC with `Z`, both dates, both at one offset, or both without a zone. */
function haveSameForm(a: string, b: string): boolean {
  const length = a.length
  if (length !== b.length) return false
  const end = a.charCodeAt(length - 1)
  if (end === upperZ) return b.charCodeAt(length - 1) === upperZ
  const isIso = a.charCodeAt(4) === minus
  if (isIso !== (b.charCodeAt(4) === minus)) return false
  // Numbers of one length may still differ in how many of their digits stand before the point.
  if (!isIso) return a.indexOf('.') === b.indexOf('.') && isZoneless(a) && isZoneless(b)
  return length === 10 || haveSameOffset(a, b, length) || (isZoneless(a) && isZoneless(b))
}

/** `+02:00` or `-0500` at the end of both. */
function haveSameOffset(a: string, b: string, length: number): boolean {
  if (length < 17 || !(isSign(a.charCodeAt(length - 6)) || isSign(a.charCodeAt(length - 5)))) return false
  for (let index = length - 6; index < length; index++) {
    if (a.charCodeAt(index) !== b.charCodeAt(index)) return false
  }
  return true
}

function isSign(code: number): boolean {
  return code === plus || code === minus
}

/** A local time or a positive number: no sign at its beginning, and none, nor a letter, in its last six places. */
function isZoneless(text: string): boolean {
  if (text.charCodeAt(0) === minus) return false
  for (let index = Math.max(0, text.length - 6); index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isSign(code) || code > colon) return false
  }
  return true
}

/** Tells, record by record, which times lie before a bound. Exact; it allocates nothing for whole seconds and for ISO times in UTC. */
export function isBefore(bound: Instant, codec: TimeCodec): (value: Value) => boolean {
  if (!codec.isPlain) {
    return (value) => {
      const instant = codec.read(value)
      return instant !== undefined && compareInstants(instant, bound) < 0
    }
  }
  const boundMs = msOfInstant(bound)
  const isWholeMs = bound.length <= 24
  const boundText = new Map<number, string>()

  /** The bound with as many digits as a time of that length has, or '' where it has more digits than those. */
  function inLength(length: number): string {
    let text = boundText.get(length)
    if (text === undefined) {
      const body = bound.slice(0, -1)
      const padded = (body.length === 19 && length > 20 ? `${body}.` : body).padEnd(length - 1, '0')
      text = padded.length === length - 1 ? `${padded}Z` : ''
      boundText.set(length, text)
    }
    return text
  }

  return (value) => {
    if (typeof value === 'number' && isWholeMs && Number.isInteger(value)) {
      if (value >= 0 && value < 1e11) return value * 1000 < boundMs
      if (value >= 1e11 && value < 1e14) return value < boundMs
    }
    if (
      typeof value === 'string' &&
      value.charCodeAt(value.length - 1) === upperZ &&
      value.charCodeAt(10) === 84
    ) {
      const text = inLength(value.length)
      if (text !== '') return value < text
    }
    const instant = toInstant(value)
    return instant !== undefined && compareInstants(instant, bound) < 0
  }
}
