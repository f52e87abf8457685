import { z } from 'zod'
import { secret } from '../../options/secret.ts'

export const quotaStoreOptions = z.strictObject({
  type: z.literal('postgres').describe('PostgreSQL, by the package pg.'),
  url: secret.describe('Its address, as in "postgres://user:password@host/database".'),
  schema: z
    .string()
    .min(1)
    .optional()
    .describe('Where its two tables and its function are created when they are missing. Default "public".'),
})
export type QuotaStoreSettings = z.output<typeof quotaStoreOptions>
