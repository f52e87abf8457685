import type { DestinationCapabilities } from '../ports/destination.ts'
import { appendCases } from './conformance/append.ts'
import { columnCases } from './conformance/columns.ts'
import { commitCases } from './conformance/commits.ts'
import { deletionCases } from './conformance/deletions.ts'
import { type ConformanceCase, needing } from './conformance/harness.ts'
import { historyCases } from './conformance/history.ts'
import { keyCases } from './conformance/keys.ts'
import { mergeCases } from './conformance/merge.ts'
import { ownedCases } from './conformance/owned.ts'
import { reconcileCases } from './conformance/reconcile.ts'
import { replaceCases } from './conformance/replace.ts'
import { revertCases } from './conformance/revert.ts'
import { rowCases } from './conformance/rows.ts'
import { runCases } from './conformance/runs.ts'
import { sideCases } from './conformance/sides.ts'
import { stateCases } from './conformance/state.ts'
import { valueCases } from './conformance/values.ts'
import { zombieCases } from './conformance/zombies.ts'

export type { ConformanceCase, ConformanceHarness, HeldReject } from './conformance/harness.ts'

/**
 * What a destination promises, as cases that any test runner can run. Each takes a harness over a store of its own:
 *
 * ```ts
 * for (const { name, run } of conformanceCases) test(name, () => run(harnessOverMyStore()))
 * ```
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...commitCases,
  ...zombieCases,
  ...runCases,
  ...replaceCases,
  ...needing('merge', mergeCases),
  ...needing('merge', keyCases),
  ...appendCases,
  ...columnCases,
  ...valueCases,
  ...stateCases,
  ...sideCases,
  ...needing('merge', ownedCases),
  ...needing('merge', deletionCases),
  ...needing('merge', reconcileCases),
  ...rowCases,
  ...revertCases,
  ...historyCases,
]

/** The cases for a destination that can do this. */
export function conformanceCasesFor(capabilities: DestinationCapabilities): readonly ConformanceCase[] {
  return conformanceCases.filter(({ needs = [] }) => needs.every((need) => capabilities[need]))
}
