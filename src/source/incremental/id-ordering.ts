import type { Json, Value } from '../../ports/json.ts'
import type { CursorOrdering } from './cursor-field.ts'

/** Orders growing ids as whole numbers of any length: numbers, bigints, or digits in a text. */
export const idOrdering: CursorOrdering = {
  wanted: 'a whole number, or digits in a text',
  isValid: (value) => toId(value) !== undefined,
  compare(a, b) {
    if (typeof a === 'number' && typeof b === 'number') return a - b
    if (typeof a === 'string' && typeof b === 'string' && beginsPlainly(a) && beginsPlainly(b)) {
      return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
    }
    const left = toId(a)
    const right = toId(b)
    if (left === undefined || right === undefined) return Number.NaN
    return left < right ? -1 : left > right ? 1 : 0
  },
}

/** No sign and no leading zero: of two such numbers the longer is the greater. */
function beginsPlainly(text: string): boolean {
  const code = text.charCodeAt(0)
  return code >= 49 && code <= 57
}

/** An id as a whole number, or `undefined` where it is none. */
export function toId(value: Value | Json | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d{1,40}$/.test(value) ? BigInt(value) : undefined
}
