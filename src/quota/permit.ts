import { serve } from './line.ts'
import type { SentRequest } from './meter.ts'
import type { QuotaQueue } from './queue.ts'
import type { Permit, QuotaRefusal, QuotaReply } from './quota.ts'

/** What a request takes of one queue. */
export interface Take {
  readonly queue: QuotaQueue
  /** In the queue's unit. Above 0. */
  readonly cost: number
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
  #state: 'sent' | 'settled' | 'ended' = 'sent'

  constructor(takes: readonly Take[], order: number) {
    this.#takes = takes
    this.#order = order
    this.#sentAt = takes.length === 0 ? 0 : takes[0]!.queue.now()
  }
  answered(reply?: QuotaReply): void {
    if (this.#state !== 'sent') return
    this.#state = 'settled'
    this.#tell((queue, request) => queue.settle(request, reply))
  }
  refused(refusal: QuotaRefusal): void {
    if (this.#state === 'settled') this.#tell((queue, request) => queue.refuse(refusal, request))
  }
  release(): void {
    if (this.#state === 'ended') return
    this.answered()
    this.#state = 'ended'
    this.#tell((queue, request) => queue.release(request))
  }
  cancel(): void {
    if (this.#state !== 'sent') return
    this.#state = 'ended'
    this.#tell((queue, request) => queue.cancel(request))
  }
  #tell(tell: (queue: QuotaQueue, request: SentRequest) => boolean): void {
    let awaited = false
    for (const { queue, cost } of this.#takes)
      if (tell(queue, { cost, sentAt: this.#sentAt, order: this.#order })) awaited = true
    if (awaited) serve(this.#takes.map(({ queue }) => queue))
  }
}
