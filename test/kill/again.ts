// C4, counted from outside: what the server was asked, and what of it was in the warehouse when the process died.
import type { LogEntry } from '../../sandbox/stats.ts'
import { BATCH_PAGES, type Mode } from './modes.ts'
import type { Contents } from './warehouse.ts'

/** Pages, or days of the export, that one batch holds: C4's "one batch". */
export const BATCH_BOUND = BATCH_PAGES
/** C4's "one overlap": the page at the boundary, or the day that is not over yet. */
export const OVERLAP_BOUND = 1
/**
 * What may have been read and not committed when a process dies: a batch on its way into the warehouse, a batch that is
 * being filled, and the page that is asked for ahead.
 */
export const UNCOMMITTED_BOUND = 2 * BATCH_PAGES + 1

/** The pages that one process got, in order: their positions, and how many records each held. */
export function served(mode: Mode, log: readonly LogEntry[]): ReadonlyMap<string, number> {
  return new Map(
    log
      .filter(({ endpoint, status }) => endpoint === mode.endpoint && status === 200)
      .map(({ position, records }) => [position, records]),
  )
}

/** The positions of those pages whose records were all committed. `committedRecords`: by this process alone. */
export function committed(
  mode: Mode,
  pages: ReadonlyMap<string, number>,
  contents: Contents,
  committedRecords: number,
): ReadonlySet<string> {
  if (mode.sliced) {
    const days = new Set(
      contents.checkpoints.filter(({ ended }) => ended).map(({ slice }) => slice.slice(0, 10)),
    )
    return new Set([...pages.keys()].filter((position) => days.has(/from_date=(.{10})/.exec(position)![1]!)))
  }
  const whole = new Set<string>()
  let sum = 0
  for (const [position, records] of pages) {
    sum += records
    if (sum > committedRecords) break
    whole.add(position)
  }
  return whole
}
