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
   * Looks at the records of a page, or of a part of one, in the list's order.
   * @param before what it gave for the records before these
   * @throws CursorMissingError where a record has no value and that is not allowed, or where a value can't be ordered
   * @throws CursorOrderError where the list is not sorted as it should be (C5)
   */
  look(records: readonly JsonRecord[], before: Seen | undefined): Seen | undefined
}

/** Values of the field in the records that were looked at. */
export interface Seen {
  /** The greatest. */
  readonly highest: Value
  /** Newest first, that of the record that came last; else the greatest. */
  readonly last: Value
}

export type CursorOrder = 'ascending' | 'descending' | 'none'

export interface CursorFieldOptions {
  /** For messages: `desk.tickets`. */
  readonly stream: string
  readonly field: string
  readonly ordering: CursorOrdering
  readonly order: CursorOrder
  readonly missing: 'fail' | 'keep' | 'drop'
}

export function cursorField(options: CursorFieldOptions): CursorField {
  const { stream, field, ordering, order, missing } = options
  const read = compilePath(field)
  function check(record: JsonRecord, value: Value): void {
    if (!ordering.isValid(value)) throw new CursorMissingError(stream, field, record, value, ordering.wanted)
  }

  return {
    read,
    look(records, before) {
      let highest = before?.highest
      let last = before?.last
      let changed: JsonRecord | undefined
      for (const record of records) {
        const value = read(record)
        if (value === undefined || value === null) {
          if (missing !== 'fail') continue
          throw new CursorMissingError(stream, field, record, value, ordering.wanted)
        }
        // Newest first, the greatest is the first; else one that is not greater changes nothing.
        const previous = order === 'descending' ? last : highest
        if (previous === undefined) {
          check(record, value)
          highest = value
          last = value
          continue
        }
        const step = ordering.compare(value, previous)
        // NaN: one of the two can't be ordered, and the other one was checked, or is by now what was taken last.
        if (Number.isNaN(step)) check(record, value)
        if (order !== 'none' && (order === 'ascending' ? step < 0 : step > 0))
          throw new CursorOrderError(stream, field, order, value, previous)
        if (order === 'descending') last = value
        else if (step > 0) {
          highest = value
          last = value
        } else continue
        changed = record
      }
      if (changed !== undefined) check(changed, last!)
      return highest === undefined ? undefined : { highest, last: last! }
    },
  }
}
