import { resolve } from 'node:path'
import { fileTokenStore } from '../auth/file-token-store.ts'
import type { TokenStore } from '../auth/token-store.ts'
import { systemRuntime } from '../http/system-runtime.ts'
import { duration } from '../options/duration.ts'
import { parseOptions } from '../options/parse-options.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { EventSink } from '../ports/events.ts'
import type { Runtime } from '../ports/runtime.ts'
import { fileQuotaMemory } from '../quota/memory/file-quota-memory.ts'
import { noQuotaMemory, type QuotaMemory } from '../quota/memory/quota-memory.ts'
import type { QuotaPriority } from '../quota/quota.ts'
import { createQuotaRegistry, type QuotaRegistry } from '../quota/registry.ts'
import { systemLookup } from './system-lookup.ts'

/** What pipelines, sources and clients live in. All of it has sensible defaults. */
export interface SurroundingsOptions {
  /** Clock, chance and network. Default: the machine's. */
  readonly runtime?: Runtime
  /** Finds secrets by the name of their variable, when they are needed. Default: the environment. */
  readonly lookup?: SecretLookup
  /** Where relative paths start, and where `.sluice/` keeps rotated refresh tokens and the limits that were found. Default: the working directory. */
  readonly directory?: string
  /** Where rotated refresh tokens are kept (S2). Default: files below `directory`. */
  readonly tokenStore?: TokenStore
  /**
   * Where quotas are shared: all that use one credential at one API, by the same registry, share its limits (Q3). Give one registry,
   * from `createQuotaRegistry()`, to pipelines, sources and clients that are used side by side. Default: one of its own.
   */
  readonly quotaRegistry?: QuotaRegistry
  /**
   * Where it is kept what was found of limits that an API does not tell, and what was spent of those that are declared. Default: files below
   * `directory`; with a `runtime` of your own nothing is kept.
   */
  readonly quotaMemory?: QuotaMemory
  readonly onEvent?: EventSink
  /**
   * Longest wait for a quota or a rate limit, as in `"30s"`. A longer one fails with `QUOTA_PAUSED` or `RATE_LIMITED`, and `resumeAt`.
   * Default: what the pipeline says, else `"2h"`.
   */
  readonly patience?: string
  /**
   * `interactive`: somebody waits for what is asked, so it passes what waits in the background for the same quotas, by the same registry.
   * Default: `background`.
   */
  readonly priority?: QuotaPriority
}

export interface Surroundings extends Required<Omit<SurroundingsOptions, 'patience'>> {
  /** Absent where nobody says. */
  readonly patienceMs: number | undefined
  close(): Promise<void>
}

export function surround(options: SurroundingsOptions): Surroundings {
  const own = options.runtime === undefined ? systemRuntime() : undefined
  const runtime = options.runtime ?? own!
  const directory = options.directory ?? process.cwd()
  const onEvent = options.onEvent ?? (() => {})
  const quotaRegistry = options.quotaRegistry ?? createQuotaRegistry()
  return {
    runtime,
    lookup: options.lookup ?? systemLookup,
    directory,
    tokenStore: options.tokenStore ?? fileTokenStore(resolve(directory, '.sluice', 'tokens'), runtime.clock),
    quotaRegistry,
    quotaMemory:
      options.quotaMemory ??
      (own === undefined
        ? noQuotaMemory
        : fileQuotaMemory(resolve(directory, '.sluice', 'quotas'), ({ code, message }) =>
            onEvent({
              type: 'run.problem',
              at: runtime.clock.now(),
              problem: 'quotas-not-kept',
              code,
              message,
            }),
          )),
    onEvent,
    priority: options.priority ?? 'background',
    patienceMs: options.patience === undefined ? undefined : parseOptions(duration, options.patience),
    close: async () => {
      await quotaRegistry.save()
      await own?.transport.close()
    },
  }
}
