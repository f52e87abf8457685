// PostgreSQL. Keeps C1, C2, C3, C6 and R6 with PostgreSQL's own transactions, and sends rows by COPY.

import { systemLookup } from '../../config/system-lookup.ts'
import { systemClock } from '../../http/system-runtime.ts'
import { parseOptions } from '../../options/parse-options.ts'
import { revealSecret, type SecretLookup } from '../../options/secret.ts'
import type { Destination } from '../../ports/destination.ts'
import type { Clock } from '../../ports/runtime.ts'
import { addressOf, describeAddress } from './address.ts'
import { applicationName } from './connection.ts'
import { Database } from './database.ts'
import { type PostgresInput, type PostgresOptions, postgres, postgresOptions } from './options.ts'
import type { QueryRow } from './query.ts'
import { PostgresSession } from './session.ts'

export { type PostgresInput, type PostgresOptions, postgres, postgresOptions } from './options.ts'
export type { QueryRow } from './query.ts'

export interface PostgresDestination extends Destination {
  /** Connects for one pipeline. A read-only session on a schema that holds nothing yet finds nothing, and makes none. */
  open(pipeline: string, options?: { readonly readOnly?: boolean }): Promise<PostgresSession>
  /** Connects for one query, and returns its rows as plain JSON. */
  query(sql: string): Promise<QueryRow[]>
}

/**
 * A PostgreSQL database as a destination of its own, without a pipeline. It connects to nothing yet.
 * @param lookup finds the variables that `url` names. Default: the environment
 * @throws ConfigError where an option is wrong
 */
export function postgresDestination(
  options: Omit<PostgresInput, 'type'>,
  lookup: SecretLookup = systemLookup,
): PostgresDestination {
  return createPostgresDestination(parseOptions(postgresOptions, postgres(options)), lookup)
}

/** The destination for validated options. It connects to nothing yet. */
export function createPostgresDestination(
  options: PostgresOptions,
  lookup: SecretLookup,
  clock: Clock = systemClock,
): PostgresDestination {
  const open = async (pipeline: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) => {
    const url = addressOf(revealSecret(options.url, lookup))
    const settings = {
      url,
      description: describeAddress(url),
      applicationName: applicationName(pipeline),
      lockTimeoutMs: options.lockTimeout,
      statementTimeoutMs: options.statementTimeout,
      readOnly,
    }
    return new PostgresSession(await Database.open(settings, clock, options.schema, pipeline))
  }
  return {
    kind: 'postgres',
    get description() {
      try {
        return describeAddress(revealSecret(options.url, lookup))
      } catch {
        // The variable is not set: whoever connects is told.
        return 'postgres'
      }
    },
    capabilities: { transactionalDdl: true, merge: true, history: true, revert: true, readBack: true },
    open,
    async query(sql) {
      await using session = await open('', { readOnly: true })
      return await session.query(sql)
    },
  }
}
