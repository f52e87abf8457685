import type { BufferPool } from './buffer-pool.ts'

const TAB = 9
const NEWLINE = 10

/**
 * Some columns of rows that are encoded already, in a buffer of their own. In COPY's text format no value holds a tab or the end of a line.
 * @param rows whole rows
 * @param places where the columns stand, in rising order; each row has them
 */
export function takeColumns(rows: Buffer, places: readonly number[], pool: BufferPool): Buffer {
  const taken = pool.take(rows.length)
  const last = places.at(-1)!
  const isTaken = Array.from({ length: last + 1 }, (_, place) => places.includes(place))
  let used = 0
  for (let at = 0; at < rows.length; ) {
    let cells = 0
    for (let column = 0; column <= last; column++) {
      const copies = isTaken[column]!
      if (copies && cells++ > 0) taken[used++] = TAB
      for (;;) {
        const byte = rows[at]!
        if (byte === TAB || byte === NEWLINE) break
        if (copies) taken[used++] = byte
        at++
      }
      // The end of the line is found below.
      if (column < last) at++
    }
    taken[used++] = NEWLINE
    at = rows.indexOf(NEWLINE, at) + 1
  }
  return taken.subarray(0, used)
}
