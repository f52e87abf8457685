// A lock between processes: a file that only one of them can create. It names its holder, so that a lock that was left behind by
// a process that died is found out: at once where the process ran on this machine, else by its age.
import { randomUUID } from 'node:crypto'
import { open, readFile, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Clock } from '../ports/runtime.ts'

interface Holder {
  readonly id: string
  readonly pid: number
  readonly host: string
  /** Milliseconds since 1970 on the holder's clock. */
  readonly at: number
}

/** Longer than any refresh takes: see `patienceMs`, and the time limit of the one request that may be under way at its end. */
const staleAfterMs = 5 * 60_000
/** A holder writes its name at once; a file that stays without one belongs to a process that died in between. */
const namelessAfterMs = 10_000
const pollMs = 50

/** Waits until the file is ours; resolves to what removes it. */
export async function lockFile(
  path: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<() => Promise<void>> {
  let namelessSince: number | undefined
  for (;;) {
    signal?.throwIfAborted()
    const id = randomUUID()
    if (await create(path, id, clock)) {
      return async () => {
        // Whoever took the lock for left behind holds it now.
        if ((await readHolder(path))?.id === id) await remove(path)
      }
    }
    const holder = await readHolder(path)
    if (holder) namelessSince = undefined
    else namelessSince ??= clock.now()
    const leftBehind = holder
      ? isLeftBehind(holder, clock.now())
      : clock.now() - (namelessSince ?? 0) > namelessAfterMs
    if (leftBehind) await takeAway(path, holder, clock)
    else await clock.sleep(pollMs, signal)
  }
}

/**
 * Removes a lock that was left behind. Two processes may see it at once, and the slower one must not remove the lock that the
 * faster one has taken since: a second file, held for this moment only, lets them look again one by one.
 */
async function takeAway(path: string, seen: Holder | undefined, clock: Clock): Promise<void> {
  const guard = `${path}.break`
  if (!(await create(guard, randomUUID(), clock))) {
    const breaker = await readHolder(guard)
    if (breaker && isLeftBehind(breaker, clock.now())) await remove(guard)
    else await clock.sleep(pollMs)
    return
  }
  try {
    if ((await readHolder(path))?.id === seen?.id) await remove(path)
  } finally {
    await remove(guard)
  }
}

async function create(path: string, id: string, clock: Clock): Promise<boolean> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  try {
    const holder: Holder = { id, pid: process.pid, host: hostname(), at: clock.now() }
    await file.writeFile(JSON.stringify(holder))
  } finally {
    await file.close()
  }
  return true
}

/** `undefined` where there is no lock, or its holder has not written its name yet. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isLeftBehind(holder: Holder, now: number): boolean {
  if (Math.abs(now - holder.at) > staleAfterMs) return true
  return holder.host === hostname() && !isAlive(holder.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
