import { ofSlices } from '../../src/engine/starting-point.ts'
import type { Checkpoint } from '../../src/ports/destination.ts'
import { BrokenPromiseError } from './failure.ts'
import type { SimulatedProcess } from './process.ts'
import type { StreamPlan } from './streams.ts'

const PATHS: Readonly<Record<string, string>> = {
  'desk.users': '/desk/api/v2/incremental/users/cursor',
  'desk.tickets': '/desk/api/v2/incremental/tickets/cursor',
  'pay.transactions': '/pay/v1/balance_transactions',
  'pay.charges': '/pay/v1/charges',
  'track.events': '/track/api/query/events',
  'code.projects': '/code/api/v4/projects',
}

/** A position that the next run asks from may name the last page that was committed: the overlap, once for each slice under way. */
const OVERLAP_PAGES = 1

/**
 * C4, counted in pages: of the pages that a dead process had committed, the next one asks for no more than the overlap again. A batch
 * holds whole pages in the order in which they were handed on, so that the committed ones are the first of them, and how many follows
 * from the number of records committed. Within a slice they are handed on in the order of the list, whatever order they were answered in.
 * Streamed bodies are left out: they are asked for anew from their start, whatever was committed of them.
 */
export function checkReasked(
  stream: StreamPlan,
  dead: SimulatedProcess,
  next: SimulatedProcess,
  checkpoints: readonly Checkpoint[],
): void {
  const path = PATHS[stream.name]
  if (path === undefined || stream.rereads) return
  // A list that had been read to its end is read again from its beginning, or from its high-water mark. The stream's own
  // checkpoint has no position, and says nothing of it.
  const own = ofSlices(checkpoints).filter((checkpoint) => checkpoint.stream === stream.name)
  if (stream.reading !== 'windows' && own.some(({ position }) => position === null)) return
  const committed = committedPages(stream.name, dead)
  const answered = answeredPages(
    dead.slicesBegun.get(stream.name) ?? [],
    dead.answered.filter((page) => page.path === path).map(({ url }) => url),
  )
  const after = new Set(next.answered.map(({ url }) => url))
  let underWay = 0
  for (const [slice, count] of committed) {
    const pages = answered(slice)
    if (pages.length < count)
      throw new Error(`${stream.name} ${slice}: ${count} pages were committed, and ${pages.length} answered`)
    const again = pages.slice(0, count).filter((url) => after.has(url))
    if (again.length > 0) underWay++
    if (again.length <= OVERLAP_PAGES && underWay <= stream.slicesAtOnce) continue
    throw new BrokenPromiseError(
      'C4',
      `${stream.name} ${slice}: ${again.length} of ${count} committed pages were asked for again after a death, at most ${OVERLAP_PAGES} may be, in ${stream.slicesAtOnce} slices: ${again.join(' ')}`,
    )
  }
}

/**
 * Memory is bounded: one batch is committed, one is filled, and each ends with the page that fills it; each other slice that is read at
 * once waits in line with one page. Pages that were asked for ahead are no part of it: they were not handed on.
 */
export function checkReadAhead(stream: StreamPlan, dead: SimulatedProcess, maxRecords: number): void {
  const read = (dead.pagesRead.get(stream.name) ?? []).reduce((sum, { records }) => sum + records, 0)
  const ahead = read - (dead.committed.get(stream.name) ?? 0)
  const most = 2 * (maxRecords - 1 + stream.pageSize) + (stream.slicesAtOnce - 1) * stream.pageSize
  if (ahead > most)
    throw new BrokenPromiseError(
      'bounded memory',
      `${stream.name}: ${ahead} records were read and not committed when the process died, at most ${most} may be`,
    )
}

/** How many pages of each slice were committed. */
function committedPages(stream: string, dead: SimulatedProcess): ReadonlyMap<string, number> {
  const committed = dead.committed.get(stream) ?? 0
  const pages = new Map<string, number>()
  let sum = 0
  for (const { slice, records } of dead.pagesRead.get(stream) ?? []) {
    sum += records
    if (sum > committed) break
    pages.set(slice, (pages.get(slice) ?? 0) + 1)
    if (sum === committed) break
  }
  return pages
}

/** The pages that were answered, by slice, in the order of its list. A window is told by the time that its pages are asked from. */
function answeredPages(
  slices: Iterable<string>,
  urls: readonly string[],
): (slice: string) => readonly string[] {
  const windows = [...slices].filter((slice) => slice !== 'all').map((slice) => Date.parse(slice))
  const bySlice = new Map<string, string[]>()
  for (const url of urls) {
    const slice = sliceOf(url, windows)
    bySlice.set(slice, [...(bySlice.get(slice) ?? []), url])
  }
  return (slice) => (bySlice.get(slice) ?? []).toSorted((a, b) => offsetOf(a) - offsetOf(b))
}

function sliceOf(url: string, windows: readonly number[]): string {
  if (windows.length === 0) return 'all'
  const from = Number(new URL(url).searchParams.get('created[gte]')) * 1000
  // A window that was begun before is asked for from its high-water mark on.
  const begin = Math.max(...windows.filter((window) => window <= from))
  return Number.isFinite(begin) ? new Date(begin).toISOString().replace('.000Z', 'Z') : ''
}

/** Pages that are asked for side by side are answered in any order; others have no offset, and keep the order that they came in. */
function offsetOf(url: string): number {
  return Number(new URL(url).searchParams.get('offset') ?? 0)
}
