import type { Chance } from './chance.ts'

/** One kind of cases. */
export interface FuzzKind {
  readonly name: 'parsers' | 'configs' | 'responses' | 'secrets' | 'wire'
  /** Cases of this kind among a thousand. */
  readonly share: number
  /**
   * Plays one case, drawn from `chance` alone. Gives what came of it, in a word or two, for the summary; throws what is found.
   * `show` takes what the case was made of, for whoever replays it.
   */
  run(chance: Chance, show: Show): string | Promise<string>
}

export type Show = (what: string, value: unknown) => void

/** Something that must not happen. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** @throws Finding unless `holds` */
export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Finding(what())
}
