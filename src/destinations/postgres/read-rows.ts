import { VALID_TO_COLUMN } from '../../records/column-name.ts'
import type { Connection } from './connection.ts'
import { identifier, qualified } from './names.ts'
import type { QueryRow } from './query.ts'

/** Rows that are fetched at a time. */
const FETCHED = 2000

/** Reads columns of a table, some rows at a time, as they were when reading began; of a table with history its present versions. */
export async function* streamTable(
  connection: Connection,
  schema: string,
  table: string,
  columns: readonly string[],
  withHistory: boolean,
): AsyncGenerator<QueryRow[]> {
  const selected = columns.map(identifier).join(', ')
  const present = withHistory ? `WHERE ${VALID_TO_COLUMN} IS NULL` : ''
  await connection.script(
    `BEGIN READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;
     DECLARE _sluice_cursor NO SCROLL CURSOR FOR SELECT ${selected} FROM ${qualified(schema, table)} ${present}`,
  )
  try {
    for (;;) {
      const { rows } = await connection.table(`FETCH ${FETCHED} FROM _sluice_cursor`)
      if (rows.length > 0)
        yield rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at]!, value])))
      if (rows.length < FETCHED) return
    }
  } finally {
    await connection.script('ROLLBACK').catch(() => undefined)
  }
}
