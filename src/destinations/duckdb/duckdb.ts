// DuckDB: a warehouse in one file. Keeps C1, C2, C3, C6 and R6 with DuckDB's own transactions.

import { systemClock } from '../../http/system-runtime.ts'
import { parseOptions } from '../../options/parse-options.ts'
import type { Destination } from '../../ports/destination.ts'
import type { EventSink } from '../../ports/events.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { FileWait } from './file-holder.ts'
import { type DuckdbInput, type DuckdbOptions, duckdb, duckdbOptions } from './options.ts'
import type { QueryRow } from './query.ts'
import { DuckdbSession } from './session.ts'
import { Warehouse } from './warehouse.ts'

export { type DuckdbInput, type DuckdbOptions, duckdb, duckdbOptions } from './options.ts'
export type { QueryRow } from './query.ts'

export interface DuckdbDestination extends Destination {
  /** Opens the file for one pipeline. A read-only session on a file that is not there finds nothing, and makes none. */
  open(pipeline: string, options?: { readonly readOnly?: boolean }): Promise<DuckdbSession>
  /** Opens the file for one query, and returns its rows as plain JSON. */
  query(sql: string): Promise<QueryRow[]>
}

/**
 * A DuckDB file as a destination of its own, without a pipeline. It opens nothing yet.
 * @throws ConfigError where an option is wrong
 */
export function duckdbDestination(options: Omit<DuckdbInput, 'type'>): DuckdbDestination {
  return createDuckdbDestination(parseOptions(duckdbOptions, duckdb(options)))
}

/** The destination for validated options. It opens nothing yet. */
export function createDuckdbDestination(
  options: DuckdbOptions,
  { clock = systemClock, onEvent }: { readonly clock?: Clock; readonly onEvent?: EventSink | undefined } = {},
): DuckdbDestination {
  const description = `duckdb ${options.path}`
  const onWait = (wait: FileWait) =>
    onEvent?.({ type: 'destination.wait', at: clock.now(), destination: description, ...wait })
  const open = async (pipeline: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) =>
    new DuckdbSession(await Warehouse.open(options, readOnly, { clock, onWait }), pipeline, readOnly)
  return {
    kind: 'duckdb',
    description,
    capabilities: { transactionalDdl: true, merge: true, history: true, revert: true, readBack: true },
    open,
    async query(sql) {
      await using session = await open('', { readOnly: true })
      return await session.query(sql)
    },
  }
}
