import { SluiceError } from '../../errors.ts'
import { nearest } from '../../options/nearest.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'

/** A record lacks the field that `incremental` goes by, or holds something in it that can't be ordered. */
export class CursorMissingError extends SluiceError {
  readonly code = 'CURSOR_MISSING'
  readonly recovery = 'fix-config'
  readonly stream: string
  readonly field: string
  constructor(
    stream: string,
    field: string,
    record: JsonRecord,
    value: Value | undefined,
    wanted: string,
    option: 'field' | 'mark' = 'field',
  ) {
    super(
      value === undefined || value === null
        ? describeMissing(stream, field, record, value)
        : `${stream}: \`incremental.${option}: ${field}\` should be ${wanted}, and a ${option === 'field' ? 'record' : 'page'} has ${JSON.stringify(String(value)).slice(0, 80)}`,
    )
    this.stream = stream
    this.field = field
  }
}

function describeMissing(stream: string, field: string, record: JsonRecord, value: null | undefined): string {
  const closest = value === null ? undefined : nearest(field, Object.keys(record))
  const what = value === null ? `has null in \`${field}\`` : `has no \`${field}\``
  const suggestion = closest === undefined ? '.' : `; did you mean \`${closest}\`?`
  return (
    `${stream}: a record ${what}, which \`incremental.field\` names${suggestion} ` +
    "To load such records without moving the high-water mark, set `missing: 'keep'`; to leave them out, `missing: 'drop'`"
  )
}

/** C5: the list was said to come in cursor order, and does not: a mark that moved with it could skip records. */
export class CursorOrderError extends SluiceError {
  readonly code = 'PAGINATION_INVALID'
  readonly recovery = 'fix-config'
  readonly stream: string
  constructor(
    stream: string,
    field: string,
    order: 'ascending' | 'descending' | 'none',
    value: Value,
    previous: Value,
  ) {
    super(
      `${stream}: \`order: ${order}\` does not hold: a record with \`${field}\` ${String(value)} came after one with ${String(previous)}. ` +
        "Ask the API to sort by that field, or set `order: 'none'`: the high-water mark then moves at the end only",
    )
    this.stream = stream
  }
}
