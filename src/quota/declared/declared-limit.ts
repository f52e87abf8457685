import type { Take } from '../permit.ts'
import { QuotaQueue } from '../queue.ts'
import type { QuotaAsk } from '../quota.ts'
import { type QuotaLimit, quotaLimit } from '../usage.ts'
import { CostEstimate, type CostReader, pointsReader, readBytes } from './cost.ts'
import type { QuotaEntry } from './entry.ts'
import { type MeterContext, metersOf, nameOf, sizeOf } from './entry-meters.ts'
import { type ClassTest, classTest, type PartitionKey, partitionKey } from './request-class.ts'

/** Parts of a limit before those that are idle are looked for. */
const fewParts = 64
/** Flows whose costs are estimated each by itself. */
const mostFlows = 1000
/** Costs are above 0. */
const leastCost = 1e-6

/**
 * One declared limit: a queue, or one for each tenant or resource, so that whoever must wait for one holds nobody else back. Parts that are
 * as if they were new are forgotten, so that there are about as many as were asked for within one window.
 */
export class DeclaredLimit {
  readonly name: string
  readonly #limit: QuotaLimit
  readonly #entry: QuotaEntry
  readonly #context: MeterContext
  readonly #narrow: boolean
  readonly #test: ClassTest | undefined
  readonly #key: PartitionKey | undefined
  readonly #reads: CostReader | undefined
  /** The queue of all, where there are no parts. */
  readonly #whole: QuotaQueue | undefined
  readonly #parts = new Map<string, QuotaQueue>()
  #sweepAt = fewParts
  readonly #estimates = new Map<string, CostEstimate>()
  /** What every request takes, where it is the same. */
  readonly #fixed: Take | undefined

  constructor(entry: QuotaEntry, context: MeterContext) {
    this.name = nameOf(entry)
    this.#limit = quotaLimit(this.name)
    this.#entry = entry
    this.#context = context
    this.#narrow = entry.for !== undefined || entry.each !== undefined
    this.#test = entry.for && classTest(entry.for)
    this.#key = entry.each === undefined ? undefined : partitionKey(entry.each)
    this.#reads = readerOf(entry)
    if (this.#key !== undefined) return
    this.#whole = this.#queue(context)
    if (this.#reads === undefined)
      this.#fixed = { queue: this.#whole, cost: declaredCost(entry), narrow: this.#narrow }
  }

  /** The number of its parts that are kept. */
  get parts(): number {
    return this.#parts.size
  }

  /** What a request takes; `undefined` where the limit is not for it. */
  takeOf(ask: QuotaAsk): Take | undefined {
    if (this.#test !== undefined && !this.#test(ask)) return undefined
    if (this.#fixed !== undefined && (ask.cost === undefined || !('requests' in this.#entry)))
      return this.#fixed
    const queue = this.#whole ?? this.#part(ask)
    if (queue === undefined) return undefined
    if (this.#reads !== undefined) return this.#estimated(queue, ask, this.#reads)
    const cost = 'requests' in this.#entry ? (ask.cost ?? 1) : declaredCost(this.#entry)
    return { queue, cost, narrow: this.#narrow }
  }

  #estimated(queue: QuotaQueue, { flow = '' }: QuotaAsk, reads: CostReader): Take {
    const estimate = this.#estimateOf(flow)
    return {
      queue,
      narrow: this.#narrow,
      cost: Math.min(queue.maxCost, Math.max(leastCost, estimate.value)),
      // Bytes are many, and mean nothing to a flow's turn.
      ...('bytes' in this.#entry && { weight: 1 }),
      actual(charge) {
        const told = reads(charge)
        if (told === undefined) return undefined
        estimate.tell(told.requested)
        return told.actual
      },
    }
  }
  #estimateOf(flow: string): CostEstimate {
    let estimate = this.#estimates.get(flow)
    if (estimate === undefined) {
      if (this.#estimates.size >= mostFlows) this.#estimates.clear()
      estimate = new CostEstimate(firstEstimate(this.#entry))
      this.#estimates.set(flow, estimate)
    }
    return estimate
  }

  #part(ask: QuotaAsk): QuotaQueue | undefined {
    const key = this.#key!(ask)
    if (key === undefined) return undefined
    let queue = this.#parts.get(key)
    if (queue === undefined) {
      if (this.#parts.size >= this.#sweepAt) this.#sweep()
      queue = this.#queue(partOf(this.#context, key))
      this.#parts.set(key, queue)
    }
    return queue
  }
  #sweep(): void {
    for (const [key, queue] of this.#parts) if (queue.isIdle(queue.now())) this.#parts.delete(key)
    this.#sweepAt = Math.max(fewParts, this.#parts.size * 2)
  }
  #queue(context: MeterContext): QuotaQueue {
    return new QuotaQueue(this.name, metersOf(this.#entry, context), context.clock, {
      limit: this.#limit,
      size: sizeOf(this.#entry, context),
    })
  }
}

/** Processes share each part by itself. */
function partOf(context: MeterContext, part: string): MeterContext {
  const { shared } = context
  return { ...context, part, ...(shared && { shared: { ...shared, key: `${shared.key} ${part}` } }) }
}

function readerOf(entry: QuotaEntry): CostReader | undefined {
  if ('bytes' in entry) return readBytes
  return 'points' in entry && typeof entry.cost === 'object' ? pointsReader(entry.cost) : undefined
}

function declaredCost(entry: QuotaEntry): number {
  return 'points' in entry && typeof entry.cost === 'number' ? entry.cost : 1
}

function firstEstimate(entry: QuotaEntry): number {
  return 'points' in entry && typeof entry.cost === 'object' ? entry.cost.estimate : 1
}
