import type { Clock } from '../../ports/runtime.ts'
import type { QueuedQuota } from '../combine.ts'
import { acquireTogether } from '../line.ts'
import { noQuotaMemory, type QuotaMemory } from '../memory/quota-memory.ts'
import type { Take } from '../permit.ts'
import { QuotaQueue } from '../queue.ts'
import type { Permit, QuotaAsk } from '../quota.ts'
import { routeName } from '../reported/route-name.ts'
import { quotaLimit } from '../usage.ts'
import { AdaptiveRate } from './adaptive-rate.ts'
import type { RefusalScope } from './options.ts'

export interface AdaptiveQuotaOptions {
  /** Names what is remembered. */
  readonly key: string
  readonly clock: Clock
  /** Default: none. */
  readonly memory?: QuotaMemory | undefined
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined
  /** What a refusal speaks of. Default: `account`. */
  readonly scope?: RefusalScope | undefined
}

const found = 'what the API is found to allow'
/** Paths that are told apart; further ones share a rate. */
const mostEndpoints = 1000

/** The quota that an API does not tell of: see `AdaptiveRate`. It begins with what is remembered, and remembers what it finds. */
export function adaptiveQuota(options: AdaptiveQuotaOptions): QueuedQuota {
  return options.scope === 'endpoint'
    ? new EndpointRates(options)
    : new QuotaQueue(found, [adaptiveMeter(options)], options.clock, { limit: quotaLimit(found, 'found') })
}

/** One rate for each method and path. */
class EndpointRates implements QueuedQuota {
  readonly name = found
  readonly #options: AdaptiveQuotaOptions
  readonly #queues = new Map<string, QuotaQueue>()
  /** One for all, since a path may hold a secret (S1), and so one sum of what they came to. */
  readonly #limit = quotaLimit(found, 'found')

  constructor(options: AdaptiveQuotaOptions) {
    this.#options = options
  }
  acquire(ask: QuotaAsk = {}): Promise<Permit> {
    return acquireTogether(this.takesOf(ask), ask)
  }
  takesOf({ cost = 1, request }: QuotaAsk): readonly Take[] {
    // Who waits for an endpoint must not stand in what all wait for.
    return [{ queue: this.#queueOf(request === undefined ? '' : routeName(request)), cost, narrow: true }]
  }
  #queueOf(route: string): QuotaQueue {
    const known = this.#queues.get(route)
    if (known !== undefined) return known
    if (route !== '' && this.#queues.size >= mostEndpoints) return this.#queueOf('')
    const { key } = this.#options
    const meter = adaptiveMeter({ ...this.#options, key: JSON.stringify([key, route]) })
    const queue = new QuotaQueue(found, [meter], this.#options.clock, { limit: this.#limit })
    this.#queues.set(route, queue)
    return queue
  }
}

function adaptiveMeter({ key, clock, memory = noQuotaMemory, random }: AdaptiveQuotaOptions): AdaptiveRate {
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
  return meter
}
