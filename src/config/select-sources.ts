import type { Pipeline } from './pipeline.ts'

/**
 * The pipeline with those sources alone that `only` names (`desk`, `desk.tickets`): what is not read needs no address and no credential.
 * A name that there is not leaves it whole, for whoever has to say what there is.
 */
export function withSources(pipeline: Pipeline, only: readonly string[] | undefined): Pipeline {
  if (only === undefined) return pipeline
  const wanted = new Set<string>()
  for (const name of only) {
    const [source = '', stream] = name.split('.', 2)
    const settings = Object.hasOwn(pipeline.sources, source) ? pipeline.sources[source] : undefined
    const known = settings !== undefined && (stream === undefined || Object.hasOwn(settings.streams, stream))
    if (!known) return pipeline
    wanted.add(source)
  }
  return {
    ...pipeline,
    sources: Object.fromEntries(Object.entries(pipeline.sources).filter(([name]) => wanted.has(name))),
  }
}
