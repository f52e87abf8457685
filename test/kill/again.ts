// C4, counted from outside: what the server was asked, and what of it was in the warehouse when the process died.
import type { LogEntry } from '../../sandbox/stats.ts'
import type { Mode } from './modes.ts'
import type { Contents } from './warehouse.ts'

/** C4's "one batch and one overlap", which is the page at the boundary of each slice under way, or the day that is not over yet. */
export function committedBound({ batchPages, atOnce }: Mode): number {
  return batchPages + atOnce.slices
}

/**
 * What may have been read and not committed when a process dies: a batch on its way into the warehouse, a batch that is being filled,
 * a page of each other slice that waits in line, and the pages that each slice has asked for ahead.
 */
export function uncommittedBound({ batchPages, atOnce: { slices, pages } }: Mode): number {
  return 2 * batchPages + (slices - 1) + slices * pages
}

/** The pages that one process got, in the order of their list: their positions, and how many records each held. */
export function served(mode: Mode, log: readonly LogEntry[]): ReadonlyMap<string, number> {
  const pages = new Map(
    log
      .filter(({ endpoint, status }) => endpoint === mode.endpoint && status === 200)
      .map(({ position, records }) => [position, records]),
  )
  if (mode.atOnce.pages === 1) return pages
  // Answered in any order, handed on in this one.
  return new Map([...pages].sort(([a], [b]) => offsetOf(a) - offsetOf(b)))
}

/** The positions of those pages whose records were all committed. `committedRecords`: by this process alone. */
export function committed(
  mode: Mode,
  pages: ReadonlyMap<string, number>,
  contents: Contents,
  committedRecords: number,
): ReadonlySet<string> {
  if (mode.name === 'windows') return committedOfWindows(pages, contents)
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

/** Of each window, the pages before the one that its checkpoint says is next; all of them where it was read to its end. */
function committedOfWindows(
  pages: ReadonlyMap<string, number>,
  { checkpoints }: Contents,
): ReadonlySet<string> {
  const whole = new Set<string>()
  for (const { slice, ended, next } of checkpoints) {
    const from = `created[gte]=${Date.parse(slice) / 1000}`
    const own = [...pages.keys()].filter((position) => position.split('&').includes(from))
    const end = own.findIndex((position) => position.split('&').includes(`starting_after=${next}`))
    for (const position of ended || end < 0 ? own : own.slice(0, end)) whole.add(position)
  }
  return whole
}

function offsetOf(position: string): number {
  return Number(/\boffset=(\d+)/.exec(position)?.[1] ?? 0)
}
