import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../ports/runtime.ts'
import { lockFile } from './lock-file.ts'
import { TokenStoreError } from './token-error.ts'
import type { TokenStore } from './token-store.ts'

const storedToken = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).exactOptional(),
  issuedAt: z.number(),
  expiresAt: z.number().nullable(),
})

/**
 * Keeps each credential's tokens in a file of its own in `directory`, which is made where it is missing; both are closed to other users.
 * A write has reached the disk when it resolves (S2). Processes that share the directory refresh one at a time.
 * @param clock tells how old a lock is that another process may have left behind
 * @throws TokenStoreError where a file can't be read, written or understood
 */
export function fileTokenStore(directory: string, clock: Clock): TokenStore {
  const fileOf = (name: string) => join(directory, `${encodeURIComponent(name)}.json`)
  return {
    async read(name) {
      const path = fileOf(name)
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw unusable(`the token file ${path} cannot be read`, error)
      }
      try {
        return storedToken.parse(JSON.parse(text))
      } catch {
        // The parser's own message would quote the file, and so a secret (S1).
        throw new TokenStoreError(
          `the token file ${path} holds no token that can be understood: restore it, or delete it and authorize the application again`,
        )
      }
    },
    async write(name, token) {
      const path = fileOf(name)
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await replaceFile(directory, path, JSON.stringify(token))
      } catch (error) {
        throw unusable(`the token file ${path} cannot be written`, error)
      }
    },
    async lock(name, signal) {
      const path = `${fileOf(name)}.lock`
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        return await lockFile(path, clock, signal)
      } catch (error) {
        signal?.throwIfAborted()
        throw unusable(`the lock file ${path} cannot be written`, error)
      }
    },
  }
}

/** Readers see the old file or the new one, and after a crash there is one of the two. */
async function replaceFile(directory: string, path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  // The rename itself is durable when the directory is on the disk.
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } catch (error) {
    // Windows knows no such thing, and says so.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
  } finally {
    await folder.close()
  }
}

function unusable(problem: string, cause: unknown): TokenStoreError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TokenStoreError(
    `${problem} (${reason}): make its directory readable and writable for this user, with space on its disk`,
    { cause },
  )
}
