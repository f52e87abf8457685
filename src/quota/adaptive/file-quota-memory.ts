import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { QuotaMemory } from './quota-memory.ts'

const learnedRate = z.object({ ratePerSecond: z.number().positive(), at: z.number() })

/**
 * Keeps what was found in a file for each key in `directory`, which is made where it is missing. What can't be read or written is
 * forgotten: it is found again, at the price of some refusals.
 */
export function fileQuotaMemory(directory: string): QuotaMemory {
  const fileOf = (key: string) =>
    join(directory, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
  return {
    async read(key) {
      try {
        return learnedRate.parse(JSON.parse(await readFile(fileOf(key), 'utf8')))
      } catch {
        return undefined
      }
    },
    async write(key, learned) {
      const path = fileOf(key)
      const temporary = `${path}.${randomUUID()}.tmp`
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await writeFile(temporary, JSON.stringify(learned), { mode: 0o600 })
        await rename(temporary, path)
      } catch {
        await rm(temporary, { force: true }).catch(() => {})
      }
    },
  }
}
