import type { Column, TableSchema } from '../ports/schema.ts'
import { OWN_COLUMNS } from '../records/column-name.ts'
import { sameType, typeName, widen } from '../records/column-type.ts'
import { DestinationSchemaError } from './errors.ts'

/** What a table must undergo before a load's rows go in. */
export interface SchemaChange {
  readonly added: readonly Column[]
  /** Where each column stands in the schema, with its type before and after. */
  readonly widened: readonly { readonly index: number; readonly from: Column; readonly to: Column }[]
}

/**
 * The change from a table's schema to a load's.
 * @throws DestinationSchemaError where the load's drops, renames, moves or narrows a column, or names two alike
 */
export function schemaChange(table: string, present: TableSchema | null, wanted: TableSchema): SchemaChange {
  const names = new Set<string>(OWN_COLUMNS)
  for (const { name } of wanted.columns) {
    if (names.has(name.toLowerCase()))
      throw new DestinationSchemaError(table, `the load has two columns called ${name}`)
    names.add(name.toLowerCase())
  }
  const before = present?.columns ?? []
  const widened = before.flatMap((from, index) => {
    const to = wanted.columns[index]
    if (to === undefined || to.name !== from.name || to.field !== from.field)
      throw new DestinationSchemaError(table, `the load does not know its column ${from.name}`)
    if (sameType(from.type, to.type)) return []
    if (!sameType(widen(from.type, to.type), to.type)) {
      const types = `from ${typeName(from.type)} to ${typeName(to.type)}`
      throw new DestinationSchemaError(table, `the load would narrow its column ${from.name} ${types}`)
    }
    return [{ index, from, to }]
  })
  return { added: wanted.columns.slice(before.length), widened }
}
