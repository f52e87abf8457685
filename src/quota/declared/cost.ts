import { compilePath } from '../../pagination/path.ts'
import { LongDecimal, type Value } from '../../ports/json.ts'
import type { QuotaCharge } from '../quota.ts'

/** Costs that an estimate looks back at. */
const remembered = 16

/**
 * What a request may cost: the largest of the last costs that were told. What was said at first counts as the costs before the first one,
 * so that an estimate falls only after that many replies, and rises at once. A cost that is larger than the sixteen before it
 * is the one case in which more is spent than was there; it is waited for afterwards.
 */
export class CostEstimate {
  readonly #last: number[]
  #next = 0
  #largest: number

  constructor(first: number) {
    this.#last = Array.from({ length: remembered }, () => first)
    this.#largest = first
  }
  get value(): number {
    return this.#largest
  }
  tell(cost: number): void {
    const forgotten = this.#last[this.#next]!
    this.#last[this.#next] = cost
    this.#next = (this.#next + 1) % remembered
    if (cost >= this.#largest) this.#largest = cost
    else if (forgotten === this.#largest) this.#largest = Math.max(...this.#last)
  }
}

/** What a reply tells of a request's cost. */
export interface ToldCost {
  readonly actual: number
  /** What had to be there before it ran. */
  readonly requested: number
}

export type CostReader = (charge: QuotaCharge) => ToldCost | undefined

/** Reads points: those that were given as such, or the places of the body that the config names. */
export function pointsReader(places: { actual: string; requested?: string | undefined }): CostReader {
  const actualIn = compilePath(places.actual)
  const requestedIn = places.requested === undefined ? undefined : compilePath(places.requested)
  return ({ points, body }) => {
    const actual = points ?? numberOf(actualIn(body))
    if (actual === undefined || !(actual >= 0)) return undefined
    const requested = requestedIn && numberOf(requestedIn(body))
    return { actual, requested: requested !== undefined && requested > 0 ? requested : actual }
  }
}

export const readBytes: CostReader = ({ bytes }) =>
  bytes === undefined ? undefined : { actual: bytes, requested: bytes }

/** Some APIs write numbers as texts. */
function numberOf(value: Value | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof LongDecimal) return Number(value.text)
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}
