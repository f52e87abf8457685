import { z } from 'zod'
import { size } from '../../options/size.ts'

const MIB = 1024 * 1024

/** Loads into a DuckDB file. */
export const duckdbOptions = z
  .strictObject({
    type: z.literal('duckdb').describe('A DuckDB file.'),
    path: z
      .string()
      .min(1)
      .describe(
        'The DuckDB file; made if it is not there, its directory must exist. One process at a time can hold it. A relative path starts from the folder of the pipeline file.',
      ),
    memoryLimit: size
      .refine((bytes) => bytes >= 96 * MIB, { error: 'memoryLimit must be at least "96MiB"' })
      .prefault('96MiB')
      .describe(
        'Most memory that DuckDB uses for its buffers; beyond it, it spills to `<path>.tmp`. A table of more than 50 columns adds 1.5 MiB for each of the others. Default, and least, "96MiB".',
      ),
    threads: z
      .int()
      .min(1)
      .max(256)
      .default(1)
      .describe(
        'How many threads DuckDB uses, beside the one that reads the API. Default 1: more speed up large merges and your own queries, not appends.',
      ),
  })
  .describe('Loads into a DuckDB file.')

/** The options as a user writes them. */
export type DuckdbInput = z.input<typeof duckdbOptions>

/** The options, validated, with their defaults. */
export type DuckdbOptions = z.output<typeof duckdbOptions>

/** A DuckDB file as a pipeline's destination. */
export function duckdb(options: Omit<DuckdbInput, 'type'>): DuckdbInput {
  return { type: 'duckdb', ...options }
}
