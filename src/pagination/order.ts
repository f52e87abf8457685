// The order of the values that lists are sorted by: numbers and digits by size (snowflakes, epochs, "1512085950.000216"),
// ISO 8601 times by instant whatever their offset and precision, everything else by code unit.

const decimal = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/
const isoTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?$/i

/** Below 0 where `a` comes before `b`, 0 where they are the same number or instant. */
export function compareValues(a: string | number, b: string | number): number {
  if (a === b) return 0
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const left = String(a)
  const right = String(b)
  // The common case, without parsing: UTC times of one form, or ids of one length.
  if (left.length === right.length && isPlain(left) && isPlain(right)) return codeUnits(left, right)
  return compareDecimals(left, right) ?? compareTimes(left, right) ?? codeUnits(left, right)
}

/** Digits only, or an ISO time in UTC down to the second at least. Two of one length are ordered by code unit. */
function isPlain(text: string): boolean {
  return /^(?:\d+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/.test(text)
}

function codeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function compareDecimals(a: string, b: string): number | undefined {
  const left = decimal.exec(a)
  const right = left && decimal.exec(b)
  if (!left || !right) return undefined
  const negative = left[1] === '-'
  if (negative !== (right[1] === '-')) return negative ? -1 : 1
  const [, , leftWhole = '', leftRest = ''] = left
  const [, , rightWhole = '', rightRest = ''] = right
  const order =
    leftWhole.length - rightWhole.length || codeUnits(leftWhole, rightWhole) || codeUnits(leftRest, rightRest)
  return negative ? -order : order
}

function compareTimes(a: string, b: string): number | undefined {
  const left = instant(a)
  const right = left && instant(b)
  if (!left || !right) return undefined
  return left.ms - right.ms || codeUnits(left.fraction, right.fraction)
}

/** Whole seconds as milliseconds since 1970, and the digits of the fraction without trailing zeros. No offset is UTC. */
function instant(text: string): { ms: number; fraction: string } | undefined {
  const match = isoTime.exec(text)
  if (!match) return undefined
  const [, date, minute, second = ':00', fraction = '', offset = 'Z'] = match
  const zone = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase()
  const ms = Date.parse(`${date}T${minute}${second}${zone}`)
  return Number.isNaN(ms) ? undefined : { ms, fraction: fraction.replace(/0+$/, '') }
}
