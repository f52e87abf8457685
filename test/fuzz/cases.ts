// Which case is of which kind, and playing one.
import { chanceOf } from './chance.ts'
import { configs } from './configs.ts'
import type { FuzzKind, Show } from './kind.ts'
import { parsers } from './parsers.ts'
import { responses } from './responses.ts'
import { secrets } from './secrets.ts'
import { wire } from './wire.ts'

const kinds: readonly FuzzKind[] = [configs, responses, secrets, wire, parsers]

/** The kinds of a thousand cases, mixed: 617 has no factor in common with 1000. */
const mixed: readonly FuzzKind[] = Array.from({ length: 1000 }, (_, number) => {
  let place = (number * 617) % 1000
  for (const kind of kinds) {
    if (place < kind.share) return kind
    place -= kind.share
  }
  throw new RangeError('the shares do not add up to a thousand')
})

export function kindOf(caseNumber: number): FuzzKind {
  return mixed[caseNumber % 1000]!
}

export async function playCase(seed: number, caseNumber: number, show: Show = () => {}): Promise<string> {
  return await kindOf(caseNumber).run(chanceOf(seed, caseNumber), show)
}
