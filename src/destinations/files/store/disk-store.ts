import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Runtime } from '../../../ports/runtime.ts'
import { nonce } from '../nonce.ts'
import { explainDisk } from './disk-failure.ts'
import type { ObjectStore, StagedFile, StoredObject } from './object-store.ts'

/** A folder on a local disk, or on one that is mounted and keeps to POSIX: `link` must refuse a name that is taken. */
export class DiskStore implements ObjectStore {
  readonly #root: string
  readonly #runtime: Pick<Runtime, 'clock' | 'random'>
  readonly description: string

  /** @param root absolute */
  constructor(root: string, runtime: Pick<Runtime, 'clock' | 'random'>) {
    this.#root = root
    this.#runtime = runtime
    this.description = `files ${root}`
  }

  location(key: string): string {
    return join(this.#root, key)
  }

  now(): number {
    return this.#runtime.clock.now()
  }

  create(key: string, body: Uint8Array): Promise<boolean> {
    return this.#do('write', key, async (path) => {
      const partial = await writePartial(path, body, nonce(this.#runtime.random))
      try {
        // The name appears with all its bytes, which are on the disk, or not at all; `link` never takes another's place.
        await link(partial, path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      } finally {
        await rm(partial, { force: true })
      }
      await syncFolder(path)
      return true
    })
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#do('write', key, async (path) => {
      const partial = await writePartial(path, body, nonce(this.#runtime.random))
      await rename(partial, path)
      await syncFolder(path)
    })
  }

  get(key: string): Promise<Uint8Array | null> {
    return this.#do('read', key, (path) => orNull(readFile(path)))
  }

  async localCopy(key: string): Promise<string> {
    return this.location(key)
  }

  async has(key: string): Promise<boolean> {
    return this.#do('read', key, async (path) => (await orNull(stat(path))) !== null)
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredObject> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    yield* this.#walk(folder, prefix, after)
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#do('delete', key, (path) => rm(path, { force: true }))
  }

  async stage(key: string): Promise<StagedFile> {
    const path = this.location(key)
    await this.#do('write', key, () => mkdir(dirname(path), { recursive: true }))
    return {
      path,
      keep: () =>
        this.#do('write', key, async () => {
          await using file = await open(path, 'r')
          await file.sync()
          await syncFolder(path)
          return (await file.stat()).size
        }),
      explain: (error) => explainDisk(error, this.description, 'write', path),
      drop: () => rm(path, { force: true }).catch(() => undefined),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#walk(folder: string, prefix: string, after: string): AsyncIterable<StoredObject> {
    const found = await this.#do('read', folder, (path) => orNull(readdir(path, { withFileTypes: true })))
    // In the order of keys, a folder's being that of what is in it.
    const entries = (found ?? [])
      .map((entry) => ({ key: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`, entry }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const { key, entry } of entries) {
      if (entry.isDirectory()) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.#walk(key, prefix, after)
        continue
      }
      if (!key.startsWith(prefix) || key <= after) continue
      const info = await this.#do('read', key, (path) => orNull(stat(path)))
      if (info !== null) yield { key, bytes: info.size, modifiedAt: info.mtimeMs }
    }
  }

  async #do<Result>(
    what: 'read' | 'write' | 'delete',
    key: string,
    work: (path: string) => Promise<Result>,
  ): Promise<Result> {
    const path = this.location(key)
    try {
      return await work(path)
    } catch (error) {
      throw explainDisk(error, this.description, what, path)
    }
  }
}

/** Writes bytes beside `path`, and has them on the disk before it resolves to where. */
async function writePartial(path: string, body: Uint8Array, name: string): Promise<string> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const partial = join(folder, `.partial-${name}`)
  try {
    await using file = await open(partial, 'wx')
    await file.writeFile(body)
    await file.sync()
    return partial
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw error
  }
}

/** A new name is on the disk once its folder is. */
async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(dirname(path), 'r')
    await folder.sync()
  } catch (error) {
    // Some systems have no such thing for folders, and some file systems neither.
    if (!['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error
  }
}

async function orNull<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}
