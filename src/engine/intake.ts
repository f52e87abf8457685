import type { Reject } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { type SourcePage, type Stream, tombstoneField } from '../ports/source.ts'
import { type Observation, observeRecords } from '../records/observe.ts'
import { KeyInvalidError, type KeyReject, validateKeys } from '../records/record-key.ts'
import { rejectId } from '../records/reject-id.ts'
import { ReconcileIncompleteError } from './reconcile-incomplete.ts'
import { type CheckedSide, type Owners, ownersOf, SideIntake } from './side-intake.ts'
import { removes, type StreamTables } from './stream-tables.ts'

/** A page's records, parted and observed. */
export interface CheckedPage {
  readonly records: readonly JsonRecord[]
  /** Records without a usable key. */
  readonly rejects: readonly KeyReject[]
  /** What the source could not make a record of, or left out. */
  readonly pageRejects?: readonly Reject[]
  /** Places among `records` of those that remove the row of their key. */
  readonly tombstones?: readonly number[]
  /** By table. */
  readonly sides?: ReadonlyMap<string, CheckedSide>
  /** The table's schema, with what these records ask of it. */
  readonly schema: TableSchema
  /** In words. */
  readonly changes: readonly string[]
  /** True where a column of any table that was there before has another type now. */
  readonly widened: boolean
}

const noTombstones: readonly number[] = []

/** Looks at what comes of one stream, page by page, before it is batched. */
export class Intake {
  readonly #stream: Stream
  readonly #sides: readonly SideIntake[]
  /** Fields that make no column. */
  readonly #hidden: readonly string[]
  #schema: TableSchema | null

  constructor(stream: Stream, { schema, sides }: StreamTables) {
    this.#stream = stream
    this.#schema = schema
    this.#sides = sides.map((table) => new SideIntake(stream, table))
    this.#hidden = [
      ...(stream.tombstones ? [tombstoneField] : []),
      ...this.#sides.flatMap(({ hidden }) => hidden).slice(0, 1),
    ]
  }

  /** @throws KeyInvalidError where a record has no usable key, and the stream is told to fail then */
  check(page: SourcePage): CheckedPage {
    const { key, onReject, name, write } = this.#stream
    const { valid, rejects: found } =
      key.length === 0 ? { valid: page.records, rejects: [] } : validateKeys(page.records, key)
    const rejects = this.#hidden.length === 0 ? found : found.map((reject) => this.#asRead(reject))
    const pageRejects = page.rejects?.map(({ record, reason }) => ({
      id: rejectId(record, reason),
      record,
      reason,
    }))
    const [first] = rejects
    if (write === 'reconcile') refuseUnnamed(name, first ?? pageRejects?.[0])
    if (first !== undefined && onReject === 'fail') throw new KeyInvalidError(name, first)

    const { records, tombstones, schema, changes, widened } = this.#observe(valid)
    this.#schema = schema
    const checked = { records, rejects, schema, changes, widened, ...(pageRejects && { pageRejects }) }
    if (tombstones.length === 0 && this.#sides.length === 0) return checked

    const owners = ownersOf(page, valid, tombstones)
    return { ...checked, ...this.#checkSides(page, owners, checked), tombstones }
  }

  /** What makes no column is no part of the record either, by which a reject is known again. */
  #asRead(reject: KeyReject): KeyReject {
    const fields = Object.entries(reject.record).filter(([field]) => !this.#hidden.includes(field))
    const record = Object.fromEntries(fields)
    return { ...reject, id: rejectId(record, reject.reason), record }
  }

  #checkSides(page: SourcePage, owners: Owners, { schema, changes, widened }: CheckedPage) {
    const sides = new Map<string, CheckedSide>()
    const allChanges = [...changes]
    let anyWidened = widened
    for (const intake of this.#sides) {
      const side = intake.check(page, owners, schema)
      sides.set(intake.table, side)
      allChanges.push(...side.changes)
      anyWidened ||= side.widened
    }
    return { sides, changes: allChanges, widened: anyWidened }
  }

  #observe(
    records: readonly JsonRecord[],
  ): Observation & { readonly records: readonly JsonRecord[]; readonly tombstones: readonly number[] } {
    const { key, tombstones: mayBeGone, write } = this.#stream
    if (write === 'reconcile') {
      const keys = records.map((record) => pick(record, key))
      return { ...observeRecords(this.#schema, keys), records: keys, tombstones: noTombstones }
    }
    const tombstones: number[] = []
    if (write === 'delete') for (const at of records.keys()) tombstones.push(at)
    else if (mayBeGone)
      for (const [at, record] of records.entries()) if (record[tombstoneField]) tombstones.push(at)
    if (tombstones.length === 0)
      return { ...observeRecords(this.#schema, records, this.#hidden), records, tombstones }
    return this.#observeTombstones(records, tombstones)
  }

  /** A tombstone asks for no column; those of its key and version that are there must hold its own. */
  #observeTombstones(records: readonly JsonRecord[], tombstones: readonly number[]) {
    const { key, version } = this.#stream
    const gone = new Set(tombstones)
    const live = records.filter((_record, at) => !gone.has(at))
    const before = removes(this.#stream) && this.#schema === null ? { columns: [] } : this.#schema
    const ofLive = observeRecords(before, live, this.#hidden)
    const columns = new Set(ofLive.schema.columns.map(({ field }) => field))
    const fields = [...key, ...(version === undefined ? [] : [version])].filter((field) => columns.has(field))
    const marked = records.map((record, at) => (gone.has(at) ? pick(record, fields) : record))
    const ofGone = observeRecords(
      ofLive.schema,
      tombstones.map((at) => marked[at]!),
    )
    return {
      records: marked,
      tombstones,
      schema: ofGone.schema,
      changes: [...ofLive.changes, ...ofGone.changes],
      widened: ofLive.widened || ofGone.widened,
    }
  }
}

/** @throws ReconcileIncompleteError */
function refuseUnnamed(stream: string, reject: Reject | undefined): void {
  if (reject !== undefined) throw new ReconcileIncompleteError(stream, reject)
}

function pick(record: JsonRecord, fields: readonly string[]): JsonRecord {
  return Object.fromEntries(fields.map((field) => [field, record[field] ?? null]))
}
