import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SluiceError } from '../../errors.ts'
import { keptUse, type QuotaMemory } from './quota-memory.ts'

/** What is known of quotas from earlier runs can't be read or kept. It stops nothing. */
export class QuotaMemoryError extends SluiceError {
  readonly code = 'QUOTA_MEMORY_FAILED'
  readonly recovery = 'fix-config'
}

const learnedRate = z.object({ ratePerSecond: z.number().positive(), at: z.number() })

/**
 * Keeps files in `directory`, which is made where it is missing: one for each key with what was found, one with what was spent. A file is
 * replaced as a whole, so that processes that share the directory read the one or the other. What can't be read or written is forgotten:
 * quotas begin full and rates are found again, at the price of some refusals.
 * @param onProblem told of that: once of each file that can't be read, and once of the first that can't be written
 */
export function fileQuotaMemory(
  directory: string,
  onProblem: (problem: QuotaMemoryError) => void = () => {},
): QuotaMemory {
  let toldOfWriting = false
  const toldOfReading = new Set<string>()
  const fileOf = (key: string, kind = '') =>
    join(directory, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}${kind}.json`)

  async function read<Kept>(path: string, schema: z.ZodType<Kept>): Promise<Kept | undefined> {
    let reason: string
    try {
      const text = await readFile(path, 'utf8')
      const { success, data } = schema.safeParse(parseJson(text))
      if (success) return data
      reason = 'its content is damaged'
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      reason = error instanceof Error ? error.message : String(error)
    }
    if (!toldOfReading.has(path)) {
      toldOfReading.add(path)
      onProblem(
        new QuotaMemoryError(
          `what earlier runs knew of a quota cannot be read from ${path} (${reason}), so this run begins without it and may be refused: the file will be replaced; where that fails, delete it, and make its directory readable for this user`,
        ),
      )
    }
    return undefined
  }

  async function write(path: string, kept: unknown): Promise<void> {
    const temporary = `${path}.${randomUUID()}.tmp`
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(temporary, JSON.stringify(kept), { mode: 0o600 })
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      if (toldOfWriting) return
      toldOfWriting = true
      onProblem(
        new QuotaMemoryError(
          `what is known of a quota cannot be written to ${path} (${error instanceof Error ? error.message : String(error)}), so the next run begins without it and may be refused: make its directory writable for this user, with space on its disk`,
          { cause: error },
        ),
      )
    }
  }

  return {
    read: (key) => read(fileOf(key), learnedRate),
    write: (key, learned) => write(fileOf(key), learned),
    readUse: (key) => read(fileOf(key, '-use'), keptUse),
    writeUse: (key, use) => write(fileOf(key, '-use'), use),
  }
}

/** `undefined` for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
