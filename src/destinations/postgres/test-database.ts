import pg from 'pg'
import type { JsonRecord } from '../../ports/json.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { stateRows } from '../conformance/state-rows.ts'
import type { ConformanceHarness } from '../conformance.ts'
import { Connection } from './connection.ts'
import { literal, qualified, quote, storedName } from './names.ts'
import { createPostgresDestination, type PostgresDestination, postgresOptions } from './postgres.ts'
import { readQuery } from './query.ts'

/** The destination for a schema of a server, with the defaults. */
export function destinationAt(
  url: string,
  schema: string,
  options: { lockTimeout?: string; statementTimeout?: string } = {},
  clock?: Clock,
): PostgresDestination {
  return createPostgresDestination(
    postgresOptions.parse({ type: 'postgres', url, schema, ...options }),
    () => undefined,
    clock,
  )
}

/** A connection that only looks. */
export function connectTo(url: string): Promise<Connection> {
  return Connection.open({
    url,
    description: 'postgres',
    applicationName: 'test',
    lockTimeoutMs: 10_000,
    statementTimeoutMs: 0,
    readOnly: true,
  })
}

/** Runs statements as somebody else does. */
export async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Looks into a schema for the conformance suite, by way of one connection for all cases. */
export function postgresHarness(url: string, schema: string, connection: Connection): ConformanceHarness {
  const destination = destinationAt(url, schema)
  const query = (sql: string) => readQuery(connection, sql)
  const of = (table: string, pipeline: string) =>
    query(`SELECT * FROM ${qualified(schema, table)} WHERE pipeline = ${literal(pipeline)}`)
  return {
    open: async () => destination,
    reopen: async () => destinationAt(url, schema),
    async rows(table) {
      const columns = await query(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = ${literal(schema)} AND table_name = ${literal(storedName(table))}`,
      )
      if (columns.length === 0) return []
      const [known] = await query(
        `SELECT columns FROM ${qualified(schema, '_sluice_schemas')} WHERE table_name = ${literal(table)} AND NOT staged`,
      )
      const written = JSON.parse(known!['columns'] as string) as TableSchema
      const names = new Map(written.columns.map(({ name }) => [storedName(name), name]))
      const rows = await query(
        `SELECT ${columns.map(({ name }) => quote(name as string)).join(', ')} FROM ${qualified(schema, table)}`,
      )
      return rows.map(
        (row) =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [names.get(name) ?? name, value]),
          ) as JsonRecord,
      )
    },
    ...stateRows(of),
  }
}
