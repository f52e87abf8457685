/** The digits of a number as JSON writes it, with the exponent worked in. */
export interface DecimalDigits {
  readonly negative: boolean
  /** Without leading zeros; empty for 0.5. */
  readonly integer: string
  /** As sent, trailing zeros and all. */
  readonly fraction: string
}

// An exponent beyond this makes more digits than any decimal column holds.
const MAX_EXPONENT = 100

/** Reads `-12.340`, `1.5e-7`; `null` for what is no number, or has more digits than are worth writing out. */
export function decimalDigits(text: string): DecimalDigits | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return null
  const exponent = Number(match[4] ?? 0)
  if (Math.abs(exponent) > MAX_EXPONENT) return null
  let integer = match[2]!
  let fraction = match[3] ?? ''
  if (exponent > 0) {
    const digits = fraction.padEnd(exponent, '0')
    integer += digits.slice(0, exponent)
    fraction = digits.slice(exponent)
  } else if (exponent < 0) {
    const digits = integer.padStart(-exponent, '0')
    integer = digits.slice(0, digits.length + exponent)
    fraction = digits.slice(digits.length + exponent) + fraction
  }
  return { negative: match[1] === '-', integer: integer.replace(/^0+/, ''), fraction }
}

/** A number's one plain spelling: no exponent, no zeros that say nothing. `null` as `decimalDigits`. */
export function plainDecimal(text: string): string | null {
  const digits = decimalDigits(text)
  if (digits === null) return null
  const fraction = digits.fraction.replace(/0+$/, '')
  const magnitude = (digits.integer || '0') + (fraction && `.${fraction}`)
  return digits.negative && magnitude !== '0' ? `-${magnitude}` : magnitude
}
