// A real file system of a few MiB: a tmpfs in a mount namespace of its own, which a user namespace allows without root. Processes
// that enter the namespace see it, others reach it through /proc. Some systems forbid user namespaces, and none but Linux has them.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MOUNT = 'mount -t tmpfs -o size="$2" tmpfs "$1"'

/** Why no such disk can be made here; `undefined` where it can. */
export function tinyDiskRefusal(): string | undefined {
  const { status, stderr, error } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', MOUNT, 'sh', tmpdir(), '64k'],
    { encoding: 'utf8' },
  )
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

export interface TinyDisk extends AsyncDisposable {
  /** Where it lies for processes that enter it. */
  readonly path: string
  /** What a path on it begins with for everybody else. */
  readonly root: string
  /** Goes before a command that is to enter it. */
  readonly enter: readonly string[]
}

/** @param size in bytes */
export async function tinyDisk(size: number): Promise<TinyDisk> {
  const point = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  // It lives as long as the process that holds its namespace: until its input ends.
  const script = `${MOUNT} && echo mounted && exec cat`
  const holder = spawn(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', point, `${size}`],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(holder, 'exit')
  await once(holder.stdout, 'data')
  return {
    path: point,
    root: `/proc/${holder.pid}/root`,
    enter: ['nsenter', `--target=${holder.pid}`, '--user', '--mount', '--preserve-credentials'],
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      await ended
      await rmdir(point)
    },
  }
}
