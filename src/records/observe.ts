import type { JsonRecord, Value } from '../ports/json.ts'
import type { Column, ColumnType, TableSchema } from '../ports/schema.ts'
import { columnNamer } from './column-name.ts'
import { columnTypes, typeName, widen } from './column-type.ts'
import { fitsType, inferType } from './infer.ts'

export interface Observation {
  /** The given schema itself where nothing changed. */
  readonly schema: TableSchema
  /** In words: `added column priority (text)`, `widened amount from integer to double`. */
  readonly changes: readonly string[]
  /** True where a column of the given schema has another type now. */
  readonly widened: boolean
}

/**
 * The table's schema after a batch: its columns, widened where a value asks for it, and the new ones in order of first
 * appearance. A field that was only ever null has no column yet: it appears with its first value, and the rows before it
 * hold null there, as they should. One pass, without allocation per record.
 * @param hidden fields that make no column
 */
export function observeRecords(
  schema: TableSchema | null,
  records: readonly JsonRecord[],
  hidden: readonly string[] = [],
): Observation {
  const table = new ObservedTable(schema)
  for (const field of hidden) table.hide(field)
  for (const record of records) table.observe(record)
  return table.observation()
}

// A class, so that every column has one shape in memory: the loop over all values reads them.
class ObservedColumn {
  readonly field: string
  readonly name: string
  type: ColumnType
  /** What the table had before this batch; `null` for a new column. */
  readonly before: ColumnType | null
  /** The column of the field that followed this one in the last record: mostly that of the next record too. */
  after: ObservedColumn | undefined = undefined

  constructor({ field, name, type }: Column, before: ColumnType | null) {
    this.field = field
    this.name = name
    this.type = type
    this.before = before
  }
}

class ObservedTable {
  readonly #given: TableSchema | null
  readonly #columns: ObservedColumn[] = []
  readonly #byField = new Map<string, ObservedColumn>()
  /** Stands before a record's first field. */
  readonly #start = new ObservedColumn({ field: '', name: '', type: columnTypes.json }, null)
  #nameOf: ((field: string) => string) | undefined
  #changed: boolean

  constructor(schema: TableSchema | null) {
    this.#given = schema
    this.#changed = schema === null
    for (const column of schema?.columns ?? []) this.#remember(new ObservedColumn(column, column.type))
  }

  /** A column that holds whatever comes, and is none of the table's. */
  hide(field: string): void {
    this.#byField.set(field, new ObservedColumn({ field, name: field, type: columnTypes.json }, null))
  }

  observe(record: JsonRecord): void {
    let last = this.#start
    for (const field in record) {
      const value = record[field]
      let column = last.after
      if (column === undefined || column.field !== field) {
        if (value === null || value === undefined) continue
        column = this.#byField.get(field) ?? this.#add(field, value)
        last.after = column
      }
      last = column
      if (!fitsType(column.type, value)) this.#widen(column, value!)
    }
  }

  observation(): Observation {
    if (!this.#changed) return { schema: this.#given!, changes: [], widened: false }
    const columns = this.#columns.map(({ field, name, type }) => ({ field, name, type }))
    const widened = this.#columns.some(({ type, before }) => before !== null && type !== before)
    return { schema: { columns }, changes: [...this.#changes()], widened }
  }

  #widen(column: ObservedColumn, value: Value): void {
    column.type = widen(column.type, inferType(value)!)
    this.#changed = true
  }

  #add(field: string, value: Value): ObservedColumn {
    this.#nameOf ??= columnNamer(this.#columns.map((column) => column.name))
    const column = { field, name: this.#nameOf(field), type: inferType(value)! }
    this.#changed = true
    return this.#remember(new ObservedColumn(column, null))
  }

  #remember(column: ObservedColumn): ObservedColumn {
    this.#columns.push(column)
    this.#byField.set(column.field, column)
    return column
  }

  *#changes(): Iterable<string> {
    for (const { name, type, before } of this.#columns) {
      if (before === null) yield `added column ${name} (${plainName(type)})`
      else if (plainName(type) !== plainName(before))
        yield `widened ${name} from ${plainName(before)} to ${plainName(type)}`
    }
  }
}

/** A type in a reader's words: whether a double could hold a whole number too is no matter of theirs. */
function plainName(type: ColumnType): string {
  return type.kind === 'bigint' ? 'integer' : typeName(type)
}
