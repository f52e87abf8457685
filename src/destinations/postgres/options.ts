import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { secret } from '../../options/secret.ts'

/** Loads into a PostgreSQL database. */
export const postgresOptions = z
  .strictObject({
    type: z.literal('postgres').describe('A PostgreSQL database, by the packages pg and pg-copy-streams.'),
    url: secret.describe(
      'Its address, as in "postgres://user:password@host:5432/database". `sslmode` in it means what it means to psql.',
    ),
    schema: z
      .string()
      .min(1)
      .refine((name) => !/^pg_/i.test(name) && name.toLowerCase() !== 'information_schema', {
        error: 'that schema is PostgreSQL’s own: name another one',
      })
      .default('public')
      .describe('The schema of all tables; made if it is not there. Default "public".'),
    lockTimeout: duration
      .prefault('1m')
      .describe(
        'Longest wait for a lock that somebody else holds on a table, or on the same stream. Then the commit fails, and nothing of it is written. "0s": no end. Default "1m".',
      ),
    statementTimeout: duration
      .prefault('1h')
      .describe(
        'Longest time that one statement may take, such as the rewriting of a table whose column is widened. "0s": no end. Default "1h".',
      ),
  })
  .describe('Loads into a PostgreSQL database.')

/** The options as a user writes them. */
export type PostgresInput = z.input<typeof postgresOptions>

/** The options, validated, with their defaults. */
export type PostgresOptions = z.output<typeof postgresOptions>

/** A PostgreSQL database as a pipeline's destination. */
export function postgres(options: Omit<PostgresInput, 'type'>): PostgresInput {
  return { type: 'postgres', ...options }
}
