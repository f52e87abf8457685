import type { Connection } from './connection.ts'
import { takeLocks } from './locks.ts'

/** The connection broke while the transaction was being committed: whether it came through is not known. */
export class CommitUnknown extends Error {}

/**
 * Runs `work` in a transaction that holds locks: all of it counts, or nothing.
 * @throws CommitUnknown where the connection breaks during COMMIT
 */
export async function transaction<Result>(
  connection: Connection,
  locks: readonly bigint[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await connection.script(['BEGIN', ...(locks.length > 0 ? [takeLocks(locks)] : [])].join('; '))
    const result = await work()
    await commit(connection)
    return result
  } catch (error) {
    if (connection.isOpen) await connection.script('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function commit(connection: Connection): Promise<void> {
  try {
    await connection.script('COMMIT')
  } catch (error) {
    if (connection.isOpen) throw error
    throw new CommitUnknown('the connection broke during COMMIT', { cause: error })
  }
}
