import { BIGINT, BOOLEAN, type DuckDBType } from '@duckdb/node-api'
import bindings from '@duckdb/node-bindings'
import type { TableSchema } from '../../ports/schema.ts'
import { columnEncoding } from './columns.ts'
import type { RowChunk } from './encoded-rows.ts'
import { identifier } from './quote.ts'
import { Validity, VECTOR_SIZE, type VectorHandle } from './vector.ts'

/** A column of the rows that are fed to DuckDB: its type there, and what fills it. */
export interface FedColumn {
  readonly name: string
  readonly type: DuckDBType
  /** SQL that makes the table's value of the fed one. */
  readonly expression: string
  write(vector: VectorHandle, chunk: RowChunk): void
}

/** Feeds the schema's column at `at`, under the name `name`. */
export function fedColumn(schema: TableSchema, at: number, name: string): FedColumn {
  const encoding = columnEncoding(schema.columns[at]!)
  return {
    name,
    type: encoding.fedAs,
    expression: encoding.expression(name),
    write(vector, chunk) {
      const column = chunk.columns[at]
      if (column === undefined) writeNulls(vector, chunk.count)
      else column.write(vector, chunk.count)
    },
  }
}

/** Each row's number, or the one that is given for it. */
export function ordinalColumn(name: string, given?: readonly number[]): FedColumn {
  return {
    name,
    type: BIGINT,
    expression: identifier(name),
    write(vector, { start, count }) {
      for (let row = 0; row < count; row++)
        ordinals[row * 2] = given === undefined ? start + row : given[start + row]!
      bindings.copy_data_to_vector(vector, 0, ordinals.buffer, 0, count * 8)
    },
  }
}

/** 64 bits of which the upper 32 stay 0: no load has so many rows. */
const ordinals = new Int32Array(VECTOR_SIZE * 2)

/** Whether each row is marked. */
export function markColumn(name: string, isMarked: (ordinal: number) => boolean): FedColumn {
  return {
    name,
    type: BOOLEAN,
    expression: identifier(name),
    write(vector, { start, count }) {
      for (let row = 0; row < count; row++) marks[row] = isMarked(start + row) ? 1 : 0
      bindings.copy_data_to_vector(vector, 0, marks.buffer, 0, count)
    },
  }
}

const marks = new Uint8Array(VECTOR_SIZE)

function writeNulls(vector: VectorHandle, count: number): void {
  const validity = new Validity()
  for (let row = 0; row < count; row++) validity.setNull(row)
  validity.flush(vector, count)
}
