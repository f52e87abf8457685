import { SluiceError } from '../errors.ts'
import { nearest } from '../options/nearest.ts'
import { type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import type { KeyReject } from './record-key.ts'

/** Most fields that a message lists. */
const SHOWN_FIELDS = 12

/**
 * A run read records of a stream, and not one of them could be used: the key is most likely not what the API calls it. The records
 * are kept as rejects and the checkpoint stays where it was, so that a run with the right key reads them again.
 */
export class AllRejectedError extends SluiceError {
  readonly code = 'ALL_REJECTED'
  readonly recovery = 'fix-config'
  readonly stream: string
  /** How many records were read, and refused. */
  readonly count: number
  /** The key's field that the first of them lacks. */
  readonly field: string
  /** @param examples some of the rejects, the first one first */
  constructor(stream: string, count: number, examples: readonly [KeyReject, ...KeyReject[]]) {
    const { field, reason } = examples[0]
    const records = examples.map(({ record }) => record)
    super(
      `${stream}: ${count === 1 ? 'the one record that was read' : `all ${count} records that were read`} had to be rejected: ${reason}. ` +
        `${whatIsThere(field, records)} ` +
        'The checkpoint stays where it was: correct `key` and run again, and they are read once more',
    )
    this.stream = stream
    this.count = count
    this.field = field
  }
}

function whatIsThere(field: string, records: readonly JsonRecord[]): string {
  const fields = [...new Set(records.flatMap((record) => Object.keys(record)))]
  if (fields.length === 0) return 'They hold no field at all.'
  const shown = fields.slice(0, SHOWN_FIELDS).map((name) => `\`${name}\``)
  const more = fields.length > shown.length ? ` and ${fields.length - shown.length} more` : ''
  return `The fields that were found are ${shown.join(', ')}${more}${hint(field, fields, records)}`
}

function hint(field: string, fields: readonly string[], records: readonly JsonRecord[]): string {
  const wrapper = fields.find((name) => records.some((record) => holds(record[name], field)))
  if (wrapper !== undefined)
    return `; the key \`${field}\` is inside \`${wrapper}\`: set \`unwrap: ${wrapper}\`.`
  const dot = field.indexOf('.')
  const [outer, inner] = [field.slice(0, dot), field.slice(dot + 1)]
  if (dot > 0 && records.some((record) => holds(record[outer], inner)))
    return `; a key is a name of the record's own, and no path: set \`unwrap: ${outer}\` and \`key: ${inner}\`.`
  const near = nearest(
    field,
    fields.filter((name) => name !== field),
  )
  return near === undefined ? '.' : `; did you mean \`${near}\`?`
}

function holds(value: Value | undefined, field: string): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof LongDecimal)
    return false
  return Object.hasOwn(value, field) && value[field] !== null
}
