/**
 * The types of a column, from narrow to wide. `integer` holds whole numbers that a double can hold too (up to 2^53),
 * `bigint` any of 64 bits, `decimal` up to 38 digits; `text` takes every scalar, `json` everything.
 */
export type ColumnType =
  | { readonly kind: 'boolean' | 'integer' | 'bigint' | 'double' | 'date' | 'timestamp' | 'text' | 'json' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

export interface Column {
  /** The record's field. */
  readonly field: string
  /** The table's column: the field's name, made unique where two fields differ only in case. */
  readonly name: string
  readonly type: ColumnType
}

/** A table's columns, in order. Columns are added and widened, never dropped or narrowed. */
export interface TableSchema {
  readonly columns: readonly Column[]
}
