import type { BufferPool } from './buffer-pool.ts'
import type { Connection } from './connection.ts'
import { literal, qualified } from './names.ts'

/** What a statement of a pipeline's needs. */
export interface Workplace {
  readonly connection: Connection
  /** The schema of all tables. */
  readonly schema: string
  readonly pipeline: string
  readonly pool: BufferPool
  /** Tables, by name, of which the last load of this session matched no row: the next one is likely to match none either. */
  readonly withoutMatches: Set<string>
}

/** A table of the schema as SQL. */
export function tableIn({ schema }: Workplace, name: string): string {
  return qualified(schema, name)
}

/** Milliseconds since 1970 as a parameter of the type timestamptz. */
export function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** SQL: a timestamptz in milliseconds since 1970. */
export function millisecondsOf(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::bigint`
}

/** The setting that the tables' column of load ids takes its default from. */
export const LOAD_SETTING = 'sluice.load_id'

/**
 * Settings of a load's transaction: by which load its rows come, and that keys are looked up one by one, which also lets the index forget
 * rows that are gone.
 */
export function setUpLoad(id: string): string {
  return `SELECT set_config('${LOAD_SETTING}', ${literal(id)}, true); SET LOCAL enable_bitmapscan = off`
}
