import { BIGINT, BOOLEAN, DATE, DOUBLE, type DuckDBType, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api'
import { LongDecimal, type Value } from '../../ports/json.ts'
import type { Column, ColumnType } from '../../ports/schema.ts'
import { plainDecimal } from '../../records/decimal.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { encodeText } from '../../records/encode-text.ts'
import { ValueMisfitError } from '../../records/encode-value.ts'
import { fieldReader } from '../../records/field.ts'
import type { ChunkPool, FixedStorage } from './chunk-pool.ts'
import { type ColumnChunk, FixedChunk, type Put } from './column-chunk.ts'
import { daysOfDate, microsOfTimestamp } from './epoch.ts'
import { storableJson } from './json-text.ts'
import { identifier } from './quote.ts'
import { type EncodeText, TextChunk } from './text-chunk.ts'

/** How the values of a table's column are kept until their load, and how they reach it. */
export interface ColumnEncoding {
  /** Room for up to 2,048 values, of about so many bytes together. */
  chunk(pool: ChunkPool, expectedBytes: number): ColumnChunk
  readonly fedAs: DuckDBType
  /** SQL that makes the table's value of the fed one, given the fed one's name. */
  expression(name: string): string
}

/** The SQL type of a table's column. */
export function sqlType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN'
    case 'integer':
    case 'bigint':
      return 'BIGINT'
    case 'double':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'date':
      return 'DATE'
    case 'timestamp':
      return 'TIMESTAMP WITH TIME ZONE'
    case 'text':
      return 'VARCHAR'
    case 'json':
      return 'JSON'
  }
}

/** The encoding of a column; its chunks throw a ValueMisfitError for what the column can't hold. */
export function columnEncoding(column: Column): ColumnEncoding {
  const { type } = column
  const read = fieldReader(column.field)
  const refuse = (value: Value): never => {
    throw new ValueMisfitError(column.name, type, value)
  }
  const fixed = (fedAs: DuckDBType, width: 1 | 4 | 8, put: Put): ColumnEncoding => ({
    chunk: (pool) => new FixedChunk(pool, width, read, put),
    fedAs,
    expression: identifier,
  })
  const text = (encode: EncodeText, expression = identifier): ColumnEncoding => ({
    chunk: (pool, expectedBytes) => new TextChunk(pool, read, encode, expectedBytes),
    fedAs: VARCHAR,
    expression,
  })
  switch (type.kind) {
    case 'boolean':
      return fixed(BOOLEAN, 1, (target, row, value) => {
        if (typeof value === 'boolean') target.bytes[row] = value ? 1 : 0
        else refuse(value)
      })
    case 'integer':
    case 'bigint':
      return fixed(BIGINT, 8, (target, row, value) => {
        if (typeof value === 'number' && Number.isSafeInteger(value)) putLong(target, row, value)
        else if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) target.longs[row] = value
        else refuse(value)
      })
    case 'double':
      return fixed(DOUBLE, 8, (target, row, value) => {
        if (typeof value === 'number') target.doubles[row] = value
        else refuse(value)
      })
    case 'date':
      return fixed(DATE, 4, (target, row, value) => {
        if (typeof value === 'string') target.words[row] = daysOfDate(value)
        else refuse(value)
      })
    case 'timestamp':
      return fixed(TIMESTAMPTZ, 8, (target, row, value) => {
        if (typeof value !== 'string') return refuse(value)
        const micros = microsOfTimestamp(value)
        if (typeof micros === 'bigint') target.longs[row] = micros
        else putLong(target, row, micros)
      })
    case 'text':
      return text(encodeText)
    case 'json':
      return text((value) => storableJson(encodeJson(value)))
    case 'decimal':
      return text(
        (value) => digitsOf(value) ?? refuse(value),
        (name) => `CAST(${identifier(name)} AS ${sqlType(type)})`,
      )
  }
}

const TWO_TO_32 = 4_294_967_296

/** 64 bits of a whole number that a double holds. Two halves cost a tenth of what a bigint does. */
function putLong(target: FixedStorage, row: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32)
  target.words[row * 2] = value - high * TWO_TO_32
  target.words[row * 2 + 1] = high
}

function digitsOf(value: Value): string | null {
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal
  return isNumber ? plainDecimal(String(value)) : null
}
