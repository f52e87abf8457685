import type { Clock } from '../../ports/runtime.ts'
import { QuotaQueue } from '../queue.ts'
import { AdaptiveRate } from './adaptive-rate.ts'
import { noQuotaMemory, type QuotaMemory } from './quota-memory.ts'

export interface AdaptiveQuotaOptions {
  /** Names what is remembered. */
  readonly key: string
  readonly clock: Clock
  /** Default: none. */
  readonly memory?: QuotaMemory | undefined
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined
}

/** The quota that an API does not tell of: see `AdaptiveRate`. It begins with what is remembered, and remembers what it finds. */
export function adaptiveQuota(options: AdaptiveQuotaOptions): QuotaQueue {
  const { key, clock, memory = noQuotaMemory, random } = options
  let writing: Promise<void> | undefined
  const meter = new AdaptiveRate({
    learned: memory.read(key),
    random,
    wallNow: clock.now(),
    // One write at a time: what is found while it lasts is written after it.
    onLearned: () => {
      writing ??= write()
    },
  })
  async function write(): Promise<void> {
    for (let written: unknown; written !== meter.learned()?.at; ) {
      const learned = meter.learned()!
      written = learned.at
      await memory.write(key, learned).catch(() => {})
    }
    writing = undefined
  }
  return new QuotaQueue('what the API is found to allow', [meter], clock)
}
