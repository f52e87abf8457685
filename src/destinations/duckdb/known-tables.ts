import type { TableSchema } from '../../ports/schema.ts'
import type { KeyRange } from './batch-keys.ts'

export interface KnownKeys extends KeyRange {
  /** The column's name; absent where the table has no rows, and so no values in any column. */
  readonly column?: string
}

/** A table as this process has left it. */
export interface KnownTable {
  readonly schema: TableSchema
  /** What all values of a column of whole numbers lie between: that of the key by which the last load was merged. */
  readonly keys?: KnownKeys
}

/**
 * Tables by their name in lower case: while this process holds the file nobody else changes them, and they need not be
 * looked at again with each load. Once it has given the file back, none is known. A table that a transaction may have changed is not known until that is through.
 */
export class KnownTables {
  readonly #tables = new Map<string, KnownTable>()

  get(table: string): KnownTable | undefined {
    return this.#tables.get(table.toLowerCase())
  }

  set(table: string, known: KnownTable): void {
    this.#tables.set(table.toLowerCase(), known)
  }

  forget(table: string): void {
    this.#tables.delete(table.toLowerCase())
  }

  forgetAll(): void {
    this.#tables.clear()
  }
}
