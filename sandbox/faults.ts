// What goes wrong, by seed. Whether the n-th request for one URL fails, and how, depends on (seed, URL, n) alone: the same client meets
// the same faults, however its requests interleave.
//
// Two promises make every run end: no URL fails more than twice in a row, and a token is revoked only after several requests went well.
import { fraction, hashText, mix } from './random.ts'

export const FAULT_KINDS = [
  /** 503, in half the cases with `Retry-After`. */
  'unavailable',
  /** 429 although the quota isn't used up. Not counted as a breach. */
  'throttle',
  /** The connection breaks before any header. */
  'reset',
  /** The body comes in pieces, with pauses. */
  'slow',
  /** The connection breaks in the middle of the body. */
  'truncate',
  /** The body ends before its Content-Length. */
  'short',
  /** The access token of this request is revoked before it is looked at: 401. */
  'revoke',
  /** The export stops under HTTP 200, with a last line that isn't JSON. */
  'terminate',
  /** HTML under HTTP 200. Only when forced: a client is right to give up on it. */
  'html',
  /** An error body under HTTP 200. Only when forced. */
  'error-body',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

const NAMED_RATES = { none: 0, some: 0.02, many: 0.15 } as const

/** How much goes wrong: a share of requests from 0 to 1, or a name for one. */
export type FaultRate = number | keyof typeof NAMED_RATES

/** Reads `none`, `some` (2 % of requests), `many` (15 %) or a number from 0 to 1. RangeError for anything else. */
export function faultRate(value: string | number): number {
  const named = (NAMED_RATES as Record<string, number>)[value]
  const rate = named ?? (value === '' ? Number.NaN : Number(value))
  if (!(rate >= 0 && rate <= 1)) {
    throw new RangeError(
      `faults must be none, some, many or a number from 0 to 1, not ${JSON.stringify(value)}`,
    )
  }
  return rate
}

const MOST_IN_A_ROW = 2
const CALM_AFTER_REVOKE = 10

interface Forced {
  readonly match: string
  readonly kind: FaultKind
  left: number
}

export class Faults {
  readonly #seed: number
  readonly #rate: number
  readonly #asked = new Map<string, { times: number; inARow: number }>()
  readonly #forced: Forced[] = []
  #calm = CALM_AFTER_REVOKE

  constructor(seed: number, rate: number) {
    this.#seed = seed
    this.#rate = rate
  }

  /** The next `times` requests whose path and query contain `match` fail in this way, whatever the rate. */
  force(match: string, kind: FaultKind, times = 1): void {
    this.#forced.push({ match, kind, left: times })
  }

  /** The fault for this request to `target` (path and query), among the kinds that its endpoint allows. */
  next(target: string, kinds: readonly FaultKind[]): FaultKind | undefined {
    const forced = this.#forced.find((fault) => fault.left > 0 && target.includes(fault.match))
    if (forced) {
      forced.left--
      return forced.kind
    }
    if (this.#rate === 0) return undefined
    const asked = this.#asked.get(target) ?? { times: 0, inARow: 0 }
    this.#asked.set(target, asked)
    const url = mix(this.#seed, hashText(target))
    const time = asked.times++
    const kind = kinds[mix(url, time, 1) % kinds.length]
    const fails = fraction(url, time) < this.#rate && asked.inARow < MOST_IN_A_ROW
    if (!fails || kind === undefined || (kind === 'revoke' && this.#calm < CALM_AFTER_REVOKE)) {
      asked.inARow = 0
      // Only where a token is needed: a client that waits to ask again must not meet the next revocation at once.
      if (kinds.includes('revoke')) this.#calm++
      return undefined
    }
    if (kind === 'revoke') this.#calm = 0
    asked.inARow++
    return kind
  }
}
