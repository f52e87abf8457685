import type { DuckDBConnection } from '@duckdb/node-api'

/**
 * The tables beside the data. Each is made when a file is opened for writing and has none yet. Positions, high-water marks and
 * columns are JSON kept as text: they must be read back as they were, and DuckDB's JSON type refuses some of what JSON can say.
 */
const STATE_TABLES = {
  _sluice_checkpoints: `
    pipeline VARCHAR NOT NULL, stream VARCHAR NOT NULL, slice VARCHAR NOT NULL, position VARCHAR NOT NULL, high_water VARCHAR NOT NULL,
    version BIGINT NOT NULL, staged BOOLEAN NOT NULL, load_id VARCHAR NOT NULL, updated_at TIMESTAMPTZ NOT NULL`,
  _sluice_loads: `
    pipeline VARCHAR NOT NULL, load_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, stream VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL, inserted BIGINT NOT NULL, updated BIGINT NOT NULL, unchanged BIGINT NOT NULL,
    rejected BIGINT NOT NULL, committed_at TIMESTAMPTZ NOT NULL, deleted BIGINT, sides VARCHAR, mode VARCHAR, undo VARCHAR, reverted_at TIMESTAMPTZ,
    PRIMARY KEY (pipeline, load_id)`,
  _sluice_runs: `
    pipeline VARCHAR NOT NULL, run_id VARCHAR NOT NULL, started_at TIMESTAMPTZ NOT NULL, finished_at TIMESTAMPTZ,
    outcome VARCHAR NOT NULL, report JSON`,
  _sluice_schemas: `
    table_name VARCHAR NOT NULL, staged BOOLEAN NOT NULL, columns VARCHAR NOT NULL, load_id VARCHAR NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL`,
  _sluice_rejects: `
    pipeline VARCHAR NOT NULL, stream VARCHAR NOT NULL, reject_id VARCHAR NOT NULL, record JSON NOT NULL,
    reason VARCHAR NOT NULL, times BIGINT NOT NULL, first_load_id VARCHAR NOT NULL, first_rejected_at TIMESTAMPTZ NOT NULL,
    last_load_id VARCHAR NOT NULL, last_rejected_at TIMESTAMPTZ NOT NULL`,
} as const

/** Columns that came later: a file that has a table without them gets them. */
const LATER_COLUMNS = [
  '_sluice_loads ADD COLUMN IF NOT EXISTS deleted BIGINT',
  '_sluice_loads ADD COLUMN IF NOT EXISTS sides VARCHAR',
  '_sluice_loads ADD COLUMN IF NOT EXISTS mode VARCHAR',
  '_sluice_loads ADD COLUMN IF NOT EXISTS undo VARCHAR',
  '_sluice_loads ADD COLUMN IF NOT EXISTS reverted_at TIMESTAMPTZ',
]

/** Makes the state tables that are not there. */
export async function createStateTables(connection: DuckDBConnection): Promise<void> {
  const statements = Object.entries(STATE_TABLES).map(
    ([name, columns]) => `CREATE TABLE IF NOT EXISTS ${name} (${columns});`,
  )
  const alterations = LATER_COLUMNS.map((column) => `ALTER TABLE ${column};`)
  await connection.run(`BEGIN; ${[...statements, ...alterations].join('\n')} COMMIT;`)
}

/** Whether the file has been loaded into before. */
export async function hasStateTables(connection: DuckDBConnection): Promise<boolean> {
  const reader = await connection.runAndReadAll(
    `SELECT count(*) FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = 'main' AND table_name IN (${Object.keys(
       STATE_TABLES,
     )
       .map((name) => `'${name}'`)
       .join(', ')})`,
  )
  return Number(reader.getRows()[0]![0]) === Object.keys(STATE_TABLES).length
}
