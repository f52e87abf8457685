import { z } from 'zod'
import { duration } from '../../options/duration.ts'
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
        'The DuckDB file; made if it is not there, its directory must exist. One run at a time can load into it. A relative path starts from the folder of the pipeline file.',
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
    idleRelease: z
      .union([z.literal('off'), duration])
      .prefault('1s')
      .describe(
        'After how long without anything to write a run gives the file back, so that other programs can read it until the next commit. Default "1s". "off": it keeps the file to its end.',
      ),
    lockTimeout: duration
      .prefault('60s')
      .describe(
        'How long a run waits for another program that has the file open: at its start for one that reads it, and later, when it takes the file again, for any. Who only reads waits 5 seconds at most. Default "60s". "0s": it fails at once.',
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
