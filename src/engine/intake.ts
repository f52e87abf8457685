import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import type { Stream } from '../ports/source.ts'
import { observeRecords } from '../records/observe.ts'
import { KeyInvalidError, type KeyReject, validateKeys } from '../records/record-key.ts'

/** A page's records, parted and observed. */
export interface CheckedPage {
  readonly records: readonly JsonRecord[]
  readonly rejects: readonly KeyReject[]
  /** The table's schema, with what these records ask of it. */
  readonly schema: TableSchema
  /** In words. */
  readonly changes: readonly string[]
  /** True where a column that was there before has another type now. */
  readonly widened: boolean
}

/** Looks at the records of one stream as they come, page by page, before they are batched. */
export class Intake {
  readonly #stream: Stream
  #schema: TableSchema | null

  /** @param schema the table as it is; `null` where there is none */
  constructor(stream: Stream, schema: TableSchema | null) {
    this.#stream = stream
    this.#schema = schema
  }

  /** @throws KeyInvalidError where a record has no usable key, and the stream is told to fail then */
  check(page: readonly JsonRecord[]): CheckedPage {
    const { key, onReject, name } = this.#stream
    const { valid, rejects } = key.length === 0 ? { valid: page, rejects: [] } : validateKeys(page, key)
    const [first] = rejects
    if (first !== undefined && onReject === 'fail') throw new KeyInvalidError(name, first)
    const { schema, changes, widened } = observeRecords(this.#schema, valid)
    this.#schema = schema
    return { records: valid, rejects, schema, changes, widened }
  }
}
