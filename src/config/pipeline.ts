import { z } from 'zod'
import { duckdbOptions } from '../destinations/duckdb/options.ts'
import { filesOptions } from '../destinations/files/options.ts'
import { postgresOptions } from '../destinations/postgres/options.ts'
import { duration } from '../options/duration.ts'
import { badName } from '../options/name.ts'
import { parseOptions } from '../options/parse-options.ts'
import { size } from '../options/size.ts'
import { quotaStoreOptions } from '../quota/store/options.ts'
import { mergeDefaults, restOptions } from '../source/rest-options.ts'
import { refuseCycle } from './cycle.ts'
import { refuseSharedTables } from './shared-tables.ts'
import { refuseStrayVariables } from './stray-variables.ts'

const brand = Symbol.for('sluice.pipeline')

const nameOf = (what: string) =>
  z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, { error: (issue) => badName(issue.input, what) })

const batchOptions = z
  .strictObject({
    records: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20_000)
      .describe('Records after which a batch is committed. Default 20,000.'),
    size: size
      .prefault('16MiB')
      .describe('Size of the records as they were sent, after which a batch is committed. Default "16MiB".'),
    interval: duration
      .prefault('30s')
      .describe('Age after which a batch is committed when the next page arrives. Default "30s".'),
  })
  .describe(
    'When a batch is committed: whatever comes first. One batch is filled while another is committed, so memory grows with it.',
  )

export const pipelineOptions = z.strictObject({
  name: nameOf('a pipeline').describe(
    'Names the pipeline. Its checkpoints are kept under this name: with another one it starts anew.',
  ),
  destination: z
    .discriminatedUnion('type', [duckdbOptions, postgresOptions, filesOptions])
    .describe('Where the rows go.'),
  sources: z
    .record(nameOf('a source'), z.pipe(mergeDefaults, z.discriminatedUnion('type', [restOptions])))
    .describe('The APIs to read, by name.'),
  batch: batchOptions.prefault({}),
  concurrentStreams: z
    .int()
    .min(1)
    .max(1000)
    .default(16)
    .describe('How many streams are read side by side. Default 16.'),
  quotaStore: quotaStoreOptions
    .optional()
    .describe(
      'Where several processes share the declared quotas, each of them with this option. Default: nobody else asks.',
    ),
  patience: duration
    .prefault('2h')
    .describe(
      'Longest wait for a quota or a rate limit. Where it takes longer, the stream commits what it has and is paused; a run from then on goes on. Default "2h": windows of an hour are waited for, those of a day are not.',
    ),
})

/** A pipeline as a user writes it. */
export type PipelineInput = z.input<typeof pipelineOptions>

/** A pipeline that has been validated, with its defaults filled in. */
export type Pipeline = z.output<typeof pipelineOptions> & { readonly [brand]: true }

/**
 * Validates a pipeline and fills in its defaults. Secrets are not looked up yet.
 * @throws ConfigError that names the option, what was found, what is allowed, and the nearest right spelling
 */
export function definePipeline(input: PipelineInput): Pipeline {
  refuseCycle(input)
  const pipeline = Object.assign(parseOptions(pipelineOptions, input), { [brand]: true as const })
  refuseStrayVariables(pipeline)
  refuseSharedTables(pipeline)
  return pipeline
}

/** True for what `definePipeline` returned, also that of another copy of the package. */
export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && brand in value
}
