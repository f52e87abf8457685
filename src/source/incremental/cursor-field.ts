import { compilePath } from '../../pagination/path.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { CursorMissingError, CursorOrderError } from './cursor-errors.ts'

/** How the values of a cursor field are ordered: as times, or as numbers. */
export interface CursorOrdering {
  /** What a value should be, for messages: `a time`. */
  readonly wanted: string
  /** Whether the value can be ordered at all. */
  isValid(value: Value): boolean
  /** Below zero where `a` comes before `b`. Called for each record: it allocates nothing in the usual cases. */
  compare(a: Value, b: Value): number
}

/** The field that a stream's incremental reading goes by. */
export interface CursorField {
  readonly read: (record: JsonRecord) => Value | undefined
  /**
   * The greatest value on a page; `undefined` where no record has one.
   * @throws CursorMissingError where a record has none and that is not allowed, or where the greatest can't be ordered
   * @throws CursorOrderError where the page should be ascending and isn't (C5)
   */
  highest(records: readonly JsonRecord[]): Value | undefined
  /** Throws where a page that begins with `records[0]` can't follow one whose greatest value was `previous` (C5). */
  checkFollows(records: readonly JsonRecord[], previous: Value): void
}

export interface CursorFieldOptions {
  /** For messages: `desk.tickets`. */
  readonly stream: string
  readonly field: string
  readonly ordering: CursorOrdering
  readonly ascending: boolean
  readonly missing: 'fail' | 'keep'
}

export function cursorField(options: CursorFieldOptions): CursorField {
  const { stream, field, ordering, ascending, missing } = options
  const read = compilePath(field)

  function check(record: JsonRecord, value: Value): void {
    if (!ordering.isValid(value)) throw new CursorMissingError(stream, field, record, value, ordering.wanted)
  }

  return {
    read,
    highest(records) {
      let best: Value | undefined
      let bestOf: JsonRecord | undefined
      for (const record of records) {
        const value = read(record)
        if (value === undefined || value === null) {
          if (missing === 'keep') continue
          throw new CursorMissingError(stream, field, record, value, ordering.wanted)
        }
        if (best === undefined) {
          check(record, value)
          best = value
          bestOf = record
          continue
        }
        const order = ordering.compare(value, best)
        // NaN: one of the two can't be ordered, and the best was checked.
        if (Number.isNaN(order)) check(record, value)
        if (order > 0) {
          best = value
          bestOf = record
        } else if (order < 0 && ascending) throw new CursorOrderError(stream, field, value, best)
      }
      if (bestOf !== undefined) check(bestOf, best!)
      return best
    },
    checkFollows(records, previous) {
      if (!ascending || records.length === 0) return
      const first = read(records[0]!)
      if (first === undefined || first === null) return
      if (ordering.compare(first, previous) < 0) throw new CursorOrderError(stream, field, first, previous)
    },
  }
}
