import { seededRandom } from '../../src/testing/seeded-random.ts'

/** Draws for a simulation: each one depends on the seed and on the draws before it, and on nothing else. */
export interface Chance {
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** True in this share of draws. */
  happens(share: number): boolean
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  oneOf<const T>(choices: readonly T[]): T
}

/** `salt` makes several independent sources of chance out of one seed. */
export function chance(seed: number, salt: number): Chance {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b))
  return {
    random,
    happens: (share) => random() < share,
    between: (low, high) => low + Math.floor(random() * (high - low + 1)),
    oneOf: (choices) => choices[Math.floor(random() * choices.length)]!,
  }
}
