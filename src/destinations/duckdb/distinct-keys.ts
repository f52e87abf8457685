import type { JsonRecord } from '../../ports/json.ts'
import type { Column } from '../../ports/schema.ts'
import { fieldReader } from '../../records/field.ts'

const comparableTypes: Readonly<Record<string, 'number' | 'string'>> = { integer: 'number', text: 'string' }

/**
 * True where it is sure, without asking DuckDB, that no two records of a batch have one key: whole numbers in a column of
 * integers, or texts in a column of texts. False says nothing: what is equal is then for the column to decide.
 */
export function surelyDistinct(records: readonly JsonRecord[], key: readonly Column[]): boolean {
  const [column] = key
  if (column === undefined || key.length > 1) return false
  const expected = comparableTypes[column.type.kind]
  if (expected === undefined) return false
  const read = fieldReader(column.field)
  const seen = new Set<unknown>()
  for (const record of records) {
    const value = read(record)
    // A lone surrogate is stored as U+FFFD: two such texts may become one.
    if (typeof value !== expected || (typeof value === 'string' && !value.isWellFormed())) return false
    seen.add(value)
  }
  return seen.size === records.length
}
