import { isLockTimeout, lockTimeout } from './blockers.ts'
import type { Connection } from './connection.ts'
import { takeLocks } from './locks.ts'
import { CommitUnknown } from './transaction-errors.ts'

/**
 * Runs `work` in a transaction that holds advisory locks: all of it counts, or nothing.
 * @throws CommitUnknown where the connection breaks during COMMIT
 * @throws LockTimeout where a lock is not free in time
 */
export async function transaction<Result>(
  { connection, schema }: { readonly connection: Connection; readonly schema: string },
  locks: readonly bigint[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await connection.script(['BEGIN', ...(locks.length > 0 ? [takeLocks(locks)] : [])].join('; '))
    const result = await work()
    await commit(connection, result)
    return result
  } catch (error) {
    if (connection.isOpen) await connection.script('ROLLBACK').catch(() => undefined)
    throw isLockTimeout(error) ? await lockTimeout(connection, schema, locks, error) : error
  }
}

async function commit<Result>(connection: Connection, result: Result): Promise<void> {
  try {
    await connection.script('COMMIT')
  } catch (error) {
    if (connection.isOpen) throw error
    throw new CommitUnknown(result, error)
  }
}
