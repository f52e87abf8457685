import type { Connection } from './connection.ts'
import { lockKey, takeLocks } from './locks.ts'
import { identifier, qualified, storedName } from './names.ts'

/**
 * The tables beside the data. Each is made when a schema is opened for writing and has none yet. Positions, high-water marks and columns
 * are JSON kept as text: they must be read back as they were. A reject's record is `json`, not `jsonb`, for the same reason.
 */
const STATE_TABLES = {
  _sluice_checkpoints: `
    pipeline text NOT NULL, stream text NOT NULL, slice text NOT NULL, position text NOT NULL, high_water text NOT NULL,
    version bigint NOT NULL, staged boolean NOT NULL, load_id text NOT NULL, updated_at timestamptz NOT NULL,
    PRIMARY KEY (pipeline, stream, slice, staged)`,
  _sluice_loads: `
    pipeline text NOT NULL, load_id text NOT NULL, run_id text NOT NULL, stream text NOT NULL, table_name text NOT NULL, mode text,
    inserted bigint NOT NULL, updated bigint NOT NULL, unchanged bigint NOT NULL, deleted bigint NOT NULL, rejected bigint NOT NULL,
    committed_at timestamptz NOT NULL, sides text, undo text, reverted_at timestamptz,
    number bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (pipeline, load_id)`,
  _sluice_runs: `
    pipeline text NOT NULL, run_id text NOT NULL, started_at timestamptz NOT NULL, finished_at timestamptz,
    outcome text NOT NULL, report json, PRIMARY KEY (pipeline, run_id)`,
  _sluice_schemas: `
    table_name text NOT NULL, staged boolean NOT NULL, columns text NOT NULL, load_id text NOT NULL,
    updated_at timestamptz NOT NULL, PRIMARY KEY (table_name, staged)`,
  _sluice_rejects: `
    pipeline text NOT NULL, stream text NOT NULL, reject_id text NOT NULL, record json NOT NULL, reason text NOT NULL,
    times bigint NOT NULL, first_load_id text NOT NULL, first_rejected_at timestamptz NOT NULL,
    last_load_id text NOT NULL, last_rejected_at timestamptz NOT NULL, PRIMARY KEY (pipeline, stream, reject_id)`,
} as const

export type StateTable = keyof typeof STATE_TABLES

const names = Object.keys(STATE_TABLES) as StateTable[]

/** Makes the state tables that are not there, and the schema. Under a lock: two that begin at once would fail each other. */
export async function createStateTables(connection: Connection, schema: string): Promise<void> {
  if (await hasStateTables(connection, schema)) return
  await connection.script(`BEGIN; ${takeLocks([lockKey('state', schema)])}`)
  try {
    const [[hasSchema] = []] = await connection.rows<[boolean]>(
      'SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)',
      [storedName(schema)],
    )
    // The right to make a schema is asked for even where it is there.
    const statements = hasSchema ? [] : [`CREATE SCHEMA ${identifier(schema)}`]
    for (const name of names)
      statements.push(`CREATE TABLE IF NOT EXISTS ${qualified(schema, name)} (${STATE_TABLES[name]})`)
    await connection.script(`${statements.join('; ')}; COMMIT`)
  } catch (error) {
    await connection.script('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Whether the schema has been loaded into before. */
export async function hasStateTables(connection: Connection, schema: string): Promise<boolean> {
  const [[count] = [0]] = await connection.rows<[number]>(
    `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.relkind IN ('r', 'p')`,
    [storedName(schema), names],
  )
  return count === names.length
}
