// Puts a validated pipeline together: this is where the rooms meet, and where secrets and paths are looked up.
import { resolve } from 'node:path'
import { fileTokenStore } from '../auth/file-token-store.ts'
import { createAuthenticator } from '../auth/options.ts'
import type { TokenStore } from '../auth/token-store.ts'
import { createDuckdbDestination } from '../destinations/duckdb/duckdb.ts'
import { closeAll } from '../engine/closing.ts'
import type { PipelineParts } from '../engine/run.ts'
import { createClient } from '../http/client.ts'
import { createRedactor } from '../http/redact.ts'
import { systemRuntime } from '../http/system-runtime.ts'
import { revealSecret, type SecretLookup } from '../options/secret.ts'
import type { Destination } from '../ports/destination.ts'
import type { EventSink } from '../ports/events.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Source } from '../ports/source.ts'
import { createQuota } from '../quota/options.ts'
import { createRestSource } from '../source/rest.ts'
import type { RestSettings } from '../source/rest-options.ts'
import type { Pipeline } from './pipeline.ts'
import { systemLookup } from './system-lookup.ts'

/** The pipeline's surroundings. All have sensible defaults. */
export interface AssembleOptions {
  /** Clock, chance and network. Default: the machine's. */
  readonly runtime?: Runtime
  /** Finds secrets by the name of their variable, when they are needed. Default: the environment. */
  readonly lookup?: SecretLookup
  /** Where relative paths start, and where `.sluice/` keeps rotated refresh tokens. Default: the working directory. */
  readonly directory?: string
  /** Where rotated refresh tokens are kept (S2). Default: files below `directory`. */
  readonly tokenStore?: TokenStore
  /** Takes the place of the pipeline's destination: a destination of your own, or one for tests. */
  readonly destination?: Destination
  readonly onEvent?: EventSink
}

export interface AssembledPipeline extends AsyncDisposable {
  readonly parts: PipelineParts
  readonly runtime: Runtime
}

/** Builds a pipeline's sources and its destination. Nothing is asked and nothing is opened yet. */
export async function assemblePipeline(
  pipeline: Pipeline,
  options: AssembleOptions = {},
): Promise<AssembledPipeline> {
  const surroundings = surround(options)
  const sources = Object.entries(pipeline.sources).map(([name, settings]) =>
    createSource(name, settings, surroundings),
  )
  const destination =
    options.destination ??
    createDuckdbDestination({
      ...pipeline.destination,
      path: resolve(surroundings.directory, pipeline.destination.path),
    })
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
    async [Symbol.asyncDispose]() {
      await closeAll([...sources, { [Symbol.asyncDispose]: surroundings.close }])
    },
  }
}

interface Surroundings {
  readonly runtime: Runtime
  readonly lookup: SecretLookup
  readonly directory: string
  readonly tokenStore: TokenStore
  readonly onEvent: EventSink
  close(): Promise<void>
}

export function surround(options: AssembleOptions): Surroundings {
  const own = options.runtime === undefined ? systemRuntime() : undefined
  const runtime = options.runtime ?? own!
  const directory = options.directory ?? process.cwd()
  return {
    runtime,
    lookup: options.lookup ?? systemLookup,
    directory,
    tokenStore: options.tokenStore ?? fileTokenStore(resolve(directory, '.sluice', 'tokens'), runtime.clock),
    onEvent: options.onEvent ?? (() => {}),
    close: async () => {
      await own?.transport.close()
    },
  }
}

/** A source with its client: one credential, its quotas (Q3), one breaker. */
export function createSource(name: string, settings: RestSettings, surroundings: Surroundings): Source {
  const { runtime, lookup, tokenStore, onEvent } = surroundings
  const redactor = createRedactor()
  const auth = createAuthenticator(settings.auth, {
    runtime,
    lookup,
    tokenStore,
    onEvent,
    onSecret: (value) => redactor.add(value),
    source: name,
  })
  const client = createClient({
    name,
    baseUrl: revealSecret(settings.baseUrl, lookup),
    runtime,
    headers: settings.headers ?? {},
    auth,
    quotas: [createQuota(settings, runtime.clock)],
    retry: settings.retry,
    breaker: settings.breaker,
    timeouts: settings.timeouts,
    maxConcurrent: settings.maxConcurrent,
    maxBodySize: settings.limits.maxBodySize,
    allowedOrigins: settings.allowedOrigins,
    onEvent,
    redactor,
  })
  return createRestSource(name, settings, { client, clock: runtime.clock, redactor })
}
