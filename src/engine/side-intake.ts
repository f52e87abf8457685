import type { Reject } from '../ports/destination.ts'
import type { JsonRecord, Value } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { ownerField, type SideTable, type SourcePage, type Stream } from '../ports/source.ts'
import { sameType, widen } from '../records/column-type.ts'
import { observeRecords } from '../records/observe.ts'
import { KeyInvalidError, validateKeys } from '../records/record-key.ts'
import { rejectId } from '../records/reject-id.ts'

/** A page's rows of a side table, parted and observed. */
export interface CheckedSide {
  readonly records: readonly JsonRecord[]
  readonly rejects: readonly Reject[]
  /** With `owned`: for each row, the place of its record among the page's. */
  readonly owners?: readonly number[]
  readonly schema: TableSchema
  /** In words. */
  readonly changes: readonly string[]
  readonly widened: boolean
}

/** The places of a page's records by what they call themselves; of those that are gone, none. */
export type Owners = ReadonlyMap<Value, number | 'gone'>

export function ownersOf(
  page: SourcePage,
  records: readonly JsonRecord[],
  tombstones: readonly number[],
): Owners {
  const owners = new Map<Value, number | 'gone'>()
  if (page.sides === undefined) return owners
  for (const [at, record] of records.entries()) {
    const name = record[ownerField]
    if (name !== undefined) owners.set(name, at)
  }
  for (const at of tombstones) {
    const name = records[at]![ownerField]
    if (name !== undefined) owners.set(name, 'gone')
  }
  return owners
}

/** Looks at the rows of one side table as they come. */
export class SideIntake {
  readonly table: string
  /** Fields of the stream's records, and of the rows, that make no column. */
  readonly hidden: readonly string[]
  readonly #stream: Stream
  readonly #side: SideTable
  #schema: TableSchema | null

  constructor(
    stream: Stream,
    { side, schema }: { readonly side: SideTable; readonly schema: TableSchema | null },
  ) {
    this.table = side.table
    this.hidden = side.write === 'owned' ? [ownerField] : []
    this.#stream = stream
    this.#side = side
    this.#schema = schema
  }

  /**
   * @param main the schema of the stream's own table, with what this page asks of it
   * @throws KeyInvalidError where a row has no usable key, and the stream is told to fail then
   */
  check(page: SourcePage, owners: Owners, main: TableSchema): CheckedSide {
    const { key, owner = [], write } = this.#side
    const { valid, rejects } = validateKeys(page.sides?.get(this.table) ?? [], [...owner, ...key])
    const [first] = rejects
    if (first !== undefined && this.#stream.onReject === 'fail')
      throw new KeyInvalidError(`${this.#stream.name}, table ${this.table}`, first)
    const refused = rejects.map(({ record, reason }) => this.#refuse(record, reason))
    const parted = write === 'owned' ? this.#withOwners(valid, owners, refused) : { records: valid }
    const observed = observeRecords(this.#schema, parted.records, this.hidden)
    const { schema, widened } = this.#asOwned(observed.schema, main)
    this.#schema = schema
    return {
      ...parted,
      rejects: refused,
      schema,
      changes: observed.changes.map((change) => `table ${this.table}: ${change}`),
      widened: observed.widened || widened,
    }
  }

  /** The rows whose record is loaded; those of a record that was refused are refused along, those of one that is gone are left out. */
  #withOwners(rows: readonly JsonRecord[], owners: Owners, refused: Reject[]) {
    const records: JsonRecord[] = []
    const places: number[] = []
    for (const row of rows) {
      const owner = owners.get(row[ownerField] ?? null)
      if (owner === 'gone') continue
      if (owner === undefined) refused.push(this.#refuse(row, 'the record that it belongs to was not loaded'))
      else {
        records.push(row)
        places.push(owner)
      }
    }
    return { records, owners: places }
  }

  #refuse(row: JsonRecord, problem: string): Reject {
    const { [ownerField]: _owner, ...record } = row
    const reason = `table ${this.table}: ${problem}`
    return { id: rejectId(record, reason), record, reason }
  }

  /** What holds the stream's key has its type, so that the two can be compared. */
  #asOwned(schema: TableSchema, main: TableSchema): { schema: TableSchema; widened: boolean } {
    const { owner = [] } = this.#side
    let widened = false
    const columns = schema.columns.map((column) => {
      const at = owner.indexOf(column.field)
      const key = main.columns.find(({ field }) => at >= 0 && field === this.#stream.key[at])
      const type = key === undefined ? column.type : widen(column.type, key.type)
      if (sameType(type, column.type)) return column
      widened ||= this.#schema?.columns.some(({ field }) => field === column.field) ?? false
      return { ...column, type }
    })
    return columns.every((column, at) => column === schema.columns[at])
      ? { schema, widened }
      : { schema: { columns }, widened }
  }
}
