import { createHash } from 'node:crypto'

// Sluice's writers keep out of each other's way by advisory locks of the transaction: one for each stream and each table that a commit
// touches, taken before anything else, in the order of their numbers, so that no two commits wait for each other. Readers see nothing of them.

/** A lock's number: 64 bits of a hash of what it stands for. Two that share one by chance wait for each other, no more. */
export function lockKey(...of: readonly string[]): bigint {
  return createHash('sha256')
    .update(['sluice', ...of].join('\0'))
    .digest()
    .readBigInt64BE(0)
}

/** A statement that takes locks until the transaction ends. */
export function takeLocks(keys: readonly bigint[]): string {
  const ordered = [...new Set(keys)].sort((a, b) => (a < b ? -1 : 1))
  return ordered.map((key) => `SELECT pg_advisory_xact_lock(${key})`).join('; ')
}

/** The lock under which a stream's checkpoints move. */
export function streamLock(schema: string, pipeline: string, stream: string): bigint {
  return lockKey('stream', schema, pipeline, stream)
}

/** The lock under which a table is changed by whoever loads into it. */
export function tableLock(schema: string, table: string): bigint {
  return lockKey('table', schema, table)
}
