import type { RowSegment } from './encoded-rows.ts'

const TAB = 9
const NEWLINE = 10
const MINUS = 45
const ZERO = 48
const NINE = 57
/** Whole numbers of so many digits are safe. */
const MOST_DIGITS = 15

/** What the keys of a load lie between, where no two are the same. Both are in it. */
export interface KeyRange {
  readonly least: number
  readonly greatest: number
}

/**
 * The range of a column of whole numbers that rise, or fall, from row to row, so that each is there once: what a list in the order of its
 * ids has. Found in the rows as they are encoded for COPY.
 * @param place where the column stands
 * @returns undefined where they do neither, where one is null or has more than 15 digits, and where there are none
 */
export function keyRange(segments: readonly RowSegment[], place: number): KeyRange | undefined {
  let first: number | undefined
  let last: number | undefined
  let isRising = true
  let isFalling = true
  for (const { columns, buffers } of segments) {
    if (place >= columns) return undefined
    for (const rows of buffers)
      for (let at = 0; at < rows.length; ) {
        for (let column = 0; column < place; column++) at = rows.indexOf(TAB, at) + 1
        const isNegative = rows[at] === MINUS
        if (isNegative) at++
        let value = 0
        const start = at
        for (let byte = rows[at]!; byte !== TAB && byte !== NEWLINE; byte = rows[++at]!) {
          // NULL is no number.
          if (byte < ZERO || byte > NINE || at - start >= MOST_DIGITS) return undefined
          value = value * 10 + byte - ZERO
        }
        if (isNegative) value = -value
        first ??= value
        if (last !== undefined) {
          if (value <= last) isRising = false
          if (value >= last) isFalling = false
          if (!isRising && !isFalling) return undefined
        }
        last = value
        at = rows.indexOf(NEWLINE, at) + 1
      }
  }
  if (first === undefined || last === undefined) return undefined
  return isRising ? { least: first, greatest: last } : { least: last, greatest: first }
}
