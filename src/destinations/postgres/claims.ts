import { StreamBusyError } from '../errors.ts'
import { lockKey } from './locks.ts'
import type { Workplace } from './workplace.ts'

// A claim is an advisory lock of the session's connection: it goes when the connection does, however its process ends.

/**
 * Takes a stream for the connection.
 * @throws StreamBusyError where another connection holds it
 */
export async function claimStream(workplace: Workplace, stream: string): Promise<void> {
  const { connection, schema, pipeline } = workplace
  const key = lockKey('claim', schema, pipeline, stream)
  const [[taken] = [false]] = await connection.rows<[boolean]>('SELECT pg_try_advisory_lock($1::bigint)', [
    String(key),
  ])
  if (!taken) throw new StreamBusyError(stream, await holderOf(workplace, key))
}

type HolderRow = [pid: number, application: string | null, host: string | null, since: string | null]

/** Who holds a lock. Of another user's connections not all is told. */
async function holderOf({ connection }: Workplace, key: bigint): Promise<string> {
  const bits = BigInt.asUintN(64, key)
  const [row] = await connection.rows<HolderRow>(
    `SELECT a.pid, a.application_name, coalesce(host(a.client_addr), 'this server'), a.backend_start
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid::bigint = $1 AND l.objid::bigint = $2`,
    [String(bits >> 32n), String(bits & 0xffff_ffffn)],
  )
  if (row === undefined) return 'another session, which has just ended'
  const [pid, application, host, since] = row
  const name = application === null || application === '' ? 'another session' : application
  return `${name} from ${host}, the server’s process ${pid}${since === null ? '' : `, since ${since}`}`
}
