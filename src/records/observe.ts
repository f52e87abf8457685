import type { JsonRecord, Value } from '../ports/json.ts'
import type { Column, ColumnType, TableSchema } from '../ports/schema.ts'
import { columnNamer } from './column-name.ts'
import { typeName, widen } from './column-type.ts'
import { fitsType, inferType } from './infer.ts'

export interface Observation {
  /** The given schema itself where nothing changed. */
  readonly schema: TableSchema
  /** In words: `added column priority (text)`, `widened amount from integer to double`. */
  readonly changes: readonly string[]
}

interface Seen extends Column {
  readonly index: number
  type: ColumnType
  /** What the table had before this batch; `null` for a new column. */
  readonly before: ColumnType | null
}

/**
 * The table's schema after a batch: its columns, widened where a value asks for it, and the new ones in order of first
 * appearance. A field that was only ever null has no column yet: it appears with its first value, and the rows before it
 * hold null there, as they should. One pass, without allocation per record where records look like those before them.
 */
export function observeRecords(schema: TableSchema | null, records: readonly JsonRecord[]): Observation {
  const columns: Seen[] = []
  const byField = new Map<string, Seen>()
  for (const column of schema?.columns ?? [])
    remember({ ...column, index: columns.length, before: column.type })
  const known = columns.length
  let nameOf: ((field: string) => string) | undefined
  let changed = schema === null

  function remember(seen: Seen): void {
    columns.push(seen)
    byField.set(seen.field, seen)
  }
  function add(field: string, value: Value): Seen {
    nameOf ??= columnNamer(columns.map((column) => column.name))
    const seen = { field, name: nameOf(field), type: inferType(value)!, index: columns.length, before: null }
    remember(seen)
    changed = true
    return seen
  }

  for (const record of records) {
    // Records of one stream list their fields in one order: the next field is mostly the next column.
    let next = 0
    for (const field in record) {
      const value = record[field]
      let seen = columns[next]
      if (seen !== undefined && seen.field === field) next++
      else if (value === null || value === undefined) continue
      else {
        seen = byField.get(field) ?? add(field, value)
        next = seen.index + 1
      }
      if (!fitsType(seen.type, value)) {
        seen.type = widen(seen.type, inferType(value)!)
        changed = true
      }
    }
  }
  if (!changed) return { schema: schema!, changes: [] }
  return {
    schema: { columns: columns.map(({ field, name, type }) => ({ field, name, type })) },
    changes: describe(columns, known),
  }
}

function describe(columns: readonly Seen[], known: number): string[] {
  const widened = columns
    .slice(0, known)
    .filter((column) => column.type !== column.before)
    .map((column) => `widened ${column.name} from ${typeName(column.before!)} to ${typeName(column.type)}`)
  const added = columns.slice(known).map((column) => `added column ${column.name} (${typeName(column.type)})`)
  return [...widened, ...added]
}
