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

/** A position that the next run asks from may name the last page that was committed: the overlap. */
const OVERLAP_PAGES = 1

/**
 * C4, counted in pages: of the pages that a dead process had committed, the next one asks for no more than the overlap again. A batch
 * holds whole pages in the order in which they were read, so that the committed ones are the first of them, and how many follows from the
 * number of records committed. Streamed bodies are left out: they are asked for anew from their start, whatever was committed of them.
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
  const before = dead.answered.filter((page) => page.path === path).slice(0, committed)
  const after = new Set(next.answered.map(({ url }) => url))
  const again = before.filter(({ url }) => after.has(url))
  if (again.length <= OVERLAP_PAGES) return
  throw new BrokenPromiseError(
    'C4',
    `${stream.name}: ${again.length} of ${committed} committed pages were asked for again after a death, at most ${OVERLAP_PAGES} may be: ${again.map(({ url }) => url).join(' ')}`,
  )
}

/** Memory is bounded: one batch is committed, one is filled, and each ends with the page that fills it. */
export function checkReadAhead(stream: StreamPlan, dead: SimulatedProcess, maxRecords: number): void {
  const read = (dead.pagesRead.get(stream.name) ?? []).reduce((sum, records) => sum + records, 0)
  const ahead = read - (dead.committed.get(stream.name) ?? 0)
  const most = 2 * (maxRecords - 1 + stream.pageSize)
  if (ahead > most)
    throw new BrokenPromiseError(
      'bounded memory',
      `${stream.name}: ${ahead} records were read and not committed when the process died, at most ${most} may be`,
    )
}

function committedPages(stream: string, dead: SimulatedProcess): number {
  const committed = dead.committed.get(stream) ?? 0
  let records = 0
  let pages = 0
  for (const page of dead.pagesRead.get(stream) ?? []) {
    records += page
    if (records > committed) break
    pages++
    if (records === committed) break
  }
  return pages
}
