import { z } from 'zod'
import { secret } from '../../options/secret.ts'

export function isPostgresUrl(url: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(url)
}

export const quotaStoreOptions = z.strictObject({
  type: z.literal('postgres').describe('PostgreSQL, by the package pg.'),
  url: secret
    .refine((url) => isPostgresUrl(typeof url === 'string' ? url : url.write(() => 'postgres://')), {
      // What it was may hold a password (S1).
      error: 'this is no address of a PostgreSQL database: write "postgres://user:password@host/database"',
    })
    .describe('Its address, as in "postgres://user:password@host/database".'),
  schema: z
    .string()
    .min(1)
    .optional()
    .describe('Where its three tables and its function are created when they are missing. Default "public".'),
})
export type QuotaStoreSettings = z.output<typeof quotaStoreOptions>
