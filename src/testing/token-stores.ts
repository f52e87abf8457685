import { serve } from '../quota/line.ts'
import type { Meter } from '../quota/meters/meter.ts'
import { QuotaQueue } from '../quota/queue.ts'
import { fakeClock } from './fake-clock.ts'

/** A meter that holds as many tokens as it is given. */
class Store implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  tokens = 0
  readyAt(cost: number, now: number): number {
    return this.tokens >= cost ? now : Number.POSITIVE_INFINITY
  }
  take(cost: number): void {
    this.tokens -= cost
  }
  cancel(cost: number): void {
    this.tokens += cost
  }
}

/** Quotas that hold what a test gives them, on a clock that stands still. */
export function stores(count: number) {
  const clock = fakeClock({ start: 0 })
  const meters = Array.from({ length: count }, () => new Store())
  const queues = meters.map((meter, index) => new QuotaQueue(`store ${index}`, [meter], clock))
  const give = (index: number, tokens: number) => {
    meters[index]!.tokens += tokens
    serve([queues[index]!])
  }
  return { clock, meters, queues, give }
}
