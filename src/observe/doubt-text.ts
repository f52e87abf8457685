import type { SluiceEvent } from '../ports/events.ts'
import { formatCount, formatCounted } from './format.ts'

/** Why a list may not have ended where it seemed to, and what to do. */
export function doubtText(doubt: Extract<SluiceEvent, { type: 'list.doubt' }>): string {
  const { option, path, records, found } = doubt
  const what = `the list may go on: its first page, of ${formatCounted(records, 'record')}, has nothing at \`${path}\`, where \`paginate.${option}\` looks for the next page, so it was taken for the last`
  const [likeliest] = found
  return likeliest === undefined
    ? `${what}. If there are more records, name the right place in \`${option}\``
    : `${what}. The body has ${found.map((each) => `\`${each}\``).join(', ')}: if there are more records, write \`${option}: ${likeliest}\` or the right one of them`
}

/** What `paginate: { type: auto }` took a list for, and why that may be wrong. */
export function detectedText(found: Extract<SluiceEvent, { type: 'pagination.detected' }>): string {
  const { kind, place, doubt } = found
  const what = kind === 'none' ? 'one page' : place === null ? kind : `${kind} at \`${place}\``
  return doubt === null
    ? what
    : `\`paginate: { type: auto }\` took the list for ${what}, and may be wrong: ${doubt}. Look at the API's documentation, and name the kind in \`paginate\``
}

/** By how much a list moved while it was read. */
export function shiftText({ by, pages }: Extract<SluiceEvent, { type: 'list.shift' }>): string {
  const found = pages === 0 ? '' : `, found again after ${formatCounted(pages, 'page')}`
  if (by === null) return `the record that was read last is gone${found}`
  const what = formatCounted(Math.abs(by), 'record')
  return `${by > 0 ? `${what} came` : `${what} went`} in front of the place${found}`
}

/** How far a list is apart from what its API says of it. */
export function mismatchText(count: Extract<SluiceEvent, { type: 'count.mismatch' }>): string {
  const { slice, expected, found, place } = count
  const what = slice === 'all' ? 'the list' : `the list of ${slice}`
  return `${what} gave ${formatCounted(found, 'record')}, and the API says at \`${place}\` that there are ${formatCount(expected)}. If the number stays apart, the API counts what it does not show: set \`count: { onMismatch: ignore }\``
}
