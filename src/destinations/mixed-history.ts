import type { Load } from '../ports/destination.ts'
import { DestinationSchemaError } from './errors.ts'

/** @throws DestinationSchemaError where a table keeps history and its load does not, or the other way round */
export function refuseMixedHistory(table: string, keepsHistory: boolean, mode: Load['mode']): void {
  if (keepsHistory === (mode === 'history')) return
  throw new DestinationSchemaError(
    table,
    keepsHistory
      ? `it keeps the history of its records, and a load in mode ${mode} would mix it up. Give the stream \`write: history\`, or another table`
      : 'its rows have no validity: they were loaded by another `write`. Give the stream another table, which gets its history from now on',
  )
}
