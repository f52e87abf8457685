import { BIGINT, BOOLEAN, DATE, DOUBLE, type DuckDBType, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api'
import type { Value } from '../../ports/json.ts'
import { LongDecimal } from '../../ports/json.ts'
import type { Column, ColumnType } from '../../ports/schema.ts'
import { plainDecimal } from '../../records/decimal.ts'
import { ValueMisfitError } from '../../records/encode-value.ts'
import { fieldReader } from '../../records/field.ts'
import { identifier } from './quote.ts'
import {
  booleanWriter,
  dateWriter,
  doubleWriter,
  jsonWriter,
  longWriter,
  ordinalWriter,
  textWriter,
  timestampWriter,
  type VectorWriter,
} from './vector-writers.ts'

/** A column of the rows that are fed to DuckDB: its type there, and what fills it. */
export interface FedColumn {
  readonly name: string
  readonly type: DuckDBType
  readonly write: VectorWriter
  /** SQL that makes the table's value of the fed one. */
  readonly expression: string
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

/** What feeds a table's column from its field, under the name `name`. */
export function fedColumn(column: Column, name: string): FedColumn {
  const { type } = column
  const read = fieldReader(column.field)
  const refuse = (value: Value): never => {
    throw new ValueMisfitError(column.name, type, value)
  }
  const fed = (duckdbType: DuckDBType, write: VectorWriter, expression = identifier(name)): FedColumn => ({
    name,
    type: duckdbType,
    write,
    expression,
  })
  switch (type.kind) {
    case 'boolean':
      return fed(BOOLEAN, booleanWriter(read, refuse))
    case 'integer':
    case 'bigint':
      return fed(BIGINT, longWriter(read, refuse))
    case 'double':
      return fed(DOUBLE, doubleWriter(read, refuse))
    case 'date':
      return fed(DATE, dateWriter(read, refuse))
    case 'timestamp':
      return fed(TIMESTAMPTZ, timestampWriter(read, refuse))
    case 'text':
      return fed(VARCHAR, textWriter(read))
    case 'json':
      return fed(VARCHAR, jsonWriter(read))
    case 'decimal': {
      const digits = (value: Value): Value => {
        if (value === null) return null
        const isNumber =
          typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal
        return (isNumber ? plainDecimal(String(value)) : null) ?? refuse(value)
      }
      const write = textWriter((record) => digits(read(record)))
      return fed(VARCHAR, write, `CAST(${identifier(name)} AS ${sqlType(type)})`)
    }
  }
}

/** Each record's number: its place among those that are fed, or what `ordinals` says. */
export function ordinalColumn(name: string, ordinals?: readonly number[]): FedColumn {
  return { name, type: BIGINT, write: ordinalWriter(ordinals), expression: identifier(name) }
}
