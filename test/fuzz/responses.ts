// Whatever a server answers to whatever pipeline: the run ends, with an outcome, and what it committed is consistent.
import type { FuzzKind } from './kind.ts'
import { play } from './play.ts'
import { validPipeline } from './valid-pipeline.ts'

export const responses: FuzzKind = {
  name: 'responses',
  share: 15,
  run: (chance, show) => play(validPipeline(chance), { chance, show }),
}
