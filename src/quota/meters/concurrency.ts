import type { Clock } from '../../ports/runtime.ts'
import { QuotaQueue } from '../queue.ts'
import type { Quota } from '../quota.ts'
import type { Meter } from './meter.ts'

/** A quota of at most `concurrent` requests in flight, until their permits are released. A request's cost doesn't matter. */
export function concurrency(concurrent: number, clock: Clock): Quota {
  return new QuotaQueue(`${concurrent} requests in flight`, [new Concurrency(concurrent)], clock)
}

export class Concurrency implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #concurrent: number
  #inFlight = 0

  constructor(concurrent: number) {
    if (!(concurrent >= 1)) throw new RangeError(`at least 1 request has to be in flight, not ${concurrent}`)
    this.#concurrent = concurrent
  }
  readyAt(_cost: number, now: number): number {
    return this.#inFlight < this.#concurrent ? now : Number.POSITIVE_INFINITY
  }
  take(): void {
    this.#inFlight++
  }
  release(): void {
    this.#inFlight--
  }
  cancel(): void {
    this.#inFlight--
  }
  isIdle(): boolean {
    return this.#inFlight === 0
  }
}
