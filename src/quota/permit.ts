import { serve } from './line.ts'
import type { SentRequest } from './meters/meter.ts'
import type { QuotaQueue } from './queue.ts'
import type { Permit, QuotaCharge, QuotaRefusal, QuotaReply } from './quota.ts'
import type { QuotaUse } from './usage.ts'

/** What a request takes of one queue. */
export interface Take {
  readonly queue: QuotaQueue
  /** In the queue's unit. Above 0. */
  readonly cost: number
  /**
   * Whether the queue is for a part of the requests alone, so that who waits for it must not stand in those that are for all. Default: its
   * place among the takes tells.
   */
  readonly narrow?: boolean
  /** What it takes of its flow's turn, where costs are in a unit that others don't share. Default: `cost`. */
  readonly weight?: number
  /** Where `cost` is an estimate: what the request did cost, as its reply says. `undefined`: this does not tell. */
  readonly actual?: (charge: QuotaCharge) => number | undefined
}

let sent = 0

/** Takes from all queues now. */
export function grant(takes: readonly Take[]): Permit {
  const order = sent++
  for (const { queue, cost } of takes) queue.take(cost, order)
  return new QueuePermit(takes, order)
}

class QueuePermit implements Permit {
  readonly #takes: readonly Take[]
  readonly #order: number
  readonly #sentAt: number
  #state: 'sent' | 'settled' | 'ended' | 'cancelled' = 'sent'
  #reply: QuotaReply | undefined
  /** What was told of costs that were estimates. */
  #told: Map<Take, number> | undefined
  /** The takes whose cost is an estimate still. */
  #open: Take[] | undefined

  constructor(takes: readonly Take[], order: number) {
    this.#takes = takes
    this.#order = order
    this.#sentAt = takes.length === 0 ? 0 : takes[0]!.queue.now()
    for (const take of takes) if (take.actual !== undefined) this.#open = [...(this.#open ?? []), take]
  }
  answered(reply?: QuotaReply): void {
    if (this.#state !== 'sent') return
    this.#state = 'settled'
    this.#reply = reply
    const open = this.#open
    this.#tell((queue, request, take) => !open?.includes(take) && queue.settle(request, reply))
  }
  charge(charge: QuotaCharge): void {
    if (this.#isOver || this.#open === undefined) return
    const told = this.#open.filter((take) => this.#settleOpen(take, take.actual!(charge)))
    if (told.length === 0) return
    this.#open = this.#open.filter((take) => !told.includes(take))
    const awaited = told.filter(({ queue }) => queue.lines.size > 0)
    if (awaited.length > 0) serve(awaited.map(({ queue }) => queue))
  }
  /** Whether the reply told what a request did cost, and its queue has it. */
  #settleOpen(take: Take, actual: number | undefined): boolean {
    if (actual === undefined) return false
    const { queue, cost } = take
    this.#told ??= new Map()
    this.#told.set(take, actual)
    queue.settle({ cost, actual, sentAt: this.#sentAt, order: this.#order }, this.#reply)
    return true
  }
  refused(refusal: QuotaRefusal): void {
    if (this.#state === 'settled') this.#tell((queue, request) => queue.refuse(refusal, request))
  }
  release(): void {
    if (this.#isOver) return
    this.answered()
    this.#state = 'ended'
    for (const take of this.#open ?? []) this.#settleOpen(take, take.cost)
    this.#tell((queue, request) => queue.release(request))
  }
  cancel(): void {
    if (this.#state !== 'sent') return
    this.#state = 'cancelled'
    this.#tell((queue, request) => queue.cancel(request))
  }
  uses(): readonly QuotaUse[] {
    if (this.#state === 'cancelled') return []
    return this.#takes.flatMap((take) => {
      const { queue, cost } = take
      const actual = this.#told?.get(take) ?? cost
      return queue.usesOf({ cost, actual, sentAt: this.#sentAt, order: this.#order })
    })
  }
  get #isOver(): boolean {
    return this.#state === 'ended' || this.#state === 'cancelled'
  }
  #tell(tell: (queue: QuotaQueue, request: SentRequest, take: Take) => boolean): void {
    let awaited = false
    for (const take of this.#takes) {
      const { queue, cost } = take
      if (tell(queue, { cost, sentAt: this.#sentAt, order: this.#order }, take)) awaited = true
    }
    if (awaited) serve(this.#takes.map(({ queue }) => queue))
  }
}
