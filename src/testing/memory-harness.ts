import type { ConformanceHarness } from '../destinations/conformance.ts'
import type { Destination } from '../ports/destination.ts'
import { memoryDestination } from './memory-destination.ts'
import { memoryStore } from './memory-store.ts'

/** The conformance suite's harness over a memory destination, which `wrap` may change first. */
export function memoryHarness(
  wrap: (inner: Destination) => Destination = (inner) => inner,
): ConformanceHarness {
  const store = memoryStore()
  const look = memoryDestination({ store })
  const open = async () => wrap(memoryDestination({ store }))
  return {
    open,
    reopen: open,
    rows: async (table) => look.rows(table),
    rejects: async (pipeline) => look.rejects(pipeline),
    loads: async (pipeline) => look.loads(pipeline),
    runs: async (pipeline) => look.runs(pipeline),
  }
}
