import type { Clock } from '../../ports/runtime.ts'
import { noQuotaMemory, type QuotaMemory } from '../memory/quota-memory.ts'
import { QuotaQueue } from '../queue.ts'
import { AdaptiveRate } from './adaptive-rate.ts'

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
  let writing = false
  const meter = new AdaptiveRate({
    learned: memory.read(key),
    random,
    wallNow: clock.now(),
    onLearned: () => void write(),
  })
  /** One write at a time: what is found while it lasts is written after it. */
  async function write(): Promise<void> {
    if (writing) return
    writing = true
    for (let written: number | undefined; written !== meter.learned()?.at; ) {
      const learned = meter.learned()!
      written = learned.at
      await memory.write(key, learned).catch(() => {})
    }
    writing = false
  }
  return new QuotaQueue('what the API is found to allow', [meter], clock)
}
