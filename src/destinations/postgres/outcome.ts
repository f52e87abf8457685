import type { Clock } from '../../ports/runtime.ts'
import { DestinationError } from '../errors.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { findLoad } from './load-record.ts'
import { streamLock, takeLocks } from './locks.ts'
import type { Workplace } from './workplace.ts'

/** A server that died is up again within these, as a rule. */
const TRIES = 30
const BETWEEN_TRIES_MS = 1000

/** The commit whose connection broke. */
export interface BrokenCommit {
  readonly loadId: string
  readonly stream: string
  /** The server's process, and when it began: a number may be another one's by now. */
  readonly pid: number
  readonly startedAt: string
}

/**
 * Finds out whether a load came through whose connection broke during COMMIT, by its record (C3).
 * @throws DestinationError where the server can't be asked
 */
export async function cameThrough(
  commit: BrokenCommit,
  settings: ConnectionSettings,
  workplace: Workplace,
  clock: Clock,
): Promise<boolean> {
  const connection = await reconnect(settings, clock)
  try {
    // It may still be at it, or wait for a word that never comes: its locks are free once it has ended, either way.
    await connection.rows(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2',
      [commit.pid, commit.startedAt],
    )
    await connection.script(
      `BEGIN; ${takeLocks([streamLock(workplace.schema, workplace.pipeline, commit.stream)])}`,
    )
    return (await findLoad({ ...workplace, connection }, commit.loadId)) !== undefined
  } catch (error) {
    throw unknown(settings.description, error)
  } finally {
    await connection.close()
  }
}

async function reconnect(settings: ConnectionSettings, clock: Clock): Promise<Connection> {
  for (let tries = 1; ; tries++) {
    try {
      return await Connection.open(settings)
    } catch (error) {
      if (tries === TRIES) throw unknown(settings.description, error)
      await clock.sleep(BETWEEN_TRIES_MS)
    }
  }
}

function unknown(description: string, cause: unknown): DestinationError {
  return new DestinationError(
    description,
    'the connection was lost while a load was being committed, and the server can’t be asked whether it came through. ' +
      'Nothing is lost or doubled either way: run again once the server is up, it goes on from what is committed ' +
      `(${cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)})`,
    { cause },
  )
}
