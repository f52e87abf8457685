import { beforeEach } from 'vitest'
import type { SluiceEvent } from '../../ports/events.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { Stream } from '../../ports/source.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type MemoryDestination, memoryDestination } from '../../testing/memory-destination.ts'
import { ofSlices } from '../starting-point.ts'
import { runStream, type StreamRunOptions } from '../stream-run.ts'

let runs = 0

/** Loads streams into a memory destination, one run each, and looks at what is there. Each test of the file begins with an empty one. */
export function streamLoads() {
  const loads = {
    /** May be replaced, by one that fails for instance. */
    destination: memoryDestination() as MemoryDestination,
    events: [] as SluiceEvent[],

    async load(stream: Stream, options: Partial<StreamRunOptions> = {}) {
      await using session = await loads.destination.open('support')
      return await runStream(stream, {
        session,
        runId: `run${++runs}`,
        clock: fakeClock({ auto: true }),
        onEvent: (event) => loads.events.push(event),
        batch: { maxRecords: 10, maxBytes: 1e9, maxAgeMs: 1e9 },
        scope: {},
        fullRefresh: false,
        signal: new AbortController().signal,
        ...options,
      })
    },

    /** Those that say how far something was read. */
    async checkpoints() {
      await using session = await loads.destination.open('support')
      return ofSlices(await session.readCheckpoints())
    },

    /** A table's rows as they were loaded. */
    rows: (table: string): JsonRecord[] =>
      loads.destination.rows(table).map((row) => {
        const { _sluice_load_id: _load, ...values } = row
        return values
      }),

    ids: () => loads.destination.rows('desk_tickets').map((row) => row['id']),
    /** How many loads were committed. */
    committed: () => loads.destination.loads('support').length,
  }
  beforeEach(() => {
    loads.destination = memoryDestination()
    loads.events = []
  })
  return loads
}
