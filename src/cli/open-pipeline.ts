import { type AssembledPipeline, assemblePipeline } from '../config/assemble.ts'
import type { Pipeline } from '../config/pipeline.ts'
import { requireAddresses, requireSecrets } from '../config/secrets.ts'
import { withSources } from '../config/select-sources.ts'
import { systemLookup } from '../config/system-lookup.ts'
import { loadNamedOrDefault } from './pipeline-file.ts'

export interface OpenedPipeline extends AssembledPipeline {
  readonly pipeline: Pipeline
}

export interface OpenPipelineOptions {
  /** Streams or sources; the sources of others need no variables. Default: all. */
  readonly only?: readonly string[] | undefined
  /**
   * What the sources are there for: to be asked (`secrets`), to say what they would be asked (`addresses`), or to say what streams they
   * have (`nothing`). Variables that are missing are told all at once.
   */
  readonly needs: 'secrets' | 'addresses' | 'nothing'
  /** An API that does not answer is asked once more, and no oftener. */
  readonly hasty?: boolean
}

/**
 * Loads the named pipeline file, or the one of this folder, and puts it together. Nothing is asked yet.
 * @throws ConfigError, SecretMissingError
 */
export async function openPipeline(
  file: string | undefined,
  { only, needs, hasty = false }: OpenPipelineOptions,
): Promise<OpenedPipeline> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const selected = withSources(pipeline, only)
  if (needs === 'secrets') requireSecrets(selected, systemLookup)
  if (needs === 'nothing') requireSecrets({ destination: selected.destination, sources: {} }, systemLookup)
  if (needs === 'addresses') requireAddresses(selected, systemLookup)
  const withApis = needs === 'nothing' ? withoutApis(selected) : selected
  const patient = hasty ? withSettings(withApis, hurry) : withApis
  // Whoever opens a pipeline to look at it waits for the answer; runs have a way of their own.
  const assembled = await assemblePipeline(patient, {
    directory,
    lookup: systemLookup,
    priority: 'interactive',
  })
  return { ...assembled, pipeline }
}

type SourceSettings = Pipeline['sources'][string]

/** The same streams, at an address that nobody has (RFC 2606): what looks at them alone needs no variable. */
function withoutApis(pipeline: Pipeline): Pipeline {
  return withSettings(pipeline, (source) => ({
    ...source,
    baseUrl: 'http://unasked.invalid',
    auth: { type: 'none' },
  }))
}

function hurry(source: SourceSettings): SourceSettings {
  return { ...source, retry: { ...source.retry, maxAttempts: Math.min(source.retry.maxAttempts, 2) } }
}

function withSettings(pipeline: Pipeline, change: (source: SourceSettings) => SourceSettings): Pipeline {
  return {
    ...pipeline,
    sources: Object.fromEntries(
      Object.entries(pipeline.sources).map(([name, source]) => [name, change(source)]),
    ),
  }
}
