import type { RowBuffer } from '../../../ports/destination.ts'
import type { Value } from '../../../ports/json.ts'
import type { ColumnType, TableSchema } from '../../../ports/schema.ts'
import type { DataFile } from '../manifest/state.ts'

/** What writes a load's rows into a data file of one format. */
export interface RowWriter extends AsyncDisposable {
  readonly format: DataFile['format']
  readonly compression: DataFile['compression']
  /** With its point, as in `.jsonl.gz`. */
  readonly extension: string
  /** Room for the rows of one load. */
  rows(): WritableRows
  /** What the format holds of a value that it can't hold as it is. Default: every value is held as it is. */
  asStored?(value: Value, type: ColumnType): Value
  /** Writes the rows, each with the load's id. The schema is the one that they were appended with. */
  write(rows: WritableRows, file: RowFile): Promise<{ readonly longestLine?: number }>
}

export interface RowFile {
  /** On this machine's disk. */
  readonly path: string
  readonly loadId: string
  readonly schema: TableSchema
  /** The number that each row is to say: its own, or the one of the record that it belongs to. Absent: none. */
  readonly numbers?: 'own' | readonly number[]
}

export interface WritableRows extends RowBuffer {
  /** True once the rows are gone. */
  readonly released: boolean
  /** Gives the memory back. The rows are gone. */
  release(): void
}
