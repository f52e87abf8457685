import type { Connection } from './connection.ts'
import { storedName } from './names.ts'
import { LockTimeout } from './transaction-errors.ts'

/** More than these say nothing new. */
const MOST_TOLD = 3

type HolderRow = [pid: number, user: string | null, application: string | null, state: string | null]

/** Whether a lock was not free within `lockTimeout`. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}

/** That failure, with who held the locks, where that can be told. */
export async function lockTimeout(
  connection: Connection,
  schema: string,
  locks: readonly bigint[],
  error: unknown,
): Promise<LockTimeout> {
  return new LockTimeout(await tellHolders(connection, schema, locks).catch(() => ''), error)
}

/**
 * Who holds a table of the schema, or one of the locks. Of another user's connections not all is told, and never what they run.
 * @param locks advisory ones
 */
async function tellHolders(
  connection: Connection,
  schema: string,
  locks: readonly bigint[],
): Promise<string> {
  const rows = await connection.rows<HolderRow>(
    `SELECT DISTINCT a.pid, a.usename, a.application_name, a.state
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.granted AND a.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND CASE l.locktype
         WHEN 'relation' THEN EXISTS (
           SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.oid = l.relation AND n.nspname = $1 AND c.relkind IN ('r', 'p'))
         WHEN 'advisory' THEN (l.classid::bigint << 32 | l.objid::bigint) = ANY($2::bigint[]) AND l.objsubid = 1
         ELSE false END
     ORDER BY a.pid LIMIT ${MOST_TOLD + 1}`,
    [storedName(schema), locks.map(String)],
  )
  const told = rows.slice(0, MOST_TOLD).map(([pid, user, application, state]) => {
    const facts = [application || undefined, user && `user ${user}`, state].filter(Boolean)
    return `the server’s process ${pid}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
  })
  return `${told.join(', ')}${rows.length > MOST_TOLD ? ' and others' : ''}`
}
