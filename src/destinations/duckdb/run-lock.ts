import { rm } from 'node:fs/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { exists } from './database.ts'
import { type FileHolder, fileHolder } from './file-holder.ts'

// While a session has given its file back, `<file>.lock` says that it goes on: it is a DuckDB file of its own, which holds nothing, and
// whose lock the system takes away with the process. Whoever makes, asks or removes it holds the file itself at that time (but for
// one who is done), so that there are never two of it.

/** Keeps other sessions that would write out of a file that others may read meanwhile. */
export class RunLock {
  readonly #path: string
  readonly #instance: DuckDBInstance

  private constructor(path: string, instance: DuckDBInstance) {
    this.#path = path
    this.#instance = instance
  }

  /** Takes it. The caller holds the file. */
  static async take(file: string): Promise<RunLock> {
    const path = lockPath(file)
    try {
      return new RunLock(path, await openLock(path))
    } catch (error) {
      // Half of one, where the disk is full.
      if (fileHolder(error) === undefined) await rm(path, { force: true })
      throw error
    }
  }

  /** Who has given the file back for a while, and goes on with it; what someone who died has left is removed. The caller holds the file. */
  static async holderOf(file: string): Promise<FileHolder | undefined> {
    const path = lockPath(file)
    if (!(await exists(path))) return undefined
    try {
      const instance = await openLock(path)
      instance.closeSync()
    } catch (error) {
      const holder = fileHolder(error)
      if (holder !== undefined) return holder
      // Whoever made it died before it was whole.
    }
    await rm(path, { force: true })
    return undefined
  }

  async release(): Promise<void> {
    // Removed while it is held: afterwards it could be another's. Where the system does not allow that, the next session removes it.
    await rm(this.#path, { force: true }).catch(() => undefined)
    this.#instance.closeSync()
  }
}

function lockPath(file: string): string {
  return `${file}.lock`
}

function openLock(path: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(path, {
    threads: '1',
    memory_limit: '8MiB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
}
