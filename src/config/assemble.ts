// Puts a validated pipeline together: this is where the rooms meet, and where secrets and paths are looked up.
import { closeAll } from '../engine/closing.ts'
import type { PipelineParts } from '../engine/run.ts'
import { ConfigError } from '../errors.ts'
import { revealSecret, type SecretLookup } from '../options/secret.ts'
import type { Destination } from '../ports/destination.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import type { QuotaMemory } from '../quota/memory/quota-memory.ts'
import { createQuotaRegistry } from '../quota/registry.ts'
import { isPostgresUrl } from '../quota/store/options.ts'
import { postgresQuotaStore } from '../quota/store/postgres-quota-store.ts'
import type { QuotaStore } from '../quota/store/quota-store.ts'
import { createRestSource } from '../source/rest.ts'
import type { RestSettings } from '../source/rest-options.ts'
import { createDestination } from './create-destination.ts'
import type { Pipeline } from './pipeline.ts'
import { sourceClient } from './source-client.ts'
import { type Surroundings, type SurroundingsOptions, surround } from './surroundings.ts'
import { systemLookup } from './system-lookup.ts'

/** A pipeline's surroundings. All have sensible defaults. */
export interface AssembleOptions extends SurroundingsOptions {
  /** Takes the place of the pipeline's destination: a destination of your own, or one for tests. */
  readonly destination?: Destination
}

export interface AssembledPipeline extends AsyncDisposable {
  readonly parts: PipelineParts
  readonly runtime: Runtime
  /** What earlier runs found of limits that no API tells, by `accountKey`. */
  readonly quotaMemory: QuotaMemory
}

/** Builds a pipeline's sources and its destination. Nothing is asked and nothing is opened yet. */
export async function assemblePipeline(
  pipeline: Pipeline,
  options: AssembleOptions = {},
): Promise<AssembledPipeline> {
  const store = options.quotaRegistry === undefined ? quotaStoreOf(pipeline, options.lookup) : undefined
  const around = surround(
    store === undefined ? options : { ...options, quotaRegistry: createQuotaRegistry({ store }) },
  )
  const surroundings = { ...around, patienceMs: around.patienceMs ?? pipeline.patience }
  const sources = Object.entries(pipeline.sources).map(([name, settings]) =>
    createSource(name, settings, surroundings),
  )
  const destination = options.destination ?? createDestination(pipeline.destination, surroundings)
  return {
    parts: {
      name: pipeline.name,
      sources,
      destination,
      batch: {
        maxRecords: pipeline.batch.records,
        maxBytes: pipeline.batch.size,
        maxAgeMs: pipeline.batch.interval,
      },
      concurrentStreams: pipeline.concurrentStreams,
    },
    runtime: surroundings.runtime,
    quotaMemory: surroundings.quotaMemory,
    async [Symbol.asyncDispose]() {
      await closeAll([...sources, { [Symbol.asyncDispose]: surroundings.close }, ...(store ? [store] : [])])
    },
  }
}

function quotaStoreOf({ quotaStore }: Pipeline, lookup: SecretLookup = systemLookup): QuotaStore | undefined {
  if (quotaStore === undefined) return undefined
  const { url, schema } = quotaStore
  return postgresQuotaStore({
    // A plan asks nothing, and needs no variables.
    get url() {
      const address = revealSecret(url, lookup)
      if (isPostgresUrl(address)) return address
      throw new ConfigError(
        'quotaStore.url',
        'its variables make no address of a PostgreSQL database: it is "postgres://user:password@host/database"',
      )
    },
    ...(schema !== undefined && { schema }),
  })
}

/** A source with its client. */
export function createSource(name: string, settings: RestSettings, surroundings: Surroundings): Source {
  const { client, redactor, endpointQuota, accountOf } = sourceClient(name, settings, surroundings)
  const { runtime, lookup, onEvent } = surroundings
  return createRestSource(name, settings, {
    client,
    clock: runtime.clock,
    lookup,
    redactor,
    endpointQuota,
    accountOf,
    onEvent,
  })
}
