// A field of a record as a position: text, or a plain number. Long numbers become text with all of their digits (R4).
import type { JsonRecord, Value } from '../ports/json.ts'
import { compareValues } from './order.ts'
import { type PageView, PaginationInvalidError } from './paginator.ts'
import type { PathReader } from './path.ts'
import { excerpt, scalarText } from './response-value.ts'

/** What a list can be sorted by. */
export type SortValue = string | number

/** A value to sort by; `undefined` where it is absent, null, empty, or no text or number. */
export function sortValue(value: Value | undefined): SortValue | undefined {
  return typeof value === 'number' ? value : scalarText(value)
}

/** The greatest (sign 1) or least (sign -1) value of a field over a page. Records that lack it are passed over. */
export function extreme(
  records: readonly JsonRecord[],
  read: PathReader,
  sign: 1 | -1,
): SortValue | undefined {
  let best: SortValue | undefined
  for (const record of records) {
    const value = sortValue(read(record))
    if (value !== undefined && (best === undefined || compareValues(value, best) * sign > 0)) best = value
  }
  return best
}

/** The error of a page without the value that leads on. `lack` opens the message, as in "the last record has no". */
export function missingField(page: PageView, field: string, lack: string): PaginationInvalidError {
  const last = page.records.at(-1)
  return new PaginationInvalidError(
    page.url,
    `${lack} text or number at ${field}, so the next page can't be asked for; the last record has the fields ${excerpt(Object.keys(last ?? {}))}`,
  )
}
