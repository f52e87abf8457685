import { seededRandom } from '../../src/testing/seeded-random.ts'

/** Draws for one case: each depends on the seed, the case and the draws before it, and on nothing else. */
export interface Chance {
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** True in this share of draws. */
  happens(share: number): boolean
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  oneOf<const T>(choices: readonly T[]): T
  /** So many things, between `low` and `high`. */
  list<T>(low: number, high: number, make: (index: number) => T): T[]
}

export function chanceOf(seed: number, caseNumber: number): Chance {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(caseNumber + 1, 0x85ebca6b))
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1))
  return {
    random,
    happens: (share) => random() < share,
    between,
    oneOf: (choices) => choices[Math.floor(random() * choices.length)]!,
    list: (low, high, make) => Array.from({ length: between(low, high) }, (_, index) => make(index)),
  }
}
